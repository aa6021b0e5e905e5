"""
# extract_workteams

**What it does.** Asks SageMaker for every private work team, and for the labelling jobs of each with their counters.
`plan` lists the teams, `load` describes them, `summarise` adds up and announces the tables that changed, which starts
`build_marts`.

**Inputs.** `workteams` in `LABELHOUSE_SOURCES`: `sagemaker://REGION`, which needs `sagemaker:ListWorkteams`,
`sagemaker:DescribeWorkteam` and `sagemaker:ListLabelingJobsForWorkteam`, or a folder of saved answers.

**Outputs.** `raw.workteams`, `raw.workteam_jobs`, `raw.quarantine`, `raw.ingest_ledger`.

**Which days.** SageMaker tells how things are now, and nothing of the past: every run takes a picture of the present,
which stands for its UTC day, the last one of a day for good. A day on which nothing ran has none; a window in the past
loads nothing.

**Running it again** is always safe: what has not changed is not loaded again, and a run that was cut short leaves
nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, place or permission: mend it, then clear the task. A team that cannot be read does not fail it.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("workteams"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=FORM,
    default_args=defaults_of("workteams"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_workteams():
    batches = plan("workteams")
    loads = load.expand_kwargs(batches)
    summarise("workteams", loads)


extract_workteams()
