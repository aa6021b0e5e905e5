"""Checks of the newest build: what became of each, table by table, and over the builds before."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from labelhouse.checks.drawings import number, picture_svg
from labelhouse.reports import Field, Row
from labelhouse.web.sparklines import value_course, verdict_strip
from labelhouse.web.tiles import Tile

#: What can become of a check, worst first, and how people call it.
OUTCOMES = {
    "error": "not evaluated",
    "failed": "failed",
    "warning": "warning",
    "not_enough_data": "not enough data",
    "waived": "let pass",
    "passed": "passed",
}
#: Stands for all outcomes but the last.
ASKS_FOR_A_LOOK = "not_passed"
#: So many comparisons are shown with a picture; of those that passed, only where little else is to be seen.
MOST_PICTURES, PASSED_PICTURES = 12, 3

_OUTCOME_ORDER = {outcome: place for place, outcome in enumerate(OUTCOMES)}
#: What makes a check itself in earlier builds.
_KEY = ("suite", "table_name", "check_name", "subject")
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Validation:
    """The checks of one table by one suite, the failing ones first.

    Args:
        suite, table_name: whose they are.
        checks: rows with `outcome` and `trend`.
        strip: the worst outcome in each of the last builds, as SVG.
    """

    suite: str
    table_name: str
    checks: list[Row]
    strip: Markup

    def count(self, outcome: str) -> int:
        """How many ended like that."""
        return sum(check["outcome"] == outcome for check in self.checks)

    @property
    def outcome(self) -> str:
        """The worst."""
        return next(outcome for outcome in OUTCOMES if self.count(outcome))

    @property
    def is_passed(self) -> bool:
        """Whether every expectation was met."""
        return self.outcome == "passed"


class Trends:
    """What became of each check in the last builds, from `quality_history.json`."""

    def __init__(self, history: Mapping[str, Any]) -> None:
        self._points: dict[Key, list[Sequence[Any]]] = {
            key_of(trend): trend["points"] for trend in history.get("trends", ())
        }

    def points(self, check: Row) -> list[Row]:
        """Its builds, oldest first: checked_at, outcome and value."""
        severity = check.get("severity", "hold")
        return [
            {"checked_at": at, "outcome": _outcome_of(verdict, severity), "value": value}
            for at, verdict, value in self._points.get(key_of(check), ())
        ]

    def course(self, check: Row) -> Markup:
        """The same as a sparkline."""
        points = self.points(check)
        outcomes = [point["outcome"] for point in points]
        return value_course([point["value"] for point in points], outcomes, check.get("threshold_value"))

    def known(self, key: Key) -> bool:
        """Whether there was ever such a check, as far back as the history goes."""
        return key in self._points


def key_of(check: Mapping[str, Any]) -> Key:
    """Suite, table, check and subject."""
    return tuple(check.get(name) for name in _KEY)


def check_query(check: Mapping[str, Any]) -> str | None:
    """The query part of the address of its page; None for checks of before they had names."""
    if not check.get("check_name"):
        return None
    named = {"suite": check["suite"], "table": check["table_name"], "check": check["check_name"]}
    return urlencode(named | ({"subject": check["subject"]} if check.get("subject") is not None else {}))


def checks_of(status: Mapping[str, Any]) -> list[Row]:
    """The checks of the newest build with their `outcome`, by suite and table, the failing ones first.

    What an older version did not write is None.
    """
    nothing = dict.fromkeys([*(field.name for field in _FIELDS), "picture_json"])
    checks = [nothing | check | {"outcome": outcome(check)} for check in status["checks"]]
    return sorted(checks, key=lambda check: (*_table(check), _OUTCOME_ORDER[check["outcome"]], check["check_number"]))


def outcome(check: Mapping[str, Any]) -> str:
    """What became of a check, one of `OUTCOMES`."""
    verdict = check.get("verdict") or ("met" if check["is_success"] else "not_met")
    found = _outcome_of("not_evaluated" if check["error"] else verdict, check["severity"])
    return "waived" if check.get("waived_until") and found in ("error", "failed") else found


def _outcome_of(verdict: str, severity: str) -> str:
    if verdict == "not_met":
        return "warning" if severity == "warn" else "failed"
    return {"met": "passed", "not_evaluated": "error"}.get(verdict, "not_enough_data")


def validations(checks: Iterable[Row], trends: Trends) -> list[Validation]:
    """The checks of `checks_of`, by suite and table, with their course over the last builds."""
    found = []
    for (suite, table_name), group in groupby(checks, key=_table):
        of_table = [check | {"course": trends.course(check)} for check in group]
        strip = verdict_strip(_worst_per_build([trends.points(check) for check in of_table]), 150)
        found.append(Validation(suite, table_name, of_table, strip))
    return found


def worst_first(found: Iterable[Validation]) -> list[Validation]:
    """Tables that ask for a look before those that do not."""
    return sorted(found, key=lambda each: (_OUTCOME_ORDER[each.outcome], each.table_name, each.suite))


def drifts(checks: Iterable[Row], trends: Trends) -> list[Row]:
    """The checks that compare a statistic, those that ask for a look first, with `picture` and `course`."""
    found = [check for check in checks if check["statistic_name"] or check["suite"] == "drift"]
    found.sort(key=lambda check: (_OUTCOME_ORDER[check["outcome"]], *(str(part) for part in key_of(check))))
    return [
        check
        | {
            "course": trends.course(check),
            "picture": picture_svg(
                picture_of(check)
                if place < (PASSED_PICTURES if check["outcome"] == "passed" else MOST_PICTURES)
                else None
            ),
        }
        for place, check in enumerate(found)
    ]


def picture_of(check: Row) -> dict[str, Any] | None:
    """The data of its picture."""
    try:
        picture = json.loads(check["picture_json"] or "null")
    except ValueError:
        return None
    return picture if isinstance(picture, dict) else None


def checks_tile(checks: list[Row]) -> Tile:
    """All checks as rows."""
    return Tile(
        name="checks",
        title="Checks",
        question="What was expected of the newest build, and was it met? Each leads to its history.",
        shape="checks",
        fields=_FIELDS,
        rows=checks,
        empty="No build was validated yet.",
        is_wide=True,
    )


def drift_tile(checks: list[Row]) -> Tile:
    """The checks of drift as rows."""
    return Tile(
        name="drift",
        title="Drift",
        question="Did labels or metrics move away from their reference? Grey is the reference, blue is now.",
        shape="drift",
        fields=tuple(field for field in _FIELDS if field.name not in ("element_count", "unexpected_count")),
        rows=checks,
        empty="Nothing is compared with a reference yet: expectations/drift names what is, and a build compares it.",
        is_wide=True,
    )


def tables_tile(found: list[Validation]) -> Tile:
    """The state of each table as rows."""
    rows = [
        {
            "suite": each.suite,
            "table_name": each.table_name,
            "outcome": each.outcome,
            "check_count": len(each.checks),
            **{f"{name}_count": each.count(name) for name in OUTCOMES},
        }
        for each in found
    ]
    return Tile(
        name="tables",
        title="Tables",
        question="Which tables are fine? A strip is the worst outcome in each of the last builds, newest at the right.",
        shape="tables",
        fields=(
            Field("suite", "Suite"),
            Field("table_name", "Table"),
            Field("outcome", "State"),
            Field("check_count", "Checks", "count"),
            *(Field(f"{name}_count", words.capitalize(), "count") for name, words in OUTCOMES.items()),
        ),
        rows=rows,
        empty="No build was validated yet.",
        is_wide=True,
    )


def found_words(check: Row) -> str | None:
    """What was seen instead of what was expected; of a result that says nothing about it, its counts."""
    if check.get("finding"):
        return str(check["finding"])
    if check["error"]:
        return f"Could not be evaluated: {check['error']}"
    parts = []
    if check["unexpected_count"] is not None and check["element_count"]:
        parts.append(f"{check['unexpected_count']:,} of {check['element_count']:,} rows do not meet it")
    if check["observed_value"] is not None:
        parts.append(f"observed: {_plain(check['observed_value'])}")
    return "; ".join(parts) or None


def compared_words(check: Row) -> str | None:
    """The statistic of a check, its threshold and how many values it was made of."""
    if check["statistic_value"] is None:
        return None
    words = f"{(check['statistic_name'] or 'statistic').replace('_', ' ')} {number(check['statistic_value'])}"
    if check["threshold_value"] is not None:
        words += f", threshold {number(check['threshold_value'])}"
    if check["p_value"] is not None:
        words += f", p {number(check['p_value'])}"
    if check["reference_count"] is not None and check["current_count"] is not None:
        words += f" · {check['reference_count']:,} values then, {check['current_count']:,} now"
    return words


def _worst_per_build(courses: list[list[Row]]) -> list[str]:
    """The worst outcome of several checks in each build that any of them knows, oldest first."""
    worst: dict[str, str] = {}
    for points in courses:
        for point in points:
            at, found = point["checked_at"], point["outcome"]
            worst[at] = min(worst.get(at, "passed"), found, key=_OUTCOME_ORDER.__getitem__)
    return [worst[at] for at in sorted(worst)]


def _table(check: Row) -> tuple[str, str]:
    return check["suite"], check["table_name"]


def _plain(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text


_FIELDS = (
    Field("suite", "Suite"),
    Field("table_name", "Table"),
    Field("check_number", "Number", "count"),
    Field("check_name", "Check"),
    Field("subject", "Subject"),
    Field("sentence", "Expectation"),
    Field("expectation_type", "Type"),
    Field("severity", "Severity"),
    Field("is_success", "Met", "boolean"),
    Field("outcome", "Outcome"),
    Field("finding", "Finding"),
    Field("element_count", "Rows", "count"),
    Field("unexpected_count", "Unexpected", "count"),
    Field("observed_value", "Observed"),
    Field("statistic_name", "Statistic"),
    Field("statistic_value", "Value", "number"),
    Field("threshold_value", "Threshold", "number"),
    Field("p_value", "p", "number"),
    Field("reference_count", "Values then", "count"),
    Field("current_count", "Values now", "count"),
    Field("error", "Error"),
    Field("what_to_do", "What to do"),
    Field("waived_until", "Let pass until", "time"),
    Field("checked_at", "Checked", "time"),
)
