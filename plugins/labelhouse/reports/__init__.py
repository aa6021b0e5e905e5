"""Reports: one file each. A module here that defines `REPORT` is shown on its page; nothing lists them twice.

A report is a question, one SELECT on the marts, and how its rows are shown. It knows neither the web
nor Airflow. Its SQL may name the filters of its page (`pages.py`) as `$name`: NULL means "all". One that cuts its
rows off may also name `$sort`, the page's order: a column, `-` in front for descending.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

Row = dict[str, Any]

#: How a value is written for people. One that is named like a filter of the page narrows it when it is clicked.
#: `number` is in a unit of its own (a metric); `flags` is text with `; ` between words that ask for a look;
#: `pick` is a box that picks the row's `run_id`; `object` leads to the page of the row's dataset object,
#: `frame` to a frame of it. `pct` is 0 to 100 and more, `change` a ratio of more or less, `usd` money, `month` the
#: first day of one.
Kind = Literal[
    "text", "sentence", "person", "job", "team", "worker", "modality", "run", "metric", "experiment", "account",
    "principal", "category", "attribute", "task_type", "object", "frame", "resource", "series", "statistic", "feature",
    "kind", "family", "parameter", "count", "ratio", "pct", "change", "usd", "number", "seconds", "time", "date",
    "month", "boolean", "flags", "pick",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a report's rows, as people see it.

    Args:
        name: of the column; also the header in exports.
        title: for people.
        kind: decides alignment, format and links.
        hint: what stands below a figure; a format string on the row's values, durations in words.
        unknown: what stands instead of a figure that is NULL.
        is_alarm: whether a figure other than 0 asks for a look.
    """

    name: str
    title: str
    kind: Kind = "text"
    hint: str = ""
    unknown: str = "not captured"
    is_alarm: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """One chart, table or row of figures.

    Args:
        name: the module's name; part of the URL of its export.
        page: the page that shows it.
        order: its place on the page, ascending.
        title: a few words.
        question: what it answers, as a sentence.
        sql: one SELECT on the marts.
        fields: the columns that people see, in order; the rows may hold more.
        shape: `figures` shows one row as large numbers, `chart` draws, `table` lists.
        draw: rows → Vega-Lite, for a `chart`. It imports Altair when it is called: that is slow.
        is_wide: whether it takes the page's whole width.
        is_sortable: whether the page's `sort` orders it.
        needs: the filter without which it is not shown.
        note: rows → what was left out, or None.
        empty: the sentence shown instead of no rows.
    """

    name: str
    page: str
    order: int
    title: str
    question: str
    sql: str
    fields: tuple[Field, ...]
    shape: Literal["figures", "chart", "table"] = "chart"
    draw: Callable[[list[Row]], dict[str, Any]] | None = None
    is_wide: bool = False
    is_sortable: bool = False
    needs: str | None = None
    note: Callable[[list[Row]], str | None] = lambda _: None
    empty: str = "No answers for this selection."

    @property
    def parameters(self) -> frozenset[str]:
        """The filters that its SQL names, and `sort` where it sorts by itself."""
        return frozenset(re.findall(r"\$(\w+)", self.sql))


@cache
def all_reports() -> dict[str, Report]:
    """Every report by name, in the order of the pages, found by walking this package."""
    modules = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
    found = (module.REPORT for module in modules if hasattr(module, "REPORT"))
    ordered = sorted(found, key=lambda report: (report.page, report.order, report.name))
    return {report.name: report for report in ordered}
