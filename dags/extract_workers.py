"""
# extract_workers

**What it does.** Asks Cognito who is in the user pools of the private workforce, and in which groups. Who is missing in
a later picture has left, so a pool is loaded completely or not at all. `plan` names the pools, `load` lists them,
`summarise` adds up and announces the tables that changed, which starts `build_marts`.

**Inputs.** `workers` in `LABELHOUSE_SOURCES`: `cognito-idp://REGION/USER_POOL_ID`, which needs `cognito-idp:ListUsers`,
`cognito-idp:ListGroups` and `cognito-idp:ListUsersInGroup`, or a folder of saved answers.

**Outputs.** `raw.workers` (pseudonyms, never a name or an e-mail address), `raw.quarantine`, `raw.ingest_ledger`. Where
`LABELHOUSE_IDENTITIES` is `clear`, names and addresses go into the identity map, outside the lake.

**Which days.** Cognito tells how things are now, and nothing of the past: every run takes a picture of the present,
which stands for its UTC day, the last one of a day for good. A window in the past loads nothing.

**Running it again** is always safe: what has not changed is not loaded again, and a run that was cut short leaves
nothing behind that anybody sees.

**When it fails**, the last line of the red task says why. Transient faults are retried; what is left is a missing
setting, place or permission: mend it, then clear the task. A listing that breaks off loads nothing of its pool.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("workers"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    params=FORM,
    default_args=defaults_of("workers"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_workers():
    batches = plan("workers")
    loads = load.expand_kwargs(batches)
    summarise("workers", loads)


extract_workers()
