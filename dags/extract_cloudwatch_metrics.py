"""
# extract_cloudwatch_metrics

**What it does.** Asks CloudWatch for every metric of SageMaker and Ground Truth, and keeps what CloudWatch forgets
after 15 months, and in fine periods after 15 days. `plan` lists series and writes down hours and days to read, `load`
reads them, `summarise` adds up and announces the tables that changed, which starts `build_marts`.

**Inputs.** `cloudwatch_metrics` in `LABELHOUSE_SOURCES`: `cloudwatch://REGION`, which needs `cloudwatch:ListMetrics`
and `cloudwatch:GetMetricData`; with `?period_seconds=1` metrics of high resolution; or a folder of saved answers.

**Outputs.** `raw.cloudwatch_metrics`, `raw.quarantine`, `raw.ingest_ledger`.

**Which times.** Every hour: since two hours before that hour; the run of midnight (UTC): two days back. Load the
history once, from the trigger form without a window: 60 s of two weeks, 300 s of the 63 days and 3600 s of the 455
days before, and nothing from before that. Days older than two weeks are units that begin at midnight: a window must
hold that.

**Running it again** is always safe: what has not changed is not loaded again, coarse periods never replace fine ones,
and a run that was cut short leaves nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting or permission: mend it, then clear the task.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("cloudwatch_metrics"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=FORM,
    default_args=defaults_of("cloudwatch_metrics"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_cloudwatch_metrics():
    batches = plan("cloudwatch_metrics")
    loads = load.expand_kwargs(batches)
    summarise("cloudwatch_metrics", loads)


extract_cloudwatch_metrics()
