"""
# release_hold

**What it does.** Publishes a build that failing checks hold, because an operator says that they may pass this time:
keeps the reason, then goes on where the build was held. Whoever may trigger DAGs may release; Airflow's audit log says
who did.

**Inputs.** The trigger form: the reason, the build (empty: the one that is held now), and for how many hours the same
checks pass in later builds, too. What was published meanwhile, or is held by a newer build, cannot be released; nor
can a check that crashed, a failing model or a mistake in an expectation, which have to be mended.

**Outputs.** `raw.hold_releases`, and what `build_marts` has: the marts, a release, the status under *Data quality*,
which shows the checks as let pass.

**Running it again** with the same words is safe: what is done is found done. Other checks that fail meanwhile hold
the build again, and need a release of their own.

**When it fails**, the last line of the red task says what cannot be released, or what holds the build now.
"""

from datetime import UTC, datetime

from airflow.sdk import chain, dag

from labelhouse.orchestration import build
from labelhouse.orchestration.notifiers import tell_failed_run
from labelhouse.orchestration.release_hold import FORM, release
from labelhouse.orchestration.steps import RETRIES


@dag(
    schedule=None,
    start_date=datetime(2018, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    is_paused_upon_creation=False,
    params=FORM,
    default_args=RETRIES,
    on_failure_callback=tell_failed_run,
    doc_md=__doc__,
    tags=["labelhouse", "build"],
)
def release_hold():
    build_id = release()
    chain(
        build_id,
        build.check_inputs(build_id),
        build.run_dbt(build_id),
        build.check_marts(build_id),
        build.publish(build_id),
        build.look_again(),
        build.build_again(),
    )


release_hold()
