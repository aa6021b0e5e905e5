"""The steps of an evaluation: evaluate → tell (one task an action) → start DAGs → note that they started."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypedDict

from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import CronTriggerTimetable, TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowException, AirflowSkipException

from labelhouse.errors import SettingError
from labelhouse.orchestration.notifiers import message_of, send
from labelhouse.orchestration.steps import in_one_sentence
from labelhouse.settings import Settings, load_settings

if TYPE_CHECKING:
    from labelhouse.checks.alarms import Change

log = logging.getLogger(__name__)


class WaitingAction(TypedDict):
    """One action of one change: all that tasks hand on. `changed_at` is ISO 8601, `number` its place in the change."""

    alarm_name: str
    changed_at: str
    number: int


class DagStart(TypedDict):
    """A run to start; its id is made of the change, so that it starts once."""

    trigger_dag_id: str
    trigger_run_id: str
    conf: dict[str, str]


def schedule_of_alarms() -> CronTriggerTimetable | None:
    """When alarms are evaluated; None only on request. Read from the environment whenever a DAG file is parsed."""
    try:
        schedule = load_settings().alarm_schedule
    except SettingError:  # the tasks say what is wrong
        schedule = Settings.model_fields["alarm_schedule"].default
    return CronTriggerTimetable(schedule, timezone="UTC") if schedule else None


@task
@in_one_sentence
def evaluate() -> list[WaitingAction]:
    """Evaluates all alarms; returns whom to tell of changes, those that a build or a run before found included.

    Skips what follows when nothing waits, as nearly always.
    """
    from labelhouse.checks.alarms import evaluate_alarms, recent_changes

    settings = load_settings()
    for change in evaluate_alarms(settings):
        log.info("%s: %s -> %s. %s", change.alarm_name, change.from_state, change.to_state, change.reason)
    waiting = [(change, number, action) for change in recent_changes(settings) for number, action in change.waiting]
    if not waiting:
        raise AirflowSkipException("nothing changed that somebody waits for")
    return [
        WaitingAction(alarm_name=change.alarm_name, changed_at=change.changed_at.isoformat(), number=number)
        for change, number, action in waiting
        if action.channel
    ]


@task
@in_one_sentence
def tell(alarm_name: str, changed_at: str, number: int) -> None:
    """Tells one notifier of one change, and notes it; tells again where an attempt died before it was noted."""
    from labelhouse.checks.alarms import note_outcome

    settings, at = load_settings(), datetime.fromisoformat(changed_at)
    change = _change(settings, alarm_name, at)
    action = change.actions[number]
    if action.outcome == "told":
        raise AirflowSkipException("an earlier attempt told it")
    notifiers = settings.notifications.get(action.channel or "", ())
    if action.number is None or action.number >= len(notifiers):
        note_outcome(settings, alarm_name, at, number, "not configured")
        raise AirflowSkipException("the channel has lost that notifier")
    context = get_current_context()
    try:
        send(notifiers[action.number], message_of(change), settings, context)
    except (AirflowException, SettingError) as error:
        if isinstance(error, SettingError) or context["ti"].try_number > context["ti"].max_tries:
            note_outcome(settings, alarm_name, at, number, "failed")
        raise
    note_outcome(settings, alarm_name, at, number, "told")


@task
@in_one_sentence
def dags_to_start() -> list[DagStart]:
    """The runs of DAGs that changes wait for."""
    from labelhouse.checks.alarms import recent_changes

    starts = [
        DagStart(
            trigger_dag_id=action.dag_id,
            trigger_run_id=_run_id(change),
            conf={"alarm_name": change.alarm_name, "state": change.to_state, "reason": change.reason},
        )
        for change in recent_changes(load_settings())
        for _, action in change.waiting
        if action.dag_id
    ]
    if not starts:
        raise AirflowSkipException("no DAG is to be started")
    return starts


def start_dag(starts: Any) -> Any:
    """Starts the runs, each once: what an attempt before has started is skipped."""
    operator = TriggerDagRunOperator.partial(task_id="start_dag", skip_when_already_exists=True)
    return operator.expand_kwargs(starts)


@task(trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS)
@in_one_sentence
def note_starts(starts: list[DagStart]) -> None:
    """Notes which runs there are now."""
    from labelhouse.checks.alarms import note_outcome, recent_changes

    settings, ti = load_settings(), get_current_context()["ti"]
    run_ids = {start["trigger_run_id"] for start in starts}
    for change in recent_changes(settings):
        for number, action in change.waiting if _run_id(change) in run_ids else ():
            if action.dag_id and ti.get_dr_count(dag_id=action.dag_id, run_ids=[_run_id(change)]):
                note_outcome(settings, change.alarm_name, change.changed_at, number, "started")


def _run_id(change: Change) -> str:
    return f"alarm__{change.alarm_name}__{change.changed_at.isoformat()}"


def _change(settings: Settings, alarm_name: str, changed_at: datetime) -> Change:
    from labelhouse.checks.alarms import recent_changes

    for change in recent_changes(settings):
        if (change.alarm_name, change.changed_at) == (alarm_name, changed_at):
            return change
    raise AirflowSkipException("the change is more than a day ago")
