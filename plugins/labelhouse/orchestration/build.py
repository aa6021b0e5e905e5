"""The steps of a build: wait -> prepare -> check -> dbt -> check -> publish -> look again."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

from labelhouse.orchestration.steps import in_one_sentence
from labelhouse.settings import load_settings

#: A build waits for loads under way, so that a backfill causes a few builds and not one an hour; but not longer.
LONGEST_WAIT = timedelta(minutes=15)

log = logging.getLogger(__name__)


@task.sensor(mode="reschedule", poke_interval=3)
def wait_for_loads() -> bool:
    """Waits until the DAGs whose events started this run have no more runs under way, or long enough."""
    context = get_current_context()
    run = context["dag_run"]
    loading = {event.source_dag_id for event in run.consumed_asset_events if event.source_dag_id}
    under_way = {dag_id: context["ti"].get_dr_count(dag_id=dag_id, states=["queued", "running"]) for dag_id in loading}
    log.info("Runs under way: %s", under_way)
    has_waited = datetime.now(UTC) - (run.start_date or run.run_after) >= LONGEST_WAIT
    return has_waited or not any(under_way.values())


@task
@in_one_sentence
def prepare() -> str:
    """Opens a build on the lake as it is now; skips everything when nothing changed since the last release."""
    from labelhouse import pipeline

    build_id = pipeline.prepare_build(load_settings())
    if build_id is None:
        raise AirflowSkipException("nothing changed since the last release")
    return build_id


@task
@in_one_sentence
def check_inputs(build_id: str) -> None:
    """Checks what was delivered."""
    from labelhouse import pipeline

    pipeline.check_inputs(load_settings(), build_id)


@task
@in_one_sentence
def run_dbt(build_id: str) -> None:
    """Runs dbt in the build's private file."""
    from labelhouse import pipeline

    pipeline.build_marts(load_settings(), build_id)


@task
@in_one_sentence
def check_marts(build_id: str) -> None:
    """Checks what was built."""
    from labelhouse import pipeline

    pipeline.check_marts(load_settings(), build_id)


@task
@in_one_sentence
def publish(build_id: str) -> str:
    """Publishes the build; returns the release id."""
    from labelhouse import pipeline

    release_id = pipeline.publish(load_settings(), build_id)
    log.info("Release %s is published.", release_id)
    return release_id


@task
@in_one_sentence
def look_again() -> None:
    """Skips what follows unless the lake changed meanwhile: Airflow may keep an event of that time waiting."""
    from labelhouse.marts.build import is_up_to_date

    if is_up_to_date(load_settings()):
        raise AirflowSkipException("the release holds everything that the lake holds")


def build_again() -> TriggerDagRunOperator:
    """Starts one more run."""
    return TriggerDagRunOperator(task_id="build_again", trigger_dag_id="build_marts")
