"""
# extract_endpoints

**What it does.** Asks SageMaker for every endpoint and its configuration: production variants, models, instances,
where calls are captured. `plan` lists the endpoints, `load` describes each as it is on this UTC day, `summarise` adds
up and announces the tables that changed, which starts `build_marts`.

**Inputs.** `endpoints` in `LABELHOUSE_SOURCES`: `sagemaker://REGION`, which needs `sagemaker:ListEndpoints`,
`sagemaker:DescribeEndpoint` and `sagemaker:DescribeEndpointConfig`, or a folder of saved answers of
`aws sagemaker describe-endpoint`.

**Outputs.** `raw.endpoint_variants`, `raw.quarantine`, `raw.ingest_ledger`.

**Which days.** Always today: what an endpoint was like on a day that is over nobody can ask any more. The last load
of a day stays.

**Running it again** is always safe: what has not changed is not loaded again, and a run that was cut short leaves
nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, place or permission: mend it, then clear the task. An endpoint that cannot be read does not fail it.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("endpoints"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=FORM,
    default_args=defaults_of("endpoints"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_endpoints():
    batches = plan("endpoints")
    loads = load.expand_kwargs(batches)
    summarise("endpoints", loads)


extract_endpoints()
