"""The larger charts of Data quality: validations over builds, the course of one check, the datapoints of one alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelhouse.reports import Row
from labelhouse.reports.encoding import (
    BAD_COLOUR,
    JOB_COLOURS,
    MAIN_COLOUR,
    OTHER_COLOUR,
    category_colour,
    chart,
    in_order,
    rows_chart,
    specification,
)
from labelhouse.reports.time_encoding import utc_axis, utc_tooltip
from labelhouse.reports.training_encoding import legible_text
from labelhouse.web.quality_checks import OUTCOMES

if TYPE_CHECKING:
    import altair as alt

#: The bars of fewer builds would be walls.
_FEW_BUILDS = 12
_WAIVED_COLOUR = JOB_COLOURS[6]
#: As people call them, worst first.
_COLOURS = {
    OUTCOMES["error"]: "#8c2f39",
    OUTCOMES["failed"]: BAD_COLOUR,
    OUTCOMES["warning"]: JOB_COLOURS[4],
    OUTCOMES["not_enough_data"]: OTHER_COLOUR,
    OUTCOMES["waived"]: _WAIVED_COLOUR,
    OUTCOMES["passed"]: JOB_COLOURS[2],
}


def builds_chart(rows: list[Row]) -> dict[str, Any]:
    """What was not passed in each build, stacked. `rows`: checked_at, build_id, outcome (in words) and count."""
    import altair as alt

    width: dict[str, Any] = {"size": 24} if len({row["build"] for row in rows}) < _FEW_BUILDS else {}
    drawn = (
        rows_chart()
        .mark_bar(cornerRadius=1, **width)
        .encode(
            x=alt.X(
                "build:O",
                title="build (UTC)",
                sort=None,
                axis=alt.Axis(labelOverlap="greedy", labelAngle=0, grid=False, ticks=False),
                scale=alt.Scale(paddingInner=0.25),
            ),
            y=alt.Y("count:Q", title="checks that were not passed", axis=alt.Axis(tickMinStep=1, tickCount=5)),
            color=category_colour([row for row in rows if row["count"]], "outcome", _COLOURS),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("build_id:N", title="build"),
                utc_tooltip("checked_at", "checked"),
                alt.Tooltip("outcome:N", title="outcome"),
                alt.Tooltip("count:Q", title="checks"),
                alt.Tooltip("check_count:Q", title="of"),
            ],
        )
    )
    return specification(drawn, 150, rows=in_order(rows, "outcome", _COLOURS))


def course_chart(points: list[Row], title: str, threshold: float | None) -> dict[str, Any]:
    """The value of one check in each build beside its threshold. `points`: checked_at, outcome (in words), value."""
    import altair as alt

    known = [point for point in points if point["value"] is not None]
    base = rows_chart().encode(
        x=utc_axis("checked_at", "build (UTC)"),
        y=_values(title),
        tooltip=[
            utc_tooltip("checked_at", "checked"),
            alt.Tooltip("value:Q", title=title, format=".5~g"),
            alt.Tooltip("outcome:N", title="outcome"),
        ],
    )
    line = base.mark_line(strokeWidth=1.5, color=MAIN_COLOUR)
    marks = base.mark_point(size=40, filled=True, opacity=1).encode(color=category_colour(known, "outcome", _COLOURS))
    return specification(alt.layer(*_threshold(threshold, title), line, marks), 220, rows=known)


def datapoints_chart(rows: list[Row], title: str, threshold: float | None) -> dict[str, Any]:
    """The datapoints of one alarm beside its threshold or within its band. `rows`: at, value, low, high."""
    import altair as alt

    base = rows_chart().encode(x=utc_axis("at", "start of the period (UTC)"))
    value = base.encode(
        y=_values(title),
        tooltip=[utc_tooltip("at", "period"), alt.Tooltip("value:Q", title=title, format=".5~g")],
    )
    layers = [value.mark_line(strokeWidth=1.5, color=MAIN_COLOUR), value.mark_point(size=36, filled=True, opacity=1)]
    if any(row["low"] is not None and row["high"] is not None for row in rows):
        band = base.transform_filter("datum.low !== null && datum.high !== null")
        layers.insert(0, band.mark_area(opacity=0.18, color=OTHER_COLOUR).encode(y=_values(title, "low"), y2="high:Q"))
    return specification(alt.layer(*_threshold(threshold, title), *layers), 220, rows=rows)


def _values(title: str, column: str = "value") -> alt.Y:
    import altair as alt

    scale = alt.Scale(zero=False, padding=10)
    return alt.Y(f"{column}:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6, format=",~g"))


def _threshold(threshold: float | None, title: str) -> list[alt.Chart]:
    import altair as alt

    if threshold is None:
        return []
    words = f"threshold {threshold:g}"
    base = chart([{"value": threshold, "label": words}]).encode(y=_values(title), tooltip="label:N")
    labelled = base.encode(x=alt.value(6), text="label:N")
    return [
        base.mark_rule(strokeDash=[6, 4], strokeWidth=1.5, color=BAD_COLOUR),
        *legible_text(labelled, BAD_COLOUR, align="left", baseline="bottom", dy=-4),
    ]
