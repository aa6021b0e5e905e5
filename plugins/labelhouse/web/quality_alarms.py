"""Alarms: their states, the datapoints beside the threshold, who is told, and what changed when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from labelhouse.checks.drawings import number
from labelhouse.reports import Field, Row
from labelhouse.web.sparklines import datapoints_course
from labelhouse.web.tiles import Tile

#: The states, worst first, and how the badges of checks colour them.
STATES = {"ALARM": "failed", "INSUFFICIENT_DATA": "not_enough_data", "OK": "passed"}
_COMPARISONS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at or above",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at or below",
    "LessThanLowerOrGreaterThanUpperThreshold": "outside its band",
    "LessThanLowerThreshold": "below its band",
    "GreaterThanUpperThreshold": "above its band",
}
_MISSING = {
    "missing": "left out",
    "ignore": "leave the state as it is",
    "breaching": "count as beyond it",
    "notBreaching": "count as good",
}


def alarms_of(document: Mapping[str, Any]) -> list[Row]:
    """The alarms of `alarms.json`, those in alarm first, with `badge`, `condition` and `course`."""
    found = [
        alarm
        | {
            "badge": STATES.get(alarm["state"], "warning"),
            "condition": condition(alarm),
            "query": urlencode({"name": alarm["alarm_name"]}),
        }
        for alarm in document.get("alarms", ())
    ]
    order = list(STATES)
    found.sort(key=lambda alarm: (order.index(alarm["state"]) if alarm["state"] in order else 0, alarm["alarm_name"]))
    return found


def course(alarm: Row, width: int = 260, height: int = 56) -> Markup:
    """The datapoints of an alarm as a small picture."""
    return datapoints_course([tuple(point) for point in alarm["datapoints"]], alarm["threshold"], width, height)


def condition(alarm: Row) -> str:
    """When it is in alarm, as a sentence; empty where its file is not understood."""
    if not alarm["metric"]:
        return ""
    compared = _COMPARISONS.get(alarm["comparison"], alarm["comparison"])
    threshold = "" if alarm["threshold"] is None else f" {number(alarm['threshold'])}"
    needed, window = alarm["datapoints_to_alarm"], alarm["evaluation_periods"]
    period = _period_words(alarm["period_seconds"])
    times = f"in {needed} of the last {window} periods of {period}" if window > 1 else f"in a period of {period}"
    return (
        f"Alarm when the {alarm['statistic'].lower()} is {compared}{threshold} {times}. "
        f"Periods without data: {_MISSING.get(alarm['treat_missing_data'], alarm['treat_missing_data'])}."
    )


def alarms_tile(alarms: list[Row]) -> Tile:
    """All alarms as rows."""
    rows = [
        alarm
        | {
            "told": "\n".join(_channel_words(each) for each in alarm["channels"]),
            "newest_value": next((value for _, value, *_ in reversed(alarm["datapoints"]) if value is not None), None),
        }
        for alarm in alarms
    ]
    return Tile(
        name="alarms",
        title="Alarms",
        question="Is anything in alarm, since when, and who was told?",
        shape="alarms",
        fields=(
            Field("alarm_name", "Alarm"),
            Field("state", "State"),
            Field("since", "Since", "time"),
            Field("reason", "Reason"),
            Field("description", "What it watches"),
            Field("condition", "Condition"),
            Field("newest_value", "Newest value", "number"),
            Field("threshold", "Threshold", "number"),
            Field("told", "Channels"),
        ),
        rows=rows,
        empty="No alarm was evaluated yet: unpause the DAG evaluate_alarms. Files in expectations/alarms say what it "
        "watches.",
        is_wide=True,
    )


def changes_tile(alarm: Row) -> Tile:
    """The last changes of one alarm."""
    rows = [change | {"actions": _actions(change.get("actions_json"))} for change in alarm.get("changes", ())]
    return Tile(
        name="alarm_changes",
        title="History",
        question="When did its state change, why, and what was done about it? The last 20 changes.",
        shape="table",
        fields=(
            Field("changed_at", "When", "time"),
            Field("from_state", "From"),
            Field("to_state", "To"),
            Field("reason", "Why", "sentence"),
            Field("actions", "What was done"),
        ),
        rows=rows,
        empty="Its state never changed.",
        is_wide=True,
    )


def datapoints_tile(alarm: Row) -> Tile:
    """The newest datapoints of one alarm as rows."""
    names = ("at", "value", "low", "high")
    return Tile(
        name="alarm_datapoints",
        title="Datapoints",
        question="What was measured? Dashed is the threshold, shaded the band that is expected.",
        shape="datapoints",
        fields=(
            Field("at", "Start of the period", "time"),
            Field("value", "Value", "number"),
            Field("low", "Lowest expected", "number"),
            Field("high", "Highest expected", "number"),
        ),
        rows=[dict(zip(names, point, strict=True)) for point in alarm["datapoints"]],
        empty="There is no datapoint yet.",
        is_wide=True,
    )


def _period_words(seconds: int) -> str:
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= length and seconds % length == 0:
            count = seconds // length
            return f"{count} {name}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"


def _channel_words(channel: Row) -> str:
    return f"{channel['name']}{'' if channel['is_configured'] else ' (not configured)'}"


def _actions(text: str | None) -> str:
    """What was done about a change, in words."""
    try:
        actions = json.loads(text or "[]")
        return "\n".join(f"{each.get('channel') or each.get('dag_id')}: {each['outcome']}" for each in actions)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""  # of another version of labelhouse
