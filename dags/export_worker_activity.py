"""
# export_worker_activity

**What it does.** Lets CloudWatch Logs export a stretch of the worker activity log to S3, waits for it without occupying
a worker, and loads the export: for a history that is too long to be asked for hour by hour. `export` begins it and
waits, `plan_place` lists its files, `load` loads them in at most 200 batches, `summarise` adds up and announces the
tables that changed, which starts `build_marts`.

**Inputs.** The trigger form: from, until, and the log group where `worker_activity` in `LABELHOUSE_SOURCES` names
several. The bucket is `LABELHOUSE_LOG_EXPORT_URI`. It needs `logs:CreateExportTask` and `logs:DescribeExportTasks`, a
policy of the bucket that lets CloudWatch Logs write, and a triggerer. An account has one export at a time: a second
one waits, for a day at most.

**Outputs.** A folder in the bucket, which you may delete afterwards; `raw.worker_events`, `raw.quarantine`,
`raw.ingest_ledger`.

**Running it again** is always safe: a cleared task goes on with the export it began, and what the lake has from the
log itself is counted as a duplicate.

**When it fails**, the last line of the red task says why: mostly a bucket in another region, or without the policy.
Mend it, then clear the task; a failed export is begun again.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.export import FORM, ExportLogs
from labelhouse.orchestration.extract import load, plan_place, summarise
from labelhouse.orchestration.notifiers import tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of


@dag(
    schedule=None,
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    params=FORM,
    default_args=defaults_of("worker_activity"),
    on_failure_callback=tell_failed_run,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def export_worker_activity():
    export = ExportLogs(task_id="export", source_name="worker_activity")
    batches = plan_place("worker_activity", export.output)
    loads = load.expand_kwargs(batches)
    summarise("worker_activity", loads)


export_worker_activity()
