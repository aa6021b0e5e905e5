"""
# extract_training_jobs

**What it does.** Asks SageMaker for every training job: status, times, billable seconds, instances, inputs,
hyper-parameters, final metrics, tags. `plan` lists the jobs, `load` describes those that are new or still run,
`summarise` adds up and announces the tables that changed, which starts `build_marts`.

**Inputs.** `training_jobs` in `LABELHOUSE_SOURCES`: `sagemaker://REGION`, which needs `sagemaker:ListTrainingJobs`,
`sagemaker:DescribeTrainingJob` and, for tags, `sagemaker:ListTags`; or a folder of saved answers of
`aws sagemaker describe-training-job`.

**Outputs.** `raw.training_jobs`, `raw.training_job_metrics`, `raw.quarantine`, `raw.ingest_ledger`.

**Which jobs.** Every hour those that changed since two hours before that hour, and all that still run; the run of
midnight (UTC) looks further back. From the trigger form: those that changed in the window, an empty side is open.

**Running it again** is always safe: what has not changed is not loaded again, and a run that was cut short leaves
nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, place or permission: mend it, then clear the task. A job that cannot be read does not fail it.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("training_jobs"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=FORM,
    default_args=defaults_of("training_jobs"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_training_jobs():
    batches = plan("training_jobs")
    loads = load.expand_kwargs(batches)
    summarise("training_jobs", loads)


extract_training_jobs()
