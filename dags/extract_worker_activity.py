"""
# extract_worker_activity

**What it does.** Loads the worker activity log of SageMaker Ground Truth: who accepted, submitted, returned or declined
which task, and when. `plan` lists the hours of the log group (or the files of its deliveries), `load` reads them in at
most 200 batches, `summarise` adds up and announces the tables that changed, which starts `build_marts`.

**Inputs.** `worker_activity` in `LABELHOUSE_SOURCES`: `logs://REGION/aws/sagemaker/groundtruth/WorkerActivity`, which
needs `logs:FilterLogEvents` and `logs:DescribeLogGroups`, or the folder of its exports or deliveries in S3.

**Outputs.** `raw.worker_events`, `raw.quarantine`, `raw.ingest_ledger`.

**Which hours.** Every hour: since two hours before that hour; the run of midnight (UTC): since fourteen days, for so
old may be what AWS still accepts into a log. An hour is loaded again when it holds something else. From the trigger
form: exactly the window given, an empty side is open. For a long history use `export_worker_activity`.

**Running it again** is always safe: what has not changed is not loaded again, and a run that was cut short leaves
nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, place or permission: mend it, then clear the task. Bad records do not fail it: see *Data quality*.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("worker_activity"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    params=FORM,
    default_args=defaults_of("worker_activity"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_worker_activity():
    batches = plan("worker_activity")
    loads = load.expand_kwargs(batches)
    summarise("worker_activity", loads)


extract_worker_activity()
