"""The raw tables of the lake: every column once."""

from __future__ import annotations

from labelhouse.schema.columns import EVENT_AT, ORIGIN, Column, Table

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

CHECK_RESULTS = Table(
    name="check_results",
    doc="One expectation of one validation, so that quality has a history.",
    key=("build_id", "suite", "table_name", "check_number"),
    columns=(
        Column("build_id", "string", "Build that was validated.", required=True),
        Column("checked_at", "timestamp", "When.", required=True),
        Column("suite", "string", "`inputs` or `marts`.", required=True),
        Column("table_name", "string", "Table that was validated.", required=True),
        Column("check_number", "int", "Place in the suite of that table, from 0.", required=True),
        Column("expectation_type", "string", "Great Expectations' name of it.", required=True),
        Column("sentence", "string", "What is expected, in words.", required=True),
        Column(
            "severity", "string", "`hold` keeps a failing build from being published, `warn` does not.", required=True
        ),
        Column("is_success", "boolean", "Whether it was met.", required=True),
        Column("element_count", "long", "Rows looked at; NULL where it does not count rows."),
        Column("unexpected_count", "long", "Rows that did not meet it."),
        Column("observed_value", "string", "What was seen instead, as JSON; never a worker's data."),
        Column("error", "string", "Why it could not be evaluated; NULL where it could."),
    ),
)

#: Tables that sources fill, and tables the house keeps about itself.
TABLES: dict[str, Table] = {
    table.name: table for table in (MANIFEST_ENTRIES, WORKER_RESPONSES, INGEST_LEDGER, QUARANTINE, CHECK_RESULTS)
}
