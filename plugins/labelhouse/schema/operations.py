"""The raw tables about operations: CloudWatch's metrics, endpoints, and what their models predict."""

from __future__ import annotations

from labelhouse.schema.columns import EVENT_AT, ORIGIN, Column, Table
from labelhouse.schema.workforce import AWS_REGION

_ENDPOINT_NAME = Column("endpoint_name", "string", "Name of the endpoint.", required=True, repeats=True)
_VARIANT_NAME = Column("variant_name", "string", "Production variant, e.g. `AllTraffic`.", required=True, repeats=True)

CLOUDWATCH_METRICS = Table(
    name="cloudwatch_metrics",
    doc="One value of one statistic of one CloudWatch metric in one period.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column("account_id", "string", "Account that was asked, twelve digits; NULL where unknown.", repeats=True),
        AWS_REGION,
        Column("namespace", "string", "E.g. `AWS/SageMaker`.", required=True, repeats=True),
        Column("metric_name", "string", "E.g. `ModelLatency`.", required=True, repeats=True),
        Column("dimensions", "attributes", "Values of its dimensions by name; workers are pseudonyms."),
        Column(
            "series_key",
            "string",
            "The dimensions as `name=value`, in the order of names, with `,` between: the same text for one series.",
            required=True,
            repeats=True,
        ),
        Column("statistic", "string", "`Sum`, `Average`, `Minimum`, `p99` and the like.", required=True, repeats=True),
        Column("period_seconds", "long", "Length of the period: 1, 60, 300, 3600 or more.", required=True),
        Column("period_at", "timestamp", "Start of the period.", required=True),
        Column("metric_value", "double", "Value, in unit.", required=True),
        Column("unit", "string", "Unit as CloudWatch has it; NULL where it names none.", repeats=True),
    ),
)

ENDPOINT_VARIANTS = Table(
    name="endpoint_variants",
    doc="One production variant of an endpoint as SageMaker described it on one UTC day.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        _ENDPOINT_NAME,
        Column("endpoint_arn", "string", "Its ARN."),
        Column("account_id", "string", "Account of the endpoint, from its ARN.", repeats=True),
        AWS_REGION,
        Column("endpoint_config_name", "string", "Configuration that it runs by."),
        Column("status", "string", "`InService`, `Updating`, `Failed`, … of the endpoint.", repeats=True),
        Column("failure_reason", "string", "Why it failed, in AWS's words."),
        _VARIANT_NAME,
        Column("model_name", "string", "Model that it serves."),
        Column("instance_type", "string", "E.g. `ml.m5.large`; NULL where it is serverless.", repeats=True),
        Column("instance_count", "int", "Instances at the time."),
        Column("desired_instance_count", "int", "Instances that it should have."),
        Column("variant_weight", "double", "Its share of calls, by weight."),
        Column("is_serverless", "boolean", "Whether it has no instances of its own."),
        Column("data_capture_uri", "string", "Where its inputs and outputs are captured, if they are."),
        Column("created_at", "timestamp", "When the endpoint was created."),
        Column("last_modified_at", "timestamp", "When it was changed last."),
    ),
)

MODEL_PREDICTIONS = Table(
    name="model_predictions",
    doc="One prediction of an endpoint, with what it was made from: a line of captured data, or one row of a batch.",
    key=("event_id", "prediction_index"),
    day_column="event_at",
    record_key="event_id",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column("event_id", "string", "Id of the captured call.", required=True),
        Column("prediction_index", "int", "Place of the prediction in the call, from 0.", required=True),
        Column("inference_id", "string", "Id that the caller gave."),
        _ENDPOINT_NAME,
        _VARIANT_NAME,
        Column("input_content_type", "string", "E.g. `text/csv`.", repeats=True),
        Column("output_content_type", "string", "E.g. `application/json`.", repeats=True),
        Column("prediction_label", "string", "Predicted class, or another text; NULL where it is a number."),
        Column("prediction_value", "double", "Predicted number, or probability of a binary model."),
        Column("confidence_ratio", "double", "Confidence of the predicted class, 0 to 1; NULL where not captured."),
        Column("inputs", "attributes", "Inputs as text by name; `input_0`, `input_1`, … where they have no names."),
        Column("other_json", "string", "What else the output holds, as JSON, identities replaced."),
    ),
)

OPERATIONS_TABLES = (CLOUDWATCH_METRICS, ENDPOINT_VARIANTS, MODEL_PREDICTIONS)
