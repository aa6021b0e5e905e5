"""
# extract_a2i_output

**What it does.** Loads what workers answered in human loops of Amazon Augmented AI into the lake: `plan` lists the
bucket and writes down what is new or changed, `load` loads it in at most 200 batches, `summarise` adds up and
announces the tables that changed, which starts `build_marts`.

**Inputs.** `a2i_output` in `LABELHOUSE_SOURCES`, read through the connection of `LABELHOUSE_AWS_CONN_ID`.

**Outputs.** `raw.worker_responses`, `raw.annotations`, `raw.frames`, `raw.quarantine`, `raw.ingest_ledger`.

**Which files.** Every hour: those of loops begun since two hours before that hour; the run of midnight (UTC):
everything, since a loop's file is dated by its beginning and written at its end.
From the trigger form: exactly the window given, an empty side is open. In a backfill: exactly each run's hour.
The form can also load again what has records in quarantine, after a parser was mended.

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
    schedule=schedule_of("a2i_output"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    params=FORM,
    default_args=defaults_of("a2i_output"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_a2i_output():
    batches = plan("a2i_output")
    loads = load.expand_kwargs(batches)
    summarise("a2i_output", loads)


extract_a2i_output()
