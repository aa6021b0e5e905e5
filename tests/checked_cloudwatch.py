"""Metrics and predictions that pass every check, and what is done to them so that one check of the inputs fails."""

from __future__ import annotations

import duckdb

METRICS, PREDICTIONS = "cloudwatch_metrics", "model_predictions"
EMAIL = "canary.worker@example.com"


def fill_cloudwatch(connection: duckdb.DuckDBPyConnection) -> None:
    """An hour of an endpoint and of one worker; sixty predictions."""
    connection.execute(
        """
        insert into raw.cloudwatch_metrics by name
        select
            'cloudwatch://us-east-1:111122223333/2026-03-01T00Z/60' as unit_uri,
            'v1' as unit_version,
            i || '/' || length(metric_name) as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 00:00:00+00' + to_minutes(i) as event_at,
            '111122223333' as account_id,
            'us-east-1' as aws_region,
            'AWS/SageMaker' as namespace,
            metric_name,
            map {dimension: if(dimension = 'WorkerId', 'p_' || md5('1'), 'live')} as dimensions,
            dimension || '=' || dimensions[dimension] as series_key,
            'Sum' as statistic,
            60 as period_seconds,
            event_at as period_at,
            i as metric_value,
            'None' as unit
        from
            range(60) as minutes (i),
            (values ('Invocations', 'EndpointName'), ('TasksSubmitted', 'WorkerId')) as kinds (metric_name, dimension);

        insert into raw.model_predictions by name
        select
            's3://bucket/capture/live/AllTraffic/2026/03/01/00/00-00-000-a.jsonl' as unit_uri,
            'v1' as unit_version,
            i || '/0' as position,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at,
            timestamptz '2026-03-01 00:00:00+00' + to_minutes(i) as event_at,
            'e' || i as event_id,
            0 as prediction_index,
            'live' as endpoint_name,
            'AllTraffic' as variant_name,
            'car' as prediction_label,
            0.5 as prediction_value,
            0.9 as confidence_ratio,
            map {'width': '7'} as inputs
        from range(60) as calls (i);
        """
    )


def _all(table: str, deed: str) -> str:
    return f"update raw.{table} set {deed}"


#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_CLOUDWATCH_INPUTS = [
    ("insert into raw.cloudwatch_metrics from raw.cloudwatch_metrics", METRICS, "hold", "No value of CloudWatch is in"),
    (
        "insert into raw.cloudwatch_metrics select * replace ('file:///saved.json' as unit_uri) "
        "from raw.cloudwatch_metrics",
        METRICS,
        "warn",
        "No metric has two values",
    ),
    (_all(METRICS, "statistic = ''"), METRICS, "hold", "Every value of CloudWatch says"),
    (_all(METRICS, "metric_value = 'nan'"), METRICS, "hold", "Every value of CloudWatch is a finite"),
    (_all(METRICS, "metric_value = -1"), METRICS, "warn", "Counts, shares and durations"),
    (_all(METRICS, "period_seconds = 0"), METRICS, "hold", "A period is a second"),
    (_all(METRICS, "period_at = period_at + interval 7 seconds"), METRICS, "warn", "Periods begin where"),
    (_all(METRICS, "period_at = '1970-01-20'"), METRICS, "hold", "No value of CloudWatch is from before"),
    (_all(METRICS, "period_at = '2099-01-01'"), METRICS, "hold", "No value of CloudWatch lies in the future"),
    (_all(METRICS, "dimensions = map {'WorkerId': 'w1'}"), METRICS, "hold", "Workers are in CloudWatch's metrics"),
    (_all(METRICS, f"series_key = 'Name={EMAIL}'"), METRICS, "hold", "What CloudWatch calls things"),
    ("insert into raw.model_predictions from raw.model_predictions", PREDICTIONS, "hold", "No prediction is in the"),
    (_all(PREDICTIONS, "endpoint_name = ''"), PREDICTIONS, "hold", "Every prediction says its call"),
    (_all(PREDICTIONS, "prediction_index = -1"), PREDICTIONS, "hold", "Predictions of a call are counted"),
    (_all(PREDICTIONS, "prediction_value = 'inf'"), PREDICTIONS, "hold", "Every predicted number is finite"),
    (_all(PREDICTIONS, "confidence_ratio = 90"), PREDICTIONS, "hold", "A model is sure of its classes"),
    (
        _all(PREDICTIONS, "prediction_label = null, prediction_value = null"),
        PREDICTIONS,
        "warn",
        "At most 5% of the calls of an endpoint",
    ),
    (_all(PREDICTIONS, "event_at = '1970-01-20'"), PREDICTIONS, "hold", "No prediction is from before"),
    (_all(PREDICTIONS, "event_at = '2099-01-01'"), PREDICTIONS, "hold", "No prediction lies in the future"),
    (_all(PREDICTIONS, f"inputs = map {{'text': '{EMAIL}'}}"), PREDICTIONS, "hold", "What models were given"),
]
