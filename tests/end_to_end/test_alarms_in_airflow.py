"""Alarms in a real Airflow: who is told, how often, and what is started."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from end_to_end.airflow_session import BUILD, EXTRACT, AirflowSession, wait_for
from labelhouse.checks.alarms import Action, Change, recent_changes
from labelhouse.lake.alarm_history import AlarmHistory
from labelhouse.lake.catalog import Lake
from labelhouse.marts.failed_runs import failed_runs, note_failed_run

ALARMS = "evaluate_alarms"


@pytest.fixture(scope="module")
def watched(airflow: AirflowSession) -> AirflowSession:
    """The session with its alarms evaluated, and nothing waiting."""
    shutil.rmtree(airflow.lake / "failed_runs", ignore_errors=True)
    airflow.unpause(ALARMS)
    evaluate(airflow)
    airflow.messages()
    return airflow


def evaluate(airflow: AirflowSession) -> dict[str, str]:
    run_id = airflow.trigger(ALARMS)
    assert airflow.wait_for_run(ALARMS, run_id) == "success", airflow.failures(ALARMS, run_id)
    return airflow.states(ALARMS, run_id)


def subjects(airflow: AirflowSession) -> list[str]:
    return [message["Subject"] for message in airflow.messages()]


def test_a_change_is_told_once_and_an_unchanged_state_not_at_all(watched: AirflowSession) -> None:
    for number in range(3):
        note_failed_run(watched.lake, BUILD, f"manual__{number}")
    assert evaluate(watched)["tell"] == "success"
    [message] = watched.messages()
    assert message["Subject"] == "ALARM: failed_runs"
    assert "Alarm failed_runs is in ALARM (before: OK)" in message["Message"]
    assert set(evaluate(watched).values()) == {"skipped"}
    assert subjects(watched) == []
    shutil.rmtree(watched.lake / "failed_runs")
    evaluate(watched)
    assert subjects(watched) == ["OK: failed_runs"]


def test_an_alarm_starts_a_dag_once(watched: AirflowSession) -> None:
    changed_at = datetime.now(UTC)
    actions = (Action("waiting", dag_id=BUILD),)
    change = Change("failed_runs", changed_at, "OK", "ALARM", "Three runs failed.", (), actions)
    AlarmHistory(Lake(watched.settings)).store([change.as_row()])
    assert evaluate(watched)["start_dag"] == "success"
    evaluate(watched)
    [run] = [run for run in watched.runs(BUILD) if run["dag_run_id"].startswith("alarm__")]
    assert run["dag_run_id"] == f"alarm__failed_runs__{changed_at.isoformat()}"
    assert run["conf"] == {"alarm_name": "failed_runs", "state": "ALARM", "reason": "Three runs failed."}
    [found] = [each for each in recent_changes(watched.settings) if each.changed_at == changed_at]
    assert [action.outcome for action in found.actions] == ["started"]
    watched.messages()


def test_a_run_that_fails_is_told_and_counted(watched: AirflowSession) -> None:
    run_id = watched.trigger(EXTRACT, {"start": "2026-03-02T00:00:00Z", "end": "2026-03-01T00:00:00Z"})
    assert watched.wait_for_run(EXTRACT, run_id) == "failed"
    wait_for(lambda: any(run.run_id == run_id for run in failed_runs(watched.lake)), "the failed run to be noted")
    told: list[str] = []
    wait_for(lambda: bool(told.extend(subjects(watched)) or told), "operations to be told")
    assert told == [f"FAILED: {EXTRACT}"]
