"""What is done to the sound build of `checked_build` so that a look at earlier weeks, or at another source, fails."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb

#: Every source, as a deployment that reads them all has them.
SOURCES = {
    "labeling_output": "s3://bucket/output",
    "cloudtrail": "s3://bucket/AWSLogs",
    "trail_digests": "s3://bucket/AWSLogs",
    "worker_activity": "logs://us-east-1/aws/sagemaker/groundtruth/WorkerActivity",
    "labeling_jobs": "sagemaker://us-east-1",
    "labeling_job_states": "s3://bucket/events",
    "workteams": "sagemaker://us-east-1",
    "workers": "cognito-idp://us-east-1/us-east-1_AbCdEf123",
    "training_jobs": "sagemaker://us-east-1",
    "trial_components": "sagemaker://us-east-1",
    "training_logs": "logs://us-east-1/aws/sagemaker/TrainingJobs",
    "endpoints": "sagemaker://us-east-1",
    "cloudwatch_metrics": "cloudwatch://us-east-1",
    "model_predictions": "s3://bucket/capture",
}
#: Table → the source whose newest unit its file looks at.
FRESH = {
    "worker_responses": "labeling_output",
    "training_metrics": "cloudtrail",
    "trail_digests": "trail_digests",
    "worker_events": "worker_activity",
    "labeling_jobs": "labeling_jobs",
    "labeling_job_states": "labeling_job_states",
    "workteams": "workteams",
    "workers": "workers",
    "training_jobs": "training_jobs",
    "trial_components": "trial_components",
    "training_log_metrics": "training_logs",
    "endpoint_variants": "endpoints",
    "cloudwatch_metrics": "cloudwatch_metrics",
    "model_predictions": "model_predictions",
}
#: Table → a column that a renamed field leaves empty.
LOSABLE = {
    "worker_events": "accepted_at",
    "worker_responses": "worker_id",
    "manifest_entries": "labeled_at",
    "training_metrics": "step",
}
COUNTED = [
    *FRESH,
    *("manifest_entries", "annotations", "frames", "mask_areas"),
    *("management_events", "workteam_jobs"),
    *("training_job_metrics", "trial_component_metrics"),
]
TODAY = "timestamptz '2026-03-01 12:00:00+00'"
CHANGE = """
    insert into raw.labeling_job_states by name
    select 's3://events/1' as unit_uri, 'v1' as unit_version, '0' as position,
        timestamptz '2026-03-03 00:00:00+00' as loaded_at, 'e1' as event_id, 'pets' as labeling_job_name,
        'Completed' as status, timestamptz '2026-03-02 00:00:00+00' as changed_at;
"""


def fill_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """One unit of each source that came within the hour and brought something."""
    connection.execute(
        """
        insert into raw.ingest_ledger by name
        select
            unnest(?::varchar[]) as source_name,
            's3://newest/' || source_name as unit_uri,
            'v1' as unit_version,
            get_current_timestamp() - interval '1 hour' as unit_at,
            repeat('0', 64) as sha256,
            1 as size_bytes,
            1 as records_read,
            1 as records_loaded,
            0 as records_duplicate,
            0 as records_quarantined,
            0 as records_filtered,
            []::date[] as event_dates,
            timestamptz '2026-03-03 00:00:00+00' as loaded_at
        """,
        [list(SOURCES)],
    )


def with_history(table: str) -> str:
    """All rows of a table on the day that is judged, as many on that weekday of four weeks, and on the day before."""
    rows = CHANGE if table == "labeling_job_states" else ""
    return f"""
        {rows}
        create or replace view changed.days as select timestamptz '2026-03-01 00:00:00+00' as day_start_at;
        insert into raw.{table} from raw.{table};
        update raw.{table} set event_at = {TODAY};
        insert into raw.{table}
        select {table}.* replace (event_at - to_days(day) as event_at)
        from raw.{table}, unnest([1, 7, 14, 21, 28]) as days (day);
    """


def _repeated(table: str, times: int) -> str:
    return f"insert into raw.{table} select {table}.* from raw.{table}, range({times}) where event_at = {TODAY};"


PREDICTIONS = "model_predictions"


def _trailing() -> Iterator[tuple[str, str, str, str]]:
    for table in COUNTED:
        yield with_history(table) + _repeated(table, 1000), table, "warn", "A day has about as many"
    for table, column in LOSABLE.items():
        lost = f"update raw.{table} set {column} = null where event_at = {TODAY}"
        yield with_history(table) + _repeated(table, 600), table, "hold", "No day has more than 20"
        yield with_history(table) + lost, table, "warn", "No field's share of missing values"
        yield with_history(table) + lost, table, "hold", "No field that every one of"
    for table, source in FRESH.items():
        stale = f"update raw.ingest_ledger set unit_at = '2026-01-01' where source_name = '{source}'"
        yield stale, table, "warn", f"The newest unit of {source}"


NEW_FIELD = """
    update raw.{0} set {1} = '{{"known": 1}}';
    update raw.{0} set {1} = '{{"<b>new</b>": 1}}' where event_at =
"""

#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_TRAILING_INPUTS = [
    *_trailing(),
    (
        with_history(PREDICTIONS) + f"update raw.{PREDICTIONS} set prediction_label = null where event_at = {TODAY}",
        PREDICTIONS,
        "warn",
        "No field's share of missing values",
    ),
    ("delete from raw.ingest_ledger where source_name = 'workers'", "ingest_ledger", "warn", "Every source that is"),
    ("delete from raw.labeling_jobs", "worker_responses", "warn", "Every job with answers is one"),
    ("delete from raw.labeling_jobs", "worker_events", "warn", "Every job in the worker log is one"),
    (CHANGE + "delete from raw.labeling_jobs", "labeling_job_states", "warn", "Every job that changed is one"),
    ("delete from raw.workteams", "labeling_jobs", "warn", "The work team of every private"),
    ("delete from raw.workers where position = 'w1'", "worker_events", "warn", "Every worker in the log was"),
    (
        "update raw.training_metrics set trial_component_name = 'Unseen-' || step",
        "training_metrics",
        "warn",
        "The trail saw at least half",
    ),
    (
        "update raw.worker_events set worker_id = null, worker_pseudonym = null",
        "worker_events",
        "hold",
        "At least half of a job's lines",
    ),
    (
        "update raw.worker_responses set worker_id = null, worker_pseudonym = null",
        "worker_responses",
        "hold",
        "At least half of the answers name",
    ),
    (
        with_history("manifest_entries") + NEW_FIELD.format("manifest_entries", "metadata_json") + TODAY,
        "manifest_entries",
        "warn",
        "The metadata of labels have no fields",
    ),
    (
        with_history("annotations") + NEW_FIELD.format("annotations", "annotation_json") + TODAY,
        "annotations",
        "warn",
        "Labels have no fields",
    ),
    (
        with_history("annotations") + _repeated("annotations", 600),
        "annotations",
        "hold",
        "No day has more than 20",
    ),
    (
        with_history("annotations") + f"update raw.annotations set category = null where event_at = {TODAY}",
        "annotations",
        "warn",
        "No field's share of missing values",
    ),
    (
        with_history("worker_events") + NEW_FIELD.format("worker_events", "other_json") + TODAY,
        "worker_events",
        "warn",
        "Lines of the worker log have no fields",
    ),
]
