"""Data quality: the published status as tiles, and what people should make of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from labelhouse.reports import Field, Row
from labelhouse.web.tiles import Tile

Status = dict[str, Any]

#: Where a record that was read can end; they add up to `records_read`.
_ENDS = ("records_loaded", "records_duplicate", "records_quarantined", "records_filtered")


@dataclass(frozen=True, slots=True)
class Equation:
    """The records of one source: read = loaded + duplicate + quarantined + filtered."""

    source_name: str
    read_count: int
    ends: tuple[tuple[str, int], ...]

    @property
    def holds(self) -> bool:
        """Whether nothing was lost or counted twice."""
        return self.read_count == sum(count for _, count in self.ends)


@dataclass(frozen=True, slots=True)
class Validation:
    """The expectations of one table, the failing ones first."""

    suite: str
    table_name: str
    checks: list[Row]

    def count(self, outcome: str) -> int:
        """How many ended like that."""
        return sum(check["outcome"] == outcome for check in self.checks)

    @property
    def is_passed(self) -> bool:
        """Whether every expectation was met."""
        return self.count("passed") == len(self.checks)


#: What became of an expectation, worst first.
OUTCOMES = ("error", "failed", "warning", "passed")


def equations(status: Status) -> list[Equation]:
    """One per source."""
    return [
        Equation(
            source_name=row["source_name"],
            read_count=row["records_read"],
            ends=tuple((end.removeprefix("records_"), row[end]) for end in _ENDS),
        )
        for row in status["ledger"]
    ]


def validations(status: Status) -> list[Validation]:
    """The expectations of the newest build, by suite and table."""
    checks = [check | {"outcome": _outcome(check)} for check in status["checks"]]
    checks.sort(key=lambda check: (*_table(check), OUTCOMES.index(check["outcome"]), check["check_number"]))
    groups = groupby(checks, key=_table)
    return [Validation(suite, table_name, list(group)) for (suite, table_name), group in groups]


def tiles(status: Status) -> dict[str, Tile]:
    """What the page shows and exports, by name."""
    found = [_checks(status), _quarantine(status), _ledger(status), _releases(status)]
    return {tile.name: tile for tile in found}


def _table(check: Row) -> tuple[str, str]:
    return check["suite"], check["table_name"]


def _outcome(check: Row) -> str:
    if check["error"]:
        return "error"
    if check["is_success"]:
        return "passed"
    return "warning" if check["severity"] == "warn" else "failed"


def _checks(status: Status) -> Tile:
    return Tile(
        name="checks",
        title="Validations",
        question="What was expected of the newest build, and was it met?",
        shape="checks",
        fields=(
            Field("suite", "Suite"),
            Field("table_name", "Table"),
            Field("check_number", "Number", "count"),
            Field("sentence", "Expectation"),
            Field("expectation_type", "Type"),
            Field("severity", "Severity"),
            Field("is_success", "Met", "boolean"),
            Field("element_count", "Rows", "count"),
            Field("unexpected_count", "Unexpected", "count"),
            Field("observed_value", "Observed"),
            Field("error", "Error"),
            Field("checked_at", "Checked", "time"),
        ),
        rows=status["checks"],
        empty="No build was validated yet.",
        is_wide=True,
    )


def _quarantine(status: Status) -> Tile:
    rows = [
        row | {"example": "\n".join(f"{each['unit_uri']} · {each['position']}" for each in row["examples"])}
        for row in status["quarantine"]
    ]
    return Tile(
        name="quarantine",
        title="Quarantine",
        question="Which records could not be loaded, and why? Their bytes are kept and can be loaded after a fix.",
        shape="table",
        fields=(
            Field("source_name", "Source"),
            Field("reason", "Reason"),
            Field("record_count", "Records", "count"),
            Field("last_loaded_at", "Last seen", "time"),
            Field("example", "Examples: unit · position"),
        ),
        rows=rows,
        empty="Nothing is in quarantine: every record that was read could be loaded.",
        is_wide=True,
    )


def _ledger(status: Status) -> Tile:
    return Tile(
        name="ledger",
        title="Ledger",
        question="Is every record that was read accounted for?",
        shape="ledger",
        fields=(
            Field("source_name", "Source"),
            Field("unit_count", "Units", "count"),
            Field("records_read", "Read", "count"),
            Field("records_loaded", "Loaded", "count"),
            Field("records_duplicate", "Duplicate", "count"),
            Field("records_quarantined", "Quarantined", "count"),
            Field("records_filtered", "Filtered", "count"),
            Field("last_unit_at", "Newest unit", "time"),
            Field("last_loaded_at", "Last load", "time"),
        ),
        rows=status["ledger"],
        empty="Nothing was loaded yet.",
        is_wide=True,
    )


def _releases(status: Status) -> Tile:
    return Tile(
        name="releases",
        title="Releases",
        question="What was published when? Readers see the newest; the others stay for comparison.",
        shape="table",
        fields=(Field("release_id", "Release"), Field("published_at", "Published", "time")),
        rows=status["releases"],
        empty="Nothing is published yet.",
    )


def observed(check: Row) -> str | None:
    """What was seen instead of what was expected, in words."""
    if check["error"]:
        return f"Could not be evaluated: {check['error']}"
    parts = []
    if check["unexpected_count"] is not None and check["element_count"]:
        parts.append(f"{check['unexpected_count']:,} of {check['element_count']:,} rows do not meet it")
    if check["observed_value"] is not None:
        parts.append(f"observed: {_plain(check['observed_value'])}")
    return "; ".join(parts) or None


def _plain(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else text
