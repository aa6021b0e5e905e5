"""Charts over time: instants in UTC, stretches of time, and lines in the colours of their rank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelhouse.reports import Row
from labelhouse.reports.encoding import JOB_COLOURS, OTHER_COLOUR, category_colour, rows_chart, specification

if TYPE_CHECKING:
    import altair as alt

#: Ticks in time, by the largest unit that they start.
_TIME_FORMATS = {
    "milliseconds": ".%L",
    "seconds": "%H:%M:%S",
    "minutes": "%H:%M",
    "hours": "%H:%M",
    "day": "%a %d %b",
    "date": "%a %d %b",
    "week": "%a %d %b",
    "month": "%d %b %Y",
    "quarter": "%d %b %Y",
    "year": "%Y",
}
#: Lines, or parts, with a colour of their own.
SHOWN_SERIES = len(JOB_COLOURS)


def utc_axis(column: str, title: str) -> alt.X:
    """Instants along the axis: in UTC, whatever the reader's time zone."""
    import altair as alt

    return alt.X(
        f"{column}:T",
        title=title,
        scale=alt.Scale(type="utc", nice=False, padding=12),
        axis=alt.Axis(
            grid=False, labelOverlap=True, labelSeparation=6, tickCount=10, labelBound=4, format=_TIME_FORMATS
        ),
    )


def utc_tooltip(column: str, title: str) -> alt.Tooltip:
    """An instant in words, in UTC."""
    import altair as alt

    return alt.Tooltip(f"utcyearmonthdatehoursminutesseconds({column}):T", title=title, format="%Y-%m-%d %H:%M:%S UTC")


def line_legend(**options: Any) -> alt.Legend:
    """A legend of lines above the plot, with `options`."""
    import altair as alt

    usual = {"orient": "top", "title": None, "labelLimit": 300, "offset": 22}
    return alt.Legend(symbolType="stroke", symbolStrokeWidth=2.5, symbolOpacity=1, **(usual | options))


def ranked_colour(rows: list[Row], column: str, rank: str = "series_rank") -> alt.Color:
    """A colour per value of `column` by its rank, from 1; those beyond the palette share grey, and one needs no legend.

    Values are shown as they are.
    """
    ranks = {row[column]: row[rank] for row in rows}
    names = sorted(ranks, key=lambda name: (ranks[name], name))
    colours = {name: (*JOB_COLOURS, OTHER_COLOUR)[min(ranks[name] - 1, SHOWN_SERIES)] for name in names}
    colour = category_colour(rows, column, colours)
    colour["legend"]["labelExpr"] = "datum.label"
    if len(names) == 1:
        colour["legend"] = None
    return colour


def time_lines(
    rows: list[Row], x: alt.X, y: alt.Y, colour: alt.Color, *tooltip: alt.Tooltip, detail: str, height: int = 240
) -> dict[str, Any]:
    """The specification of lines with a point at each of their values; `detail` is the column that makes a line."""
    import altair as alt

    if colour["legend"] is not None:
        colour["legend"] = line_legend(labelLimit=260)
    base = rows_chart().encode(x=x, y=y, color=colour, detail=f"{detail}:N", tooltip=list(tooltip))
    line = base.mark_line(strokeWidth=1.6, strokeJoin="round", cursor="pointer").encode(order=x.shorthand)
    points = base.mark_point(size=26, filled=True, opacity=1 if len(rows) <= 150 else 0.01, cursor="pointer")
    return specification(alt.layer(line, points), height, rows=rows)
