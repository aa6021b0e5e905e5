"""Tiles: what a page shows, whatever it came from. Their values as text for people and as CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from labelhouse.marts.export import csv_cell
from labelhouse.reports import Field, Kind, Row
from labelhouse.reports.durations import in_words
from labelhouse.reports.page import kind_name
from labelhouse.reports.pages import modality_name, run_name, task_type_name

#: More rows than this nobody reads in a browser; exports hold them all.
SHOWN_ROWS = 200


@dataclass(frozen=True, slots=True)
class Tile:
    """One part of a page.

    Args:
        name: part of the URL of its export.
        title, question: what it shows.
        shape: as of a report.
        fields: the columns that people see.
        rows: all of them; pages show the first `SHOWN_ROWS`.
        note: what was left out, or None.
        empty: the sentence instead of no rows.
        spec: the Vega-Lite specification of a chart.
        is_wide, is_sortable: as of a report.
    """

    name: str
    title: str
    question: str
    shape: str
    fields: tuple[Field, ...]
    rows: list[Row]
    note: str | None = None
    empty: str = "Nothing to show."
    spec: dict[str, Any] | None = None
    is_wide: bool = False
    is_sortable: bool = False

    @property
    def pick(self) -> Field | None:
        """The column of boxes that pick rows, where it has one."""
        return next((field for field in self.fields if field.kind == "pick"), None)

    @property
    def shown_rows(self) -> list[Row]:
        """The rows that a page shows."""
        return self.rows[:SHOWN_ROWS]

    @property
    def hidden_count(self) -> int:
        """How many rows only the export holds."""
        return max(0, len(self.rows) - SHOWN_ROWS)

    def sorted_by(self, sort: str | None) -> Tile:
        """The tile with its rows sorted by a column, `-` in front for descending. Unknown columns change nothing."""
        name = (sort or "").removeprefix("-")
        if name not in {field.name for field in self.fields}:
            return self
        known = [row for row in self.rows if row[name] is not None]
        unknown = [row for row in self.rows if row[name] is None]  # at the end, in both directions
        known.sort(key=lambda row: row[name], reverse=(sort or "").startswith("-"))
        rows = known + unknown
        if pick := self.pick:  # what is picked stays on top, in that order
            rows.sort(key=lambda row: not row[pick.name])
        return replace(self, rows=rows)

    def csv(self) -> bytes:
        """The rows as CSV that spreadsheets open safely: UTF-8 with a byte order mark, no formulas."""
        file = io.StringIO()
        writer = csv.writer(file)
        writer.writerow([field.name for field in self.fields])
        writer.writerows([csv_cell(row[field.name]) for field in self.fields] for row in self.rows)
        return file.getvalue().encode("utf-8-sig")


def shown(value: Any, kind: Kind) -> str:
    """A value as people read it; `–` for NULL."""
    if value is None:
        return "–"
    return _FORMATS[kind](value)


def hint(field: Field, row: Row) -> str:
    """What stands below a figure; durations in words."""
    values = {name: shown(value, "seconds") if name.endswith("_seconds") else value for name, value in row.items()}
    return field.hint.format(**values)


def ago(moment: str | datetime, now: datetime) -> str:
    """How long before `now` a moment was: `3 hours ago`."""
    moment = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    seconds = max(0, int((now - moment).total_seconds()))
    for name, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        count = seconds // length
        if count:
            return f"{count} {name}{'s' if count > 1 else ''} ago"
    return "just now"


def _count(value: int) -> str:
    return f"{value:,}"


def _ratio(value: float) -> str:
    # 99.96 % is not 100 %: a share is shown as complete only when it is
    return "100 %" if value >= 1 else f"{min(value * 100, 99.9):.1f} %"


def _change(value: float) -> str:
    return f"{'+' if value > 0 else '−' if value < 0 else ''}{abs(value) * 100:,.{0 if abs(value) >= 1 else 1}f} %"


def _usd(value: float) -> str:
    """Dollars and cents; more digits where less than a cent would be nothing."""
    return f"${value:,.2f}" if value == 0 or abs(value) >= 0.01 else f"${value:.6f}".rstrip("0")


def _number(value: float) -> str:
    """Four significant digits, in the metric's own unit: 0.9123, 12.35, 48,210."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    size = math.floor(math.log10(abs(value)))
    return f"{value:.3e}" if size < -4 or size > 8 else f"{value:,.{max(0, 3 - size)}f}"


def _time(value: str | datetime) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


_FORMATS: dict[Kind, Callable[[Any], str]] = {
    "text": str,
    "person": str,
    "job": str,
    "team": str,
    "worker": str,
    "modality": modality_name,
    "run": run_name,
    "metric": str,
    "experiment": str,
    "account": str,
    "principal": str,
    "category": str,
    "attribute": str,
    "task_type": task_type_name,
    "object": str,
    "frame": str,
    "resource": str,
    "series": str,
    "statistic": str,
    "feature": str,
    "kind": kind_name,
    "family": str,
    "parameter": str,
    "sentence": str,
    "count": _count,
    "ratio": _ratio,
    "pct": lambda value: f"{value:,.1f} %",
    "change": _change,
    "usd": _usd,
    "number": _number,
    "seconds": in_words,
    "time": _time,
    "date": str,
    "month": lambda value: value.strftime("%B %Y"),
    "boolean": lambda value: "yes" if value else "no",
    "flags": str,
    "pick": lambda value: "picked" if value else "",
}
