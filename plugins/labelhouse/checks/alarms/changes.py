"""What an evaluation writes down: changes of states, and the actions that wait for them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Literal

from labelhouse.checks.alarms.definitions import Alarm
from labelhouse.checks.alarms.evaluation import Datapoint, Evaluation, State
from labelhouse.settings import Settings

Outcome = Literal["waiting", "told", "started", "failed", "not configured"]


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do about one change.

    Args:
        outcome: `waiting` until it is done; `failed` where the notifier refused to the last; `not configured` where the
            settings do not name the channel.
        channel: name of the channel to tell; None where a DAG is started.
        notifier: kind of the channel's notifier (`sns`, `slack`, …); None where the channel is not configured.
        number: its place in the channel, from 0.
        dag_id: the DAG to start; None where a channel is told.
    """

    outcome: Outcome
    channel: str | None = None
    notifier: str | None = None
    number: int | None = None
    dag_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one alarm's state: a row of `schema.quality.ALARM_CHANGES`."""

    alarm_name: str
    changed_at: datetime
    from_state: State | None
    to_state: State
    reason: str
    datapoints: tuple[Datapoint, ...]
    actions: tuple[Action, ...]

    @classmethod
    def of(cls, row: dict[str, Any]) -> Change:
        """The change that a row of the lake holds."""
        points = (Datapoint(datetime.fromisoformat(at), *rest) for at, *rest in json.loads(row["datapoints_json"]))
        actions = tuple(Action(**each) for each in json.loads(row["actions_json"]))
        facts = {name: row[name] for name in ("alarm_name", "changed_at", "from_state", "to_state", "reason")}
        return cls(**facts, datapoints=tuple(points), actions=actions)

    def as_row(self) -> dict[str, Any]:
        """As a row of the lake."""
        given = ({name: value for name, value in asdict(each).items() if value is not None} for each in self.actions)
        return {
            "alarm_name": self.alarm_name,
            "changed_at": self.changed_at,
            "from_state": self.from_state,
            "to_state": self.to_state,
            "reason": self.reason,
            "datapoints_json": json.dumps(as_lists(self.datapoints), allow_nan=False),
            "actions_json": json.dumps(list(given)),
        }

    @property
    def waiting(self) -> list[tuple[int, Action]]:
        """The actions that wait, with their places."""
        return [(number, action) for number, action in enumerate(self.actions) if action.outcome == "waiting"]

    def done(self, number: int, outcome: Outcome) -> Change:
        """The same with the outcome of one of its actions."""
        actions = [replace(each, outcome=outcome) if i == number else each for i, each in enumerate(self.actions)]
        return replace(self, actions=tuple(actions))


def change_to(
    evaluation: Evaluation, alarm: Alarm, before: Sequence[Change], changed_at: datetime, settings: Settings
) -> Change:
    """The change that an evaluation makes, with its actions.

    Nobody waits to hear that what has just begun is in order: INSUFFICIENT_DATA is told when data ends, and OK when
    the alarm was in ALARM since it last was in OK. In CloudWatch every alarm that is new tells of that.

    Args:
        before: the changes of this alarm so far, oldest first.
    """
    form, state = alarm.form, evaluation.state
    decided = [change.to_state for change in before if change.to_state != "INSUFFICIENT_DATA"]
    is_news = state == "ALARM" or (decided and (state == "INSUFFICIENT_DATA" or decided[-1] == "ALARM"))
    actions = [each for name in form.actions.get(state, ()) for each in _tellings(name, settings)] if is_news else []
    if state == "ALARM" and form.start_dag:
        actions.append(Action("waiting", dag_id=form.start_dag))
    return Change(
        alarm_name=alarm.alarm_name,
        changed_at=changed_at,
        from_state=before[-1].to_state if before else None,
        to_state=state,
        reason=evaluation.reason,
        datapoints=evaluation.decisive,
        actions=tuple(actions),
    )


def _tellings(channel: str, settings: Settings) -> list[Action]:
    """One action for each notifier of a channel."""
    notifiers = settings.notifications.get(channel, ())
    if not notifiers:
        return [Action("not configured", channel=channel)]
    return [
        Action("waiting", channel=channel, notifier=each.kind, number=number) for number, each in enumerate(notifiers)
    ]


def as_lists(datapoints: Iterable[Datapoint]) -> list[list[Any]]:
    """Datapoints as they stand in files: `[at, value, low, high]`."""
    return [[point.at.isoformat(), point.value, point.low, point.high] for point in datapoints]


def by_alarm(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Alarm → its changes, in the order in which they are given."""
    found: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        found[change.alarm_name].append(change)
    return found
