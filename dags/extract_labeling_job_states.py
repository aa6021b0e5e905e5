"""
# extract_labeling_job_states

**What it does.** Loads the changes of labelling jobs' status that an EventBridge rule delivers to S3, which tell when a
job failed or was stopped between two looks at it. `plan` lists the files, `load` loads what is new, `summarise` adds up
and announces the tables that changed, which starts `build_marts`.

**Inputs.** `labeling_job_states` in `LABELHOUSE_SOURCES`: the folder or `s3://bucket/prefix` that a rule for
`SageMaker Ground Truth Labeling Job State Change` delivers to. Without it this DAG stays paused.

**Outputs.** `raw.labeling_job_states`, `raw.quarantine`, `raw.ingest_ledger`.

**Which files.** Every hour: what was delivered since two hours before that hour; the run of midnight (UTC) looks
further back. From the trigger form: exactly the window given, an empty side is open. Each event is loaded once, however
often it is delivered.

**Running it again** is always safe: what has not changed is not loaded again, and a run that was cut short leaves
nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, place or permission: mend it, then clear the task. Bad files do not fail it: see *Data quality*.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("labeling_job_states"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    params=FORM,
    default_args=defaults_of("labeling_job_states"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_labeling_job_states():
    batches = plan("labeling_job_states")
    loads = load.expand_kwargs(batches)
    summarise("labeling_job_states", loads)


extract_labeling_job_states()
