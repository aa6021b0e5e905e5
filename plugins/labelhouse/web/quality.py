"""Data quality: what was published of it as tiles, and what people should make of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from labelhouse.folders import Folder
from labelhouse.marts.status import read_alarms, read_quality_history, read_status
from labelhouse.reports import Field, Row
from labelhouse.reports.pages import Filter, Page
from labelhouse.web.quality_alarms import alarms_of, alarms_tile, changes_tile, datapoints_tile
from labelhouse.web.quality_charts import builds_chart, course_chart, datapoints_chart
from labelhouse.web.quality_checks import (
    ASKS_FOR_A_LOOK,
    OUTCOMES,
    Key,
    Trends,
    Validation,
    checks_of,
    checks_tile,
    drift_tile,
    drifts,
    key_of,
    tables_tile,
    validations,
    worst_first,
)
from labelhouse.web.selection import Selection
from labelhouse.web.tiles import Tile

Status = dict[str, Any]

#: Where a record that was read can end; they add up to `records_read`.
_ENDS = ("records_loaded", "records_duplicate", "records_quarantined", "records_filtered")
#: Columns of `check_runs` by the outcome that they count.
_COUNTED = {
    "failed": "hold_count",
    "warning": "warning_count",
    "not_enough_data": "not_enough_data_count",
    "waived": "waived_count",
}
_STATE_WORDS = {ASKS_FOR_A_LOOK: "asks for a look"} | OUTCOMES

QUALITY = Page(
    name="quality",
    title="Data quality",
    filters=(
        Filter("suite", "Suite", everything="All suites"),
        Filter("table", "Table", everything="All tables"),
        Filter("state", "State", everything="All states", label=lambda state: _STATE_WORDS.get(state, state)),
    ),
    marts=frozenset(),
)


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


class Quality:
    """Everything that is known of the quality of a lake, and the part of it that a reader selected.

    Args:
        status: `status.json`; what older versions did not write is empty.
        history: `quality_history.json`.
        alarms: `alarms.json`.
        selection: the filters of the page, which narrow tables, drift and checks.
    """

    def __init__(
        self, status: Status, history: Mapping[str, Any], alarms: Mapping[str, Any], selection: Selection
    ) -> None:
        self.status, self.history, self.selection = status, history, selection
        self.trends = Trends(history)
        self.alarms = alarms_of(alarms)
        self.all_checks = checks_of(status)
        self.checks = [check for check in self.all_checks if _is_selected(check, selection.chosen)]

    @classmethod
    def read(cls, lake: Folder, selection: Selection) -> Quality | None:
        """What was published last; None where nothing ever ran."""
        status = read_status(lake)
        if status is None:
            return None
        return cls(status, read_quality_history(lake) or {}, read_alarms(lake) or {}, selection)

    @cached_property
    def tables(self) -> list[Validation]:
        """The selected checks by suite and table, those that ask for a look first."""
        return worst_first(validations(self.checks, self.trends))

    @cached_property
    def drifts(self) -> list[Row]:
        """Those of the selected checks that compare with a reference, with their pictures."""
        return drifts(self.checks, self.trends)

    @property
    def choices(self) -> dict[str, list[str]]:
        """What each filter can be."""
        return {
            "suite": sorted({check["suite"] for check in self.all_checks}),
            "table": sorted({check["table_name"] for check in self.all_checks}),
            "state": list(_STATE_WORDS),
        }

    @property
    def equations(self) -> list[Equation]:
        """One per source."""
        return [
            Equation(
                source_name=row["source_name"],
                read_count=row["records_read"],
                ends=tuple((end.removeprefix("records_"), row[end]) for end in _ENDS),
            )
            for row in self.status["ledger"]
        ]

    @property
    def figures(self) -> Tile:
        """How it stands, in numbers."""
        counts = {f"{name}_count": sum(each["outcome"] == name for each in self.all_checks) for name in OUTCOMES}
        states = [alarm["state"] for alarm in self.alarms]
        row = counts | {
            "check_count": len(self.all_checks),
            "look_count": counts["failed_count"] + counts["error_count"],
            "alarm_count": states.count("ALARM") if states else None,
            "all_alarm_count": len(states),
            "quarantined_count": sum(row["records_quarantined"] for row in self.status["ledger"]),
            "read_count": sum(row["records_read"] for row in self.status["ledger"]),
        }
        return Tile(
            name="figures",
            title="How it stands",
            question="",
            shape="figures",
            fields=(
                Field("passed_count", "checks passed", "count", "of {check_count:,} in the newest build"),
                Field("look_count", "checks failed", "count", "let pass by an operator: {waived_count}", is_alarm=True),
                Field("warning_count", "warnings", "count", "hold nothing back"),
                Field("not_enough_data_count", "not enough data", "count", "neither passed nor failed"),
                Field(
                    "alarm_count", "in alarm", "count", "of {all_alarm_count} alarms", "no alarms yet", is_alarm=True
                ),
                Field("quarantined_count", "in quarantine", "count", "of {read_count:,} records read"),
            ),
            rows=[row],
        )

    def tiles(self) -> dict[str, Tile]:
        """What the page shows and exports, by name."""
        found = [
            tables_tile(self.tables),
            alarms_tile(self.alarms),
            drift_tile(self.drifts),
            _builds(self.history),
            checks_tile(self.checks),
            _ledger(self.status),
            _quarantine(self.status),
            _releases(self.status),
            _hold_releases(self.status),
        ]
        return {tile.name: tile for tile in found}

    def check(self, key: Key) -> Row | None:
        """One check with its newest result; without one where only earlier builds know it; None where none does."""
        found = next((check for check in self.all_checks if key_of(check) == key), None)
        if found is None and self.trends.known(key):
            names = ("suite", "table_name", "check_name", "subject")
            return dict(zip(names, key, strict=True)) | {"sentence": None}
        return found

    def check_history(self, check: Row) -> Tile:
        """The results of one check in the last builds as rows, newest first, and its course."""
        name = check.get("statistic_name")
        title = name.replace("_", " ") if name else "share of rows that do not meet it"
        points = [point | {"outcome": OUTCOMES[point["outcome"]]} for point in self.trends.points(check)]
        is_drawn = sum(point["value"] is not None for point in points) > 1
        threshold = check.get("threshold_value") if name else None
        return Tile(
            name="check_history",
            title="Over the last builds",
            question="Since when is it like this? One mark per build, coloured by what became of the check.",
            shape="chart",
            fields=(
                Field("checked_at", "Checked", "time"),
                Field("outcome", "Outcome"),
                Field("value", title.capitalize(), "number" if name else "ratio"),
            ),
            rows=points[::-1],
            empty="There is no earlier build yet.",
            spec=course_chart(points, title, threshold) if is_drawn else None,
            is_wide=True,
        )

    def alarm(self, name: str) -> Row | None:
        """The alarm of that name."""
        return next((alarm for alarm in self.alarms if alarm["alarm_name"] == name), None)


def alarm_tiles(alarm: Row) -> dict[str, Tile]:
    """The datapoints and the history of one alarm, by name."""
    datapoints = datapoints_tile(alarm)
    if any(row["value"] is not None for row in datapoints.rows):
        spec = datapoints_chart(datapoints.rows, alarm["statistic"].lower(), alarm["threshold"])
        datapoints = replace(datapoints, spec=spec)
    return {tile.name: tile for tile in (datapoints, changes_tile(alarm))}


def _is_selected(check: Row, chosen: Mapping[str, Any]) -> bool:
    if chosen.get("suite", check["suite"]) != check["suite"]:
        return False
    if chosen.get("table", check["table_name"]) != check["table_name"]:
        return False
    state = chosen.get("state")
    if state == ASKS_FOR_A_LOOK:
        return bool(check["outcome"] != "passed")
    return state in (None, check["outcome"])


def _builds(history: Mapping[str, Any]) -> Tile:
    rows = []
    for build in reversed(history.get("builds", ())):
        verdicts = build["verdicts"].values()
        rows.append(
            {"build_id": build["build_id"], "checked_at": build["checked_at"]}
            | {name: sum(verdict[name] for verdict in verdicts) for name in ("check_count", *_COUNTED.values())}
            | {
                "met_count": sum(verdict["met_count"] for verdict in verdicts),
                "verdict": _worst_verdict({verdict["verdict"] for verdict in verdicts}),
                "duration_seconds": sum(verdict["duration_seconds"] for verdict in verdicts),
            }
        )
    marks = [
        {
            "build": row["checked_at"][5:16].replace("T", " "),
            "outcome": OUTCOMES[outcome],
            "count": row[column],
            **{name: row[name] for name in ("build_id", "checked_at", "check_count")},
        }
        for row in rows
        for outcome, column in _COUNTED.items()
    ]
    is_drawn = any(mark["count"] for mark in marks)
    return Tile(
        name="builds",
        title="Validations over the last builds",
        question="Is it getting better or worse? What was not passed in each build.",
        shape="chart",
        fields=(
            Field("build_id", "Build"),
            Field("checked_at", "Checked", "time"),
            Field("verdict", "Verdict"),
            Field("check_count", "Checks", "count"),
            Field("met_count", "Passed", "count"),
            *(Field(column, OUTCOMES[outcome].capitalize(), "count") for outcome, column in _COUNTED.items()),
            Field("duration_seconds", "Took", "seconds"),
        ),
        rows=rows[::-1],
        note=None if is_drawn else f"Every check was passed in all of the last {len(rows)} builds.",
        empty="The history of validations begins with the next build.",
        spec=builds_chart(marks) if is_drawn else None,
        is_wide=True,
    )


def _worst_verdict(verdicts: set[str]) -> str:
    return next((verdict for verdict in ("held", "warned") if verdict in verdicts), "passed")


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


def _hold_releases(status: Status) -> Tile:
    rows = [
        row | {"released_checks": "\n".join(_check_words(check) for check in row.get("checks", ()))}
        for row in status.get("hold_releases", ())
    ]
    return Tile(
        name="hold_releases",
        title="Releases of holds",
        question="Which holds did an operator release, and why?",
        shape="table",
        fields=(
            Field("released_at", "Released", "time"),
            Field("reason", "Reason", "sentence"),
            Field("released_checks", "Checks let pass"),
            Field("until_at", "Until", "time"),
            Field("released_by", "By"),
            Field("build_id", "Build"),
        ),
        rows=rows,
        empty="No hold was ever released: what was held was mended.",
        is_wide=True,
    )


def _check_words(check: Row) -> str:
    words = f"{check['table_name']}: {check['check_name']}"
    return f"{words} ({check['subject']})" if check.get("subject") else words
