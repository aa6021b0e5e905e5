"""
# extract_cloudtrail

**What it does.** Loads CloudTrail's log files into the lake, in one pass: the points of training metrics that
`BatchPutMetrics` calls wrote, and the calls that change jobs, teams, people or trails. `plan` lists the bucket and
writes down what is new, `load` loads it in at most 200 batches, `summarise` adds up and announces the tables that
changed, which starts `build_marts`.

**Inputs.** `cloudtrail` in `LABELHOUSE_SOURCES`, read through the connection of `LABELHOUSE_AWS_CONN_ID`. Metrics are
data events, which no trail logs by itself: select the resource type `AWS::SageMaker::ExperimentTrialComponent`.

**Outputs.** `raw.training_metrics`, `raw.management_events`, `raw.quarantine`, `raw.ingest_ledger`.

**Which files.** By the time of delivery in their names. Every hour: since two hours before that hour; the run of
midnight (UTC): since thirty days, for that long CloudTrail tries to deliver. From the trigger form: exactly the window
given, an empty side is open. In a backfill: exactly each run's hour. Events are dated by themselves, and each is
loaded once, however often it is delivered.

**Running it again** is always safe: what the lake holds is skipped, and a run that was cut short leaves nothing
behind that anybody sees. For long ranges use the form (one run), for single days `airflow backfill create`.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, bucket or permission: mend it, then clear the task. Bad files do not fail it: see *Data quality*.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("cloudtrail"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    params=FORM,
    default_args=defaults_of("cloudtrail"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_cloudtrail():
    batches = plan("cloudtrail")
    loads = load.expand_kwargs(batches)
    summarise("cloudtrail", loads)


extract_cloudtrail()
