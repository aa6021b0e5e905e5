"""The raw tables about trainings: their jobs, their trial components, what their logs say, and where models serve."""

from __future__ import annotations

from labelhouse.schema.columns import EVENT_AT, ORIGIN, Column, Table
from labelhouse.schema.workforce import AWS_REGION

_ACCOUNT_ID = Column("account_id", "string", "Account of the resource, from its ARN.", repeats=True)
_LAST_MODIFIED_AT = Column("last_modified_at", "timestamp", "When AWS changed the description last.")
_METRIC_NAME = Column("metric_name", "string", "Name of the metric.", required=True, repeats=True)
_METRIC_VALUE = Column("metric_value", "double", "Value; NULL where it is no finite number, see value_flag.")
_VALUE_FLAG = Column(
    "value_flag", "string", "`nan` or `infinite` where the value is; NULL where it is a finite number.", repeats=True
)
_TRAINING_JOB_NAME = Column("training_job_name", "string", "Name of the training job.", required=True, repeats=True)

TRAINING_JOBS = Table(
    name="training_jobs",
    doc="One training job as SageMaker describes it.",
    key=("unit_uri",),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        _TRAINING_JOB_NAME,
        Column("training_job_arn", "string", "Its ARN."),
        _ACCOUNT_ID,
        AWS_REGION,
        Column("status", "string", "`InProgress`, `Completed`, `Failed`, `Stopping` or `Stopped`.", required=True),
        Column("secondary_status", "string", "What it does or why it ended, e.g. `Training`, `MaxRuntimeExceeded`."),
        Column("failure_reason", "string", "Why it failed, in AWS's words."),
        Column("created_at", "timestamp", "When the job was created."),
        Column("training_started_at", "timestamp", "When its instances began to train; NULL where they never did."),
        Column("training_ended_at", "timestamp", "When they ended, artefacts saved; NULL while they run."),
        _LAST_MODIFIED_AT,
        Column("training_seconds", "long", "Seconds that its instances trained."),
        Column("billable_seconds", "long", "Seconds that AWS bills for each instance; less than trained on Spot."),
        Column("warm_pool_billable_seconds", "long", "Seconds billed for keeping its instances warm afterwards."),
        Column("instance_type", "string", "E.g. `ml.p3.2xlarge`; NULL where instance groups are given.", repeats=True),
        Column("instance_count", "int", "Number of its instances."),
        Column("instance_groups_json", "string", "Groups of different instances, as JSON."),
        Column("volume_size_gb", "int", "Storage of an instance."),
        Column("is_spot", "boolean", "Whether it may run on spare capacity."),
        Column("max_runtime_seconds", "long", "After so long AWS stops it."),
        Column("algorithm_name", "string", "Algorithm from the marketplace or of the account."),
        Column("training_image", "string", "Image of the training container.", repeats=True),
        Column("labeling_job_arn", "string", "Labelling job that started it: automated labelling.", repeats=True),
        Column("labeling_job_name", "string", "Name of that labelling job.", repeats=True),
        Column("tuning_job_arn", "string", "Tuning job that started it.", repeats=True),
        Column("input_channels_json", "string", "Channels with their places, as a JSON list of name and URI."),
        Column("output_uri", "string", "Where its output goes."),
        Column("model_artifact_uri", "string", "The model that it made."),
        Column("experiment_name", "string", "Experiment that it is a run of.", repeats=True),
        Column("trial_name", "string", "Trial (run group) that it belongs to.", repeats=True),
        Column("run_name", "string", "Name of its run, or of its trial component for people."),
        Column("hyper_parameters", "attributes", "Hyper-parameters as text, by name."),
        Column("metric_definitions_json", "string", "How its logs are read: a JSON list of name and regex."),
        Column("tags_json", "string", "Its tags, as JSON."),
    ),
)

TRAINING_JOB_METRICS = Table(
    name="training_job_metrics",
    doc="One final metric of a training job, as SageMaker took it from the log.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        _TRAINING_JOB_NAME,
        _METRIC_NAME,
        _METRIC_VALUE,
        _VALUE_FLAG,
        Column("metric_at", "timestamp", "When it was emitted."),
    ),
)

TRIAL_COMPONENTS = Table(
    name="trial_components",
    doc="One trial component (run) as SageMaker describes it, with the trials (run groups) that it is in.",
    key=("unit_uri",),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column("trial_component_name", "string", "Name of the trial component: the run.", required=True, repeats=True),
        Column("trial_component_arn", "string", "Its ARN."),
        _ACCOUNT_ID,
        AWS_REGION,
        Column("display_name", "string", "Its name for people."),
        Column("source_type", "string", "What made it, e.g. `SageMakerTrainingJob`.", repeats=True),
        Column("training_job_name", "string", "The training job that made it, if one did.", repeats=True),
        Column("status", "string", "`InProgress`, `Completed`, `Failed`, `Stopping` or `Stopped`.", repeats=True),
        Column("status_message", "string", "Why, in AWS's words."),
        Column("started_at", "timestamp", "When it began, as its writer says."),
        Column("ended_at", "timestamp", "When it ended, as its writer says."),
        Column("created_at", "timestamp", "When it was created."),
        _LAST_MODIFIED_AT,
        Column("trial_names_json", "string", "Trials (run groups) that it is in, as a JSON list."),
        Column("trial_name", "string", "The newest of them.", repeats=True),
        Column("experiment_name", "string", "Experiment of that trial.", repeats=True),
        Column("parameters", "attributes", "Parameters as text, by name."),
        Column("input_artifacts_json", "string", "What went in, as JSON."),
        Column("output_artifacts_json", "string", "What came out, as JSON."),
    ),
)

TRIAL_COMPONENT_METRICS = Table(
    name="trial_component_metrics",
    doc="One metric of a trial component as AWS sums it up.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column("trial_component_name", "string", "Name of the trial component: the run.", required=True, repeats=True),
        _METRIC_NAME,
        Column("point_count", "long", "Points that AWS holds."),
        Column("last_value", "double", "The newest."),
        Column("min_value", "double", "The smallest."),
        Column("max_value", "double", "The largest."),
        Column("mean_value", "double", "The mean."),
        Column("std_dev", "double", "Their standard deviation."),
        Column("metric_at", "timestamp", "When the newest was written."),
    ),
)

TRAINING_LOG_METRICS = Table(
    name="training_log_metrics",
    doc="One value that a metric definition finds in one line of a training log.",
    key=("log_event_id", "metric_name"),
    day_column="event_at",
    record_key="log_event_id",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column(
            "log_event_id",
            "string",
            "The first 32 hexadecimal digits of a SHA-256 over job, host, time, text, and how often the line was there "
            "before: the same by whichever way the line came.",
            required=True,
        ),
        _TRAINING_JOB_NAME,
        Column("log_stream_name", "string", "Log stream of the line.", repeats=True),
        Column("host_name", "string", "Instance that wrote it, e.g. `algo-1`.", repeats=True),
        _METRIC_NAME,
        _METRIC_VALUE,
        _VALUE_FLAG,
        Column("step", "long", "Step, iteration or epoch that the same line names; NULL where it names none."),
        Column("step_name", "string", "`step`, `iteration`, `batch` or `epoch`: what the line calls it.", repeats=True),
        Column(
            "metric_at",
            "timestamp",
            "Time of the line, else of the newest line before it that has one; NULL where none has.",
        ),
        Column(
            "definition",
            "string",
            "Whose definition found it: `job` (the job's own) or the name of a built-in set, e.g. `quality_metric`.",
            required=True,
            repeats=True,
        ),
        Column(
            "account_id",
            "string",
            "Account of the log group, twelve digits; NULL where the log was saved.",
            repeats=True,
        ),
        AWS_REGION,
    ),
)

TRAINING_TABLES = (
    TRAINING_JOBS,
    TRAINING_JOB_METRICS,
    TRIAL_COMPONENTS,
    TRIAL_COMPONENT_METRICS,
    TRAINING_LOG_METRICS,
)
