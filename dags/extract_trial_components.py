"""
# extract_trial_components

**What it does.** Asks SageMaker Experiments for every trial component (run): status, times, parameters, artifacts,
sums of its metrics, the trials that it is in and the experiment of the newest. `plan` lists them, `load` describes
those that may have changed, `summarise` adds up and announces the tables that changed, which starts `build_marts`.

**Inputs.** `trial_components` in `LABELHOUSE_SOURCES`: `sagemaker://REGION`, which needs
`sagemaker:ListTrialComponents`, `DescribeTrialComponent`, `ListTrials` and `DescribeTrial`; or a folder of saved
answers of `aws sagemaker describe-trial-component`.

**Outputs.** `raw.trial_components`, `raw.trial_component_metrics`, `raw.quarantine`, `raw.ingest_ledger`.

**Which components.** Every hour those that changed since two hours before that hour, and all that still run; the run
of midnight (UTC) looks further back. From the trigger form: those that changed in the window, an empty side is open.

**Running it again** is always safe: what has not changed is not loaded again, and a run that was cut short leaves
nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, place or permission: mend it, then clear the task. A component that cannot be read does not fail it.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("trial_components"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=FORM,
    default_args=defaults_of("trial_components"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_trial_components():
    batches = plan("trial_components")
    loads = load.expand_kwargs(batches)
    summarise("trial_components", loads)


extract_trial_components()
