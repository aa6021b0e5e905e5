"""A chart that a reader built: its whole definition is the query part of its address, so a bookmark saves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams

from labelhouse.reports.run_series import STATISTICS
from labelhouse.web.selection import SelectionError, day_of, in_order_of_days

#: Colours tell as many apart, with a group each.
MOST_SERIES = 6
#: Longer ones fit in no legend.
_MOST_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Series:
    """One series: a statistic of a metric over each run.

    Args:
        metric: its name.
        statistic: of `STATISTICS`.
        label: its name in the legend; empty for the metric's own.
    """

    metric: str
    statistic: str
    label: str = ""

    @property
    def shown_label(self) -> str:
        """The label, or what stands for it."""
        return self.label or f"{self.metric}, {self.statistic}"


@dataclass(frozen=True, slots=True)
class ChartDefinition:
    """What a chart shows.

    Args:
        name: of the chart, for people.
        series: none for those that suit the runs.
        by: the field that splits each series; empty for none.
        fields: the filters, as `field: value`.
        run: the runs that alone are shown; none for all.
        from_date, until_date: when the runs started, both included.
    """

    name: str = ""
    series: tuple[Series, ...] = ()
    by: str = ""
    fields: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    from_date: date | None = None
    until_date: date | None = None

    @classmethod
    def of(cls, query: QueryParams) -> ChartDefinition:
        """The definition that a URL holds: metric, statistic and label are repeated, side by side, once per series.

        Raises:
            SelectionError: a statistic is unknown, a date is none, or there are too many series or characters.
        """
        first, last = day_of("from_date", query.get("from_date", "")), day_of("until_date", query.get("until_date", ""))
        in_order_of_days(first, last)
        parts = zip_longest(query.getlist("metric"), query.getlist("statistic"), query.getlist("label"), fillvalue="")
        series = tuple(_series(*part) for part in parts if part[0])
        if len(series) > MOST_SERIES:
            raise SelectionError(
                "is too many series for one chart",
                where="metric",
                value=str(len(series)),
                allowed=f"up to {MOST_SERIES}",
            )
        return cls(
            name=_short("name", query.get("name", "").strip()),
            series=series,
            by=query.get("by", ""),
            fields=tuple(dict.fromkeys(each for each in query.getlist("field") if each)),
            run=tuple(dict.fromkeys(each for each in query.getlist("run") if each)),
            from_date=first,
            until_date=last,
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The query part of the URL that holds this, name by name."""
        found = [("name", self.name), ("from_date", self.from_date), ("until_date", self.until_date), ("by", self.by)]
        pairs = [(name, str(value)) for name, value in found if value]
        for each in self.series:
            pairs += [("metric", each.metric), ("statistic", each.statistic), ("label", each.label)]
        return pairs + [("field", each) for each in self.fields] + [("run", each) for each in self.run]

    def url(self, **changes: Any) -> str:
        """The query part of the URL of the same chart with `changes`."""
        return "?" + urlencode(replace(self, **changes).pairs)

    @property
    def filters(self) -> dict[str, Any]:
        """The parameters of the queries that choose runs."""
        return {
            "from_date": self.from_date,
            "until_date": self.until_date,
            "fields": list(self.fields) or None,
            "run": list(self.run) or None,
        }

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The parameters of the query of its points."""
        return self.filters | {
            "by": self.by or None,
            "metrics": [each.metric for each in self.series],
            "statistics": [each.statistic for each in self.series],
            "labels": [each.shown_label for each in self.series],
        }


def _series(metric: str, statistic: str, label: str) -> Series:
    if statistic and statistic not in STATISTICS:
        raise SelectionError("is no statistic", where="statistic", value=statistic, allowed=", ".join(STATISTICS))
    return Series(metric, statistic or "final", _short("label", label.strip()))


def _short(where: str, text: str) -> str:
    if len(text) > _MOST_CHARACTERS:
        raise SelectionError(
            "is too long", where=where, value=f"{text[:40]}…", allowed=f"up to {_MOST_CHARACTERS} characters"
        )
    return text
