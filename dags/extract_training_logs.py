"""
# extract_training_logs

**What it does.** Finds the metrics in the logs of training jobs, by each job's own metric definitions and by built-in
ones for AWS's algorithms. `plan` lists the hours of the log group (or the files of its exports, or saved logs), `load`
reads them in at most 200 batches, `summarise` adds up and announces the tables that changed, which starts
`build_marts`.

**Inputs.** `training_logs` in `LABELHOUSE_SOURCES`: `logs://REGION/aws/sagemaker/TrainingJobs`, which needs
`logs:FilterLogEvents`, `logs:DescribeLogGroups` and `sagemaker:DescribeTrainingJob`, or a folder of exports or logs.

**Outputs.** `raw.training_log_metrics`, `raw.quarantine`, `raw.ingest_ledger`. No text of a log is kept.

**Which hours.** Every hour: since two hours before that hour; the run of midnight (UTC): since fourteen days, for so
old may be what AWS still accepts into a log. An hour is loaded again when it holds something else. From the trigger
form: exactly the window given, an empty side is open.

**Running it again** is always safe: what has not changed is not loaded again, and a run that was cut short leaves
nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, place or permission: mend it, then clear the task. Bad lines do not fail it: see *Data quality*.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("training_logs"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    params=FORM,
    default_args=defaults_of("training_logs"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_training_logs():
    batches = plan("training_logs")
    loads = load.expand_kwargs(batches)
    summarise("training_logs", loads)


extract_training_logs()
