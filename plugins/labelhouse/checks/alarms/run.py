"""Evaluates all alarms: reads their metrics, commits changes of states, and publishes what pages show of them.

Guarantees. *States*: the changes of an evaluation are committed by compare-and-swap with the states they were
computed from, so two evaluators at once, or one that is tried again, never write the same change twice. *Actions*
are at least once: they are committed as `waiting` together with their change, and become `told` or `started` only
when that is done. Who crashes in between tells people a second time; the other choice, at most once, would lose
the one message that somebody waits for. A DAG is started under a run id made of its change, so it starts once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from labelhouse.checks.alarms.changes import Change, Outcome, as_lists, by_alarm, change_to
from labelhouse.checks.alarms.definitions import Alarm, RefusedAlarm, read_every_alarm
from labelhouse.checks.alarms.evaluation import Datapoint, Evaluation, State, evaluate
from labelhouse.checks.alarms.tables import create_status_tables
from labelhouse.checks.reasons import SPEAKING_ERRORS
from labelhouse.checks.suites import EXPECTATIONS_DIR
from labelhouse.errors import LabelhouseError
from labelhouse.marts.releases import current_release, replace_file
from labelhouse.marts.status import ALARMS, read_alarms
from labelhouse.settings import Settings

if TYPE_CHECKING:  # what opens the lake takes long to import, and whoever only reads the files need not
    from labelhouse.lake.alarm_history import AlarmHistory
    from labelhouse.lake.catalog import Lake

#: So many changes of each alarm are in there.
SHOWN_CHANGES = 20
#: An action that nobody did for so long is not done any more: it would be no news.
LONGEST_WAIT = timedelta(days=1)


def evaluate_alarms(
    settings: Settings, now: datetime | None = None, *, expectations_dir: Path = EXPECTATIONS_DIR
) -> list[Change]:
    """Evaluates every alarm, commits the changes of states and returns them; tells nobody.

    An alarm whose file is not understood, or whose metric cannot be read, has INSUFFICIENT_DATA and says why.
    """
    from labelhouse.lake.alarm_history import AlarmHistory
    from labelhouse.lake.catalog import Lake, retrying

    moment = now or datetime.now(UTC)
    alarms, refused = read_every_alarm(settings, expectations_dir)
    lake = Lake(settings)
    names = {each.alarm_name for each in alarms} | {each.alarm_name for each in refused}
    measured = _measure(settings, alarms, moment)

    def attempt() -> tuple[AlarmHistory, list[Change], list[Change]]:
        history = AlarmHistory(lake)
        before = _known_changes(lake, history, names)
        changes = list(_changes(settings, alarms, refused, measured, by_alarm(before), moment))
        if changes:
            history.store([change.as_row() for change in changes])
        return history, before, changes

    history, before, changes = retrying(attempt)  # again from the states, if another evaluator committed meanwhile
    _publish(settings, alarms, refused, measured, [*before, *changes], history.snapshot_id, moment)
    return changes


def recent_changes(settings: Settings, now: datetime | None = None) -> list[Change]:
    """The changes of the last day, oldest first, whoever found them: those whose actions may still wait."""
    from labelhouse.lake.alarm_history import AlarmHistory
    from labelhouse.lake.catalog import Lake

    lake = Lake(settings)
    rows = AlarmHistory(lake).changes((now or datetime.now(UTC)) - LONGEST_WAIT) if lake.exists else []
    return [Change.of(row) for row in rows]


def note_outcome(settings: Settings, alarm_name: str, changed_at: datetime, number: int, outcome: Outcome) -> None:
    """Writes down what became of one action of a change."""
    from labelhouse.lake.alarm_history import AlarmHistory
    from labelhouse.lake.catalog import Lake, retrying

    lake = Lake(settings)

    def attempt() -> None:
        history = AlarmHistory(lake)
        for row in history.changes(changed_at):
            if (row["alarm_name"], row["changed_at"]) == (alarm_name, changed_at):
                history.store([Change.of(row).done(number, outcome).as_row()])

    retrying(attempt)


def _measure(settings: Settings, alarms: list[Alarm], now: datetime) -> dict[str, list[Datapoint] | str]:
    """Alarm → its datapoints, or why there are none."""
    from labelhouse.checks.alarms.metrics import datapoints_of
    from labelhouse.checks.alarms.status_tables import LEDGER, fill_status_tables
    from labelhouse.marts.read import opened_lake

    tables = set(chain.from_iterable(alarm.tables for alarm in alarms))
    raw = {name.removeprefix("raw.") for name in tables if name.startswith("raw.")}
    release = current_release(settings.lake.resolve())
    published = release.marts if release else {}
    measured: dict[str, list[Datapoint] | str] = {}
    with opened_lake(settings, {LEDGER, *raw}) as connection:
        create_status_tables(connection)
        fill_status_tables(connection, settings, {name.removeprefix("status.") for name in tables})
        for alarm in alarms:
            unpublished = sorted(name for name in alarm.tables if "." not in name and name not in published)
            if unpublished:
                measured[alarm.alarm_name] = f"{unpublished[0]} is not published."
                continue
            try:
                measured[alarm.alarm_name] = datapoints_of(connection, alarm, now)
            except LabelhouseError as error:
                measured[alarm.alarm_name] = f"The metric cannot be read ({_why(error)})."
    return measured


def _why(error: LabelhouseError) -> str:
    """What DuckDB said, unless it may quote a value: reasons are shown and sent to people."""
    said = error.__context__
    is_quoting = isinstance(said, duckdb.Error) and not isinstance(said, SPEAKING_ERRORS)
    return type(said).__name__ if is_quoting else error.what


def _known_changes(lake: Lake, history: AlarmHistory, names: set[str]) -> list[Change]:
    """The last changes of every alarm, oldest first.

    What was published last holds those of all alarms that it shows; of the lake only the days since are opened, and
    the day before, whose actions may have been done meanwhile.
    """
    published = read_alarms(lake.dir)
    shown = published["alarms"] if published else []
    if not published or not names <= {each["alarm_name"] for each in shown}:
        return [Change.of(row) for row in history.changes()]
    rows = (
        row | {"changed_at": datetime.fromisoformat(row["changed_at"])} for alarm in shown for row in alarm["changes"]
    )
    known = sorted(map(Change.of, rows), key=lambda change: change.changed_at)
    if published["snapshot_id"] == history.snapshot_id:
        return known
    horizon = datetime.fromisoformat(published["written_at"]) - LONGEST_WAIT
    before = [change for change in known if change.changed_at < horizon]
    return before + [Change.of(row) for row in history.changes(horizon)]


def _evaluated(measured: list[Datapoint] | str, alarm: Alarm, previous: State | None) -> Evaluation:
    if isinstance(measured, str):
        return Evaluation("INSUFFICIENT_DATA", measured)
    return evaluate(measured, alarm.form, previous)


def _changes(
    settings: Settings,
    alarms: list[Alarm],
    refused: list[RefusedAlarm],
    measured: dict[str, list[Datapoint] | str],
    before: dict[str, list[Change]],
    moment: datetime,
) -> Iterator[Change]:
    """The changes against the states known so far; an alarm that was evaluated later than `moment` has none."""
    for alarm in alarms:
        known = before.get(alarm.alarm_name, [])
        state = known[-1].to_state if known else None
        evaluation = _evaluated(measured[alarm.alarm_name], alarm, state)
        if evaluation.state != state and (not known or known[-1].changed_at < moment):
            yield change_to(evaluation, alarm, known, moment, settings)
    for each in refused:
        known = before.get(each.alarm_name, [])
        state = known[-1].to_state if known else None
        if state != "INSUFFICIENT_DATA" and (not known or known[-1].changed_at < moment):
            yield Change(each.alarm_name, moment, state, "INSUFFICIENT_DATA", each.sentence, (), ())


def _publish(
    settings: Settings,
    alarms: list[Alarm],
    refused: list[RefusedAlarm],
    measured: dict[str, list[Datapoint] | str],
    changes: list[Change],
    snapshot_id: int | None,
    moment: datetime,
) -> None:
    """Writes `alarms.json`, unless a later evaluation has."""
    folder = settings.lake.resolve()
    before = read_alarms(folder)
    if before and datetime.fromisoformat(before["written_at"]) > moment:
        return
    known = by_alarm(changes)
    shown = [_shown(settings, each, measured[each.alarm_name], known.get(each.alarm_name, [])) for each in alarms]
    shown += [_not_understood(each, known.get(each.alarm_name, [])) for each in refused]
    document = {
        "written_at": moment.isoformat(),
        "snapshot_id": snapshot_id,
        "alarms": sorted(shown, key=lambda each: str(each["alarm_name"])),
    }
    replace_file(folder / ALARMS, json.dumps(document, allow_nan=False, indent=1))


def _shown(settings: Settings, alarm: Alarm, measured: list[Datapoint] | str, changes: list[Change]) -> dict[str, Any]:
    form = alarm.form
    state = changes[-1].to_state if changes else "INSUFFICIENT_DATA"
    named = sorted({name for names in form.actions.values() for name in names})
    return {
        "alarm_name": alarm.alarm_name,
        "description": form.description,
        "metric": form.metric,
        "statistic": form.statistic,
        "period_seconds": form.period_seconds,
        "comparison": form.comparison,
        "threshold": form.threshold,
        "evaluation_periods": form.evaluation_periods,
        "datapoints_to_alarm": form.breaches_to_alarm,
        "treat_missing_data": form.treat_missing_data,
        "start_dag": form.start_dag,
        "reason": _evaluated(measured, alarm, state).reason,
        "datapoints": [] if isinstance(measured, str) else as_lists(measured),
        "channels": [{"name": name, "is_configured": bool(settings.notifications.get(name))} for name in named],
        **_history(state, changes),
    }


def _not_understood(refused: RefusedAlarm, changes: list[Change]) -> dict[str, Any]:
    """The same for a file that is not understood."""
    return {
        "alarm_name": refused.alarm_name,
        "description": f"The file expectations/alarms/{refused.alarm_name}.yaml is not understood.",
        "metric": "",
        "statistic": "",
        "period_seconds": 0,
        "comparison": "",
        "threshold": None,
        "evaluation_periods": 0,
        "datapoints_to_alarm": 0,
        "treat_missing_data": "missing",
        "start_dag": None,
        "reason": refused.sentence,
        "datapoints": [],
        "channels": [],
        **_history("INSUFFICIENT_DATA", changes),
    }


def _history(state: State, changes: list[Change]) -> dict[str, Any]:
    rows = [change.as_row() for change in reversed(changes[-SHOWN_CHANGES:])]
    return {
        "state": state,
        "since": changes[-1].changed_at.isoformat() if changes else None,
        "changes": [row | {"changed_at": row["changed_at"].isoformat()} for row in rows],
    }
