"""
# extract_trail_digests

**What it does.** Verifies CloudTrail's log files against the digests that CloudTrail signs every hour: nobody altered,
removed or added one. `plan` lists digests and log files and writes down which digests are new or have to be verified
again because a file of their period changed, `load` verifies them in at most 200 batches, `summarise` adds up and
announces the tables that changed, which starts `build_marts`. A file that fails holds the release.

**Inputs.** `trail_digests` in `LABELHOUSE_SOURCES`, with the same URI as `cloudtrail`, read through the connection of
`LABELHOUSE_AWS_CONN_ID`, which also needs `cloudtrail:ListPublicKeys`. Without it this DAG stays paused.

**Outputs.** `raw.trail_digests` (a row for every file), `raw.quarantine`, `raw.ingest_ledger`.

**Which digests.** Every hour: those that ended since two hours before that hour; the run of midnight (UTC): since
thirty days. From the trigger form: exactly the window given, an empty side is open. In a backfill: exactly each run's
hour.

**Running it again** is always safe: what was verified and has not changed since is skipped.

**When it fails**, the last line of the red task says why: a missing setting, bucket or permission. Files that do not
verify do not fail it: see *Data quality*.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from labelhouse.orchestration.extract import FORM, load, plan, summarise
from labelhouse.orchestration.notifiers import EXTRACTION_DEADLINE, tell_failed_run
from labelhouse.orchestration.source_settings import defaults_of, schedule_of


@dag(
    schedule=schedule_of("trail_digests"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    params=FORM,
    default_args=defaults_of("trail_digests"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_trail_digests():
    batches = plan("trail_digests")
    loads = load.expand_kwargs(batches)
    summarise("trail_digests", loads)


extract_trail_digests()
