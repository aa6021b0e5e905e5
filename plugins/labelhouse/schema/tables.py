"""The raw tables of the lake: every column once."""

from __future__ import annotations

from labelhouse.schema.annotations import ANSWER_FOLDER, LABEL_TABLES
from labelhouse.schema.columns import EVENT_AT, ORIGIN, Column, Table
from labelhouse.schema.operations import OPERATIONS_TABLES
from labelhouse.schema.quality import QUALITY_TABLES
from labelhouse.schema.training import TRAINING_TABLES
from labelhouse.schema.workforce import WORKFORCE_TABLES

LABELING_JOB_NAME = Column(
    "labeling_job_name", "string", "Name of the labelling job, as captured, without `labeling-job/`.", required=True
)
DATASET_OBJECT_ID = Column(
    "dataset_object_id",
    "string",
    "Index of the dataset object in the job: the line of its manifest, from 0.",
    required=True,
)

MANIFEST_ENTRIES = Table(
    name="manifest_entries",
    doc="One label attribute of one line of an output manifest; a line can carry several jobs.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        LABELING_JOB_NAME,
        Column(
            "manifest_labeling_job_name",
            "string",
            "Name of the job whose output manifest holds the line; it differs for labels chained from earlier jobs.",
            required=True,
        ),
        DATASET_OBJECT_ID,
        Column("source_ref", "string", "URI of the labelled object, as captured; never fetched."),
        Column(
            "source_text", "string", "The labelled text where the manifest holds it inline, e-mail addresses replaced."
        ),
        Column("label_attribute_name", "string", "Name of the label attribute, as captured.", required=True),
        Column("task_type", "string", "Type from the metadata, e.g. `groundtruth/image-classification`."),
        Column("label", "string", "Class name of a single-class label; NULL for other task types and failed objects."),
        Column("label_json", "string", "The label as captured, as JSON."),
        Column("metadata_json", "string", "The label's metadata as captured, as JSON, identities replaced."),
        Column("confidence_ratio", "double", "Confidence, 0 to 1; NULL where one worker answered (captured as 0)."),
        Column("is_human_annotated", "boolean", "False where the label came from automated labelling."),
        Column("is_adjusted", "boolean", "Whether an adjustment job changed the label; NULL in other jobs."),
        Column("is_failed", "boolean", "Whether the object could not be labelled.", required=True),
        Column("failure_reason", "string", "Why it could not, as captured."),
        Column("labeled_at", "timestamp", "When the label was made: creation-date, UTC where it names no zone."),
        Column(
            "class_map", "attributes", "Number of a class, as text → its name, from the metadata; NULL without one."
        ),
        Column("label_ref", "string", "URI of the file that holds the label, as captured; never fetched."),
    ),
)

WORKER_RESPONSES = Table(
    name="worker_responses",
    doc="One worker's answer to one dataset object.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        LABELING_JOB_NAME,
        Column("iteration_number", "int", "Iteration of the job that asked for the answer.", required=True),
        DATASET_OBJECT_ID,
        Column("worker_id", "string", "Worker id without its `<kind>.<region>.` prefix; NULL where not captured."),
        Column("workforce_type", "string", "`public`, `private` or `vendor`, from the id's prefix; NULL without one."),
        Column("worker_pseudonym", "string", "Pseudonym of the worker's `sub`; NULL for workers without an identity."),
        Column("identity_provider", "string", "`Cognito` or `Oidc`; NULL for workers without an identity."),
        Column("accepted_at", "timestamp", "When the worker accepted the task; NULL for public workers."),
        Column("submitted_at", "timestamp", "When the worker submitted the answer; NULL where not captured."),
        Column(
            "time_spent_seconds",
            "seconds",
            "Active time as captured, pauses excluded; NULL for public workers, never 0 for not captured.",
        ),
        Column("crowd_element", "string", "Name of the crowd element that holds the answer."),
        Column("label", "string", "The chosen class of an image classification; NULL for other crowd elements."),
        Column("answer_json", "string", "The answer as captured, as JSON: nested JSON opened, identities replaced."),
        ANSWER_FOLDER,
    ),
)

EVENT_ID = Column(
    "event_id", "string", "CloudTrail's id of the event: the same in every copy of it.", required=True, repeats=True
)
#: Who called, from where, as CloudTrail says it.
CALLER = (
    Column(
        "principal_arn", "string", "ARN of the caller; names of users and of sessions are pseudonyms.", repeats=True
    ),
    Column(
        "principal_type",
        "string",
        "What the caller is: `AssumedRole`, `IAMUser`, `AWSService` or another.",
        repeats=True,
    ),
    Column(
        "source_network",
        "string",
        "Address of the caller, cut to its /24 or /48 network, or the name of an AWS service.",
        repeats=True,
    ),
    Column("user_agent", "string", "Program of the caller, e-mail addresses replaced.", repeats=True),
)
TIME_FLAG = Column(
    "time_flag",
    "string",
    "What was odd about its time: `future` (up to 2 hours ahead), `seconds` (given in seconds instead of "
    "milliseconds), `leap_second` (:60, read as :59.999); NULL where nothing was.",
    repeats=True,
)

TRAINING_METRICS = Table(
    name="training_metrics",
    doc="One point of a BatchPutMetrics call, and who sent it.",
    key=("event_id", "point_index"),
    day_column="event_at",
    record_key="event_id",
    columns=(
        *ORIGIN,
        EVENT_AT,
        EVENT_ID,
        Column("point_index", "int", "Place of the point in the call, from 0.", required=True),
        Column("trial_component_name", "string", "Name of the trial component: the run.", required=True, repeats=True),
        Column("trial_component_arn", "string", "Its ARN.", repeats=True),
        Column("account_id", "string", "Account of the run.", repeats=True),
        Column("aws_region", "string", "Region of the call.", repeats=True),
        Column(
            "resource_type",
            "string",
            "Type of the resource, normally `AWS::SageMaker::ExperimentTrialComponent`.",
            repeats=True,
        ),
        Column("metric_name", "string", "Name of the metric, e.g. `validation:accuracy`.", required=True, repeats=True),
        Column("step", "long", "Training step of the point; NULL where the call gave none."),
        Column("metric_value", "double", "Value; NULL where it is no finite number, see value_flag."),
        Column(
            "value_flag",
            "string",
            "`nan` or `infinite` where the value is; NULL where it is a finite number.",
            repeats=True,
        ),
        Column("metric_at", "timestamp", "Time of the point, as the caller gave it.", required=True),
        TIME_FLAG,
        *CALLER,
    ),
)

MANAGEMENT_EVENTS = Table(
    name="management_events",
    doc="One call to SageMaker, Cognito or CloudTrail that changes a job, a team, a person or a trail.",
    key=("event_id",),
    day_column="event_at",
    record_key="event_id",
    columns=(
        *ORIGIN,
        EVENT_AT,
        EVENT_ID,
        Column("event_source", "string", "Service, e.g. `sagemaker.amazonaws.com`.", required=True),
        Column("event_name", "string", "Operation, e.g. `CreateLabelingJob`.", required=True),
        Column("account_id", "string", "Account that the event was delivered to.", repeats=True),
        Column("aws_region", "string", "Region of the call.", repeats=True),
        Column(
            "resource_kind", "string", "What it changes, e.g. `labeling_job`; NULL where the operation names nothing."
        ),
        Column("resource_name", "string", "Name of what it changes; people are pseudonyms."),
        Column("error_code", "string", "Why AWS refused it; NULL where it took effect."),
        Column("error_message", "string", "The refusal in AWS's words, identities replaced."),
        Column("request_json", "string", "Parameters as captured, as JSON, identities replaced."),
        Column("response_json", "string", "Response as captured, as JSON, identities replaced."),
        Column("shared_event_id", "string", "Ties the copies in several accounts together; each copy is an event."),
        TIME_FLAG,
        *CALLER,
    ),
)

TRAIL_DIGESTS = Table(
    name="trail_digests",
    doc="One log file or earlier digest that a digest of a trail names, or should name, and whether it holds.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column("account_id", "string", "Account of the trail."),
        Column("aws_region", "string", "Region of the trail."),
        Column("digest_started_at", "timestamp", "Start of what the digest covers."),
        Column("digest_ended_at", "timestamp", "End of what the digest covers."),
        Column("file_uri", "string", "URI of the file that the row is about.", required=True),
        Column("file_kind", "string", "`log` or `digest`.", required=True),
        Column(
            "status",
            "string",
            "`verified`, `modified` (other content than the digest says), `missing`, `extra` (no digest names it), "
            "`forged` (the signature is not CloudTrail's) or `unverifiable` (no signature or key to check with).",
            required=True,
        ),
        Column("finding", "string", "The status as a sentence."),
        Column("expected_sha256", "string", "SHA-256 that the digest gives."),
        Column("found_sha256", "string", "SHA-256 that the file has, unpacked."),
        Column("oldest_event_at", "timestamp", "Oldest event of the file, as the digest says."),
        Column("newest_event_at", "timestamp", "Newest event of the file, as the digest says."),
    ),
)

INGEST_LEDGER = Table(
    name="ingest_ledger",
    doc="One load of one version of one unit. Committed last: it makes the unit's rows visible.",
    key=("unit_uri", "unit_version", "loaded_at"),
    columns=(
        Column("source_name", "string", "Source that read the unit.", required=True),
        Column("unit_uri", "string", "URI of the unit.", required=True),
        Column("unit_version", "string", "Its version: the ETag, or a hash where it has none.", required=True),
        Column(
            "unit_at", "timestamp", "Time in its name, else last modification, else the window's start.", required=True
        ),
        Column("sha256", "string", "SHA-256 of its bytes as read.", required=True),
        Column("size_bytes", "long", "Its size as stored.", required=True),
        Column("records_read", "long", "Records found; always the sum of the four that follow.", required=True),
        Column("records_loaded", "long", "Records of which any part was loaded.", required=True),
        Column("records_duplicate", "long", "Records that the lake had already.", required=True),
        Column("records_quarantined", "long", "Records of which nothing could be loaded.", required=True),
        Column(
            "records_filtered",
            "long",
            "Records left out on purpose, e.g. manifest lines not yet labelled.",
            required=True,
        ),
        Column("duplicate_of", "string", "URI of the unit with the same content that was loaded first."),
        Column("event_dates", "dates", "UTC days of its rows: what a build must look at again.", required=True),
        Column("loaded_at", "timestamp", "When it was loaded.", required=True),
        Column("parts_filtered", "long", "Parts of loaded records left out on purpose, e.g. points that AWS refused."),
    ),
)

QUARANTINE = Table(
    name="quarantine",
    doc="One record, or part of one, that could not be loaded, with the reason and its bytes.",
    key=("unit_uri", "position"),
    day_column="event_at",
    columns=(
        *ORIGIN,
        EVENT_AT,
        Column("source_name", "string", "Source that read it.", required=True),
        Column("reason", "string", "Why it was not loaded, in words a person understands.", required=True),
        Column("raw_sha256", "string", "SHA-256 of the record's bytes.", required=True),
        Column("raw_size_bytes", "long", "Size of the record.", required=True),
        Column("raw_bytes", "binary", "The record, cut at 64 KiB: identities replaced, or encrypted.", required=True),
        Column(
            "is_encrypted", "boolean", "Whether raw_bytes is encrypted because it could not be parsed.", required=True
        ),
    ),
)

#: Tables that sources fill, and tables the house keeps about itself.
TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        MANIFEST_ENTRIES,
        WORKER_RESPONSES,
        *LABEL_TABLES,
        TRAINING_METRICS,
        MANAGEMENT_EVENTS,
        TRAIL_DIGESTS,
        *WORKFORCE_TABLES,
        *TRAINING_TABLES,
        *OPERATIONS_TABLES,
        INGEST_LEDGER,
        QUARANTINE,
        *QUALITY_TABLES,
    )
}
#: Tables with rows of what happened on a day: what a build reads, and reads again when a day changed.
DAY_TABLES = {name: table for name, table in TABLES.items() if table.day_column and not table.is_history}
