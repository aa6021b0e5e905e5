"""
# build_marts

**What it does.** Turns the lake into what people read: checks what was delivered, runs one `dbt build` in a private
file, checks the result and what drifted in it, and publishes it as a release. Readers see the old release, whole,
until the new one is there.

**Inputs.** Every raw table. It starts when loads announce that one changed, waits for loads under way (at most
15 minutes), and skips when nothing changed since the last release.

**Outputs.** The marts, a release that the pages and `labelhouse query` read, and the status under *Data quality*.

**Running it again** is always safe: trigger it by hand; without a change it skips.

**When it fails**, the last line of the red task says what holds the release; *Data quality* says it too, with what to
do. Readers keep the last good release. Mend the cause (deliver better files, change the model or the check), then
trigger it again: a new run builds from the lake as it is then, so the failed task need not be cleared. Where a failing
check may pass this time, trigger `release_hold` with the reason.
"""

from datetime import UTC, datetime

from airflow.sdk import AssetAny, chain, dag

from labelhouse.orchestration import build
from labelhouse.orchestration.assets import RAW_ASSETS
from labelhouse.orchestration.notifiers import tell_failed_run
from labelhouse.orchestration.steps import RETRIES


@dag(
    schedule=AssetAny(*RAW_ASSETS.values()),
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    default_args=RETRIES,
    on_failure_callback=tell_failed_run,
    doc_md=__doc__,
    tags=["labelhouse", "build"],
)
def build_marts():
    build_id = build.prepare()
    chain(
        build.wait_for_loads(),
        build_id,
        build.check_inputs(build_id),
        build.run_dbt(build_id),
        build.check_marts(build_id),
        build.publish(build_id),
        build.look_again(),
        build.build_again(),
    )


build_marts()
