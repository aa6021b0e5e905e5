"""What the charts of Annotations have in common: lines of parts, and colours of categories and results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelhouse.reports import Row
from labelhouse.reports.encoding import (
    BAD_COLOUR,
    JOB_COLOURS,
    MAIN_COLOUR,
    OTHER_COLOUR,
    category_colour,
    in_order,
    rows_chart,
    specification,
)

if TYPE_CHECKING:
    import altair as alt

#: What came of looking at a label again, in the order of legends and stacks.
RESULT_COLOURS = {
    "good": JOB_COLOURS[2],
    "unadjusted": JOB_COLOURS[5],
    "adjusted": JOB_COLOURS[1],
    "bad": BAD_COLOUR,
    "looked at": JOB_COLOURS[6],
    "not audited": OTHER_COLOUR,
}
#: More lines than this cannot be read beside another chart.
SHOWN_LINES = 12
#: Values of an attribute that get a part of their own.
SHOWN_VALUES = 6

# As much of a value as its part has room for.
_FITTING = """
    datum.share_ratio * width >= 6.2 * length(datum.value) + 10 ? datum.value
    : datum.share_ratio * width >= 44 ? slice(datum.value, 0, floor((datum.share_ratio * width - 16) / 6.2)) + '…' : ''
"""


def line_axis(field: str, title: str, order: str) -> alt.Y:
    """One line per value of `field`, sorted by the column `order`."""
    import altair as alt

    return alt.Y(
        f"{field}:N",
        sort=alt.EncodingSortField(field=order, op="min"),
        title=title,
        axis=alt.Axis(labelLimit=150, ticks=False, domain=False),
        scale=alt.Scale(paddingInner=0.3, paddingOuter=0.15),
    )


def count_axis(field: str, title: str) -> alt.X:
    """Counts from 0."""
    import altair as alt

    return alt.X(f"{field}:Q", title=title, axis=alt.Axis(tickMinStep=1, tickCount=6, format=",d"))


def lines_height(rows: list[Row], column: str, least: int = 60) -> int:
    """The height of a plot with a line per value of `column`, in pixels."""
    return max(least, 26 * len({row[column] for row in rows}))


def result_bars(rows: list[Row], x: alt.X, y: alt.Y, *tooltip: alt.Tooltip) -> dict[str, Any]:
    """One stacked bar per line of `y`: what came of looking again (`result`)."""
    import altair as alt

    line = str(y.shorthand).removesuffix(":N")
    drawn = (
        rows_chart()
        .mark_bar(cornerRadius=1, cursor="pointer" if line == "category" else "default")
        .encode(
            x=x,
            y=y,
            color=category_colour(rows, "result", RESULT_COLOURS),
            order=alt.Order("place:Q"),
            tooltip=list(tooltip),
        )
    )
    return specification(drawn, lines_height(rows, line), rows=in_order(rows, "result", RESULT_COLOURS))


def share_bars(rows: list[Row], line: str, title: str, *tooltip: alt.Tooltip) -> dict[str, Any]:
    """One full bar per value of `line`, in the order of `line_rank`, its parts the shares of its values.

    A part says which value it is where there is room; its shade is the value's rank, not its meaning.
    """
    import altair as alt

    base = rows_chart().encode(
        x=alt.X(
            "from_ratio:Q",
            title="share",
            axis=alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1], grid=False),
            scale=alt.Scale(domain=[0, 1]),
        ),
        x2="until_ratio:Q",
        y=line_axis(line, title, "line_rank"),
        tooltip=list(tooltip),
    )
    shade = alt.Opacity(
        "value_rank:O",
        scale=alt.Scale(
            type="ordinal", domain=list(range(1, SHOWN_VALUES + 2)), range=[1, 0.55, 0.4, 0.3, 0.22, 0.16, 0.1]
        ),
        legend=None,
    )
    bars = base.mark_bar(color=MAIN_COLOUR, cursor="pointer", cornerRadius=2).encode(opacity=shade)
    words = (
        rows_chart()
        .transform_calculate(words=_FITTING, middle="(datum.from_ratio + datum.until_ratio) / 2")
        .transform_filter("datum.words !== ''")
        .mark_text(fontSize=11, cursor="pointer")
        .encode(
            x=alt.X("middle:Q", title="share"),
            y=line_axis(line, title, "line_rank"),
            text="words:N",
            tooltip=list(tooltip),
        )
    )
    first, others = words.transform_filter("datum.value_rank === 1"), words.transform_filter("datum.value_rank > 1")
    drawn = alt.layer(bars, first.encode(color=alt.value("#ffffff")), others)
    return specification(drawn, lines_height(rows, line), rows=rows)
