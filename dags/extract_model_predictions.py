"""
# extract_model_predictions

**What it does.** Loads what endpoints predicted, and from what, as SageMaker's data capture wrote it: `plan` lists
the bucket and writes down what is new or changed, `load` loads it in at most 200 batches, `summarise` adds up and
announces the tables that changed, which starts `build_marts`.

**Inputs.** `model_predictions` in `LABELHOUSE_SOURCES`: the S3 prefix of `DataCaptureConfig.DestinationS3Uri`, read
through the connection of `LABELHOUSE_AWS_CONN_ID`.

**Outputs.** `raw.model_predictions`, `raw.quarantine`, `raw.ingest_ledger`.

**Which files.** Every hour: those of calls since two hours before that hour; the run of midnight (UTC): seven days
back. From the trigger form: exactly the window given, an empty side is open. In a backfill: exactly each run's hour.
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
    schedule=schedule_of("model_predictions"),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=4,
    params=FORM,
    default_args=defaults_of("model_predictions"),
    on_failure_callback=tell_failed_run,
    deadline=EXTRACTION_DEADLINE,
    doc_md=__doc__,
    tags=["labelhouse", "extract"],
)
def extract_model_predictions():
    batches = plan("model_predictions")
    loads = load.expand_kwargs(batches)
    summarise("model_predictions", loads)


extract_model_predictions()
