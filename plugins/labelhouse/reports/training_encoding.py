"""How the charts of Training look: the same series, criteria and scales in each of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from labelhouse.reports import Row
from labelhouse.reports.encoding import BAD_COLOUR, JOB_COLOURS, OTHER_COLOUR, chart
from labelhouse.reports.time_encoding import line_legend

if TYPE_CHECKING:
    import altair as alt

#: A split keeps its colour on every chart; a metric without one takes the first that is left.
SPLITS = ("train", "validation", "test")
#: Runs that colours tell apart where several are compared; the others share grey.
COLOURED_RUNS = len(JOB_COLOURS)
#: What is the same along a line.
_OF_A_LINE = ("run_id", "run_name", "metric_name", "series")
#: Values that differ by more than this are drawn on a logarithmic scale.
WIDE_RANGE = 20


def points_and_lines(rows: list[Row], **line_columns: str) -> dict[str, list[Row]]:
    """The datasets of a chart of points: what is the same along a line (a metric of a run) is sent once.

    Args:
        rows: with run_id, run_name, metric_name, series, metric_at, step, metric_value.
        line_columns: further columns of a line, by the name that the chart gives them.
    """
    numbers: dict[tuple[str, str], int] = {}
    lines: list[Row] = []
    points: list[Row] = []
    columns = {name: name for name in _OF_A_LINE} | line_columns
    for row in rows:
        key = row["run_id"], row["metric_name"]
        if key not in numbers:
            numbers[key] = len(lines)
            lines.append({"line": numbers[key]} | {name: row[column] for name, column in columns.items()})
        # whole milliseconds are shorter than text, and what CloudTrail knows
        at = round(row["metric_at"].timestamp() * 1000)
        points.append({"line": numbers[key], "metric_at": at, "step": row["step"], "metric_value": row["metric_value"]})
    return {"points": points, "lines": lines}


def points_chart(*line_columns: str) -> alt.Chart:
    """A chart on the datasets of `points_and_lines`, to be encoded."""
    import altair as alt

    lines = alt.LookupData(data=alt.NamedData("lines"), key="line", fields=[*_OF_A_LINE, *line_columns])
    return alt.Chart(alt.NamedData("points")).transform_lookup("line", from_=lines)


def series_names(rows: list[Row]) -> list[str]:
    """The series of `rows`: the splits in their order, then the others by name."""
    names = {row["series"] for row in rows}
    return [split for split in SPLITS if split in names] + sorted(names - set(SPLITS))


def series_colours(rows: list[Row]) -> dict[str, str]:
    """The colour of every series of `rows`."""
    colours = dict(zip(SPLITS, JOB_COLOURS, strict=False))
    left = [colour for colour in JOB_COLOURS if colour not in colours.values()]
    others = [name for name in series_names(rows) if name not in SPLITS]
    if len(others) == len(series_names(rows)):
        left = list(JOB_COLOURS)
    colours |= {name: left[place] if place < len(left) else OTHER_COLOUR for place, name in enumerate(others)}
    return colours


def series_colour(rows: list[Row]) -> alt.Color:
    """A colour per series."""
    import altair as alt

    names, colours = series_names(rows), series_colours(rows)
    scale = alt.Scale(domain=names, range=[colours[name] for name in names])
    return alt.Color("series:N", scale=scale, legend=line_legend())


def value_axis(rows: list[Row], column: str = "metric_value", room: int = 8) -> alt.Y:
    """The values of a metric, in its own unit; logarithmic where they are positive and far apart.

    `room` is kept free above and below, in pixels.
    """
    import altair as alt

    values = [row[column] for row in rows if row[column] is not None]
    values += [bound for row in rows for bound in (row["minimum_value"], row["maximum_value"]) if bound is not None]
    # what stays within 0 and 1 is a share (accuracy, precision): 0.01 is not far from 0.9
    is_wide = bool(values) and min(values) > 0 and max(values) > 1 and max(values) / min(values) > WIDE_RANGE
    if is_wide:
        title, scale = f"{rows[0]['shown_metric']}, logarithmic", alt.Scale(type="log", padding=room)
        axis = alt.Axis(values=_log_ticks(min(values), max(values)), format=",~g")
    else:
        title, scale = rows[0]["shown_metric"], alt.Scale(zero=False, padding=room)
        axis = alt.Axis(tickCount=6, format=",~g")
    return alt.Y(f"{column}:Q", title=title, scale=scale, axis=axis)


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten around the values, as many as there is room for; 2 and 5 of each where that leaves few."""
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1, 2, 5) if len(exponents) <= 4 else (1,)
    return [factor * 10.0**exponent for exponent in exponents[:: 1 + len(exponents) // 12] for factor in factors]


def criterion_layers(
    rows: list[Row], y: alt.Y, column: str = "metric_value", colour: str | None = None
) -> list[alt.Chart]:
    """A dashed line, labelled, where the final values of a series must end up; in its colour unless one is given."""
    import altair as alt

    colours, layers = series_colours(rows), list[alt.Chart]()
    for series, low, high in sorted(
        {(row["series"], row["minimum_value"], row["maximum_value"]) for row in rows}, key=str
    ):
        if low is None and high is None:
            continue
        is_low, bound = low is not None, low if low is not None else high
        words = f"{series}: {'at least' if is_low else 'at most'} {bound:g}"
        base = chart([{column: bound, "label": words, "tooltip": words}]).encode(y=y, tooltip="tooltip:N")
        layers.append(base.mark_rule(strokeDash=[6, 4], strokeWidth=1.5, color=colour or colours[series]))
        # on the side where no run should end
        side: dict[str, Any] = {"baseline": "top", "dy": 4} if is_low else {"baseline": "bottom", "dy": -4}
        labelled = base.encode(x=alt.value(6), text="label:N")
        layers += legible_text(labelled, colour or colours[series], align="left", **side)
    return layers


def legible_text(base: alt.Chart, colour: str, **mark: Any) -> list[alt.Chart]:
    """Text that stays legible on lines: with a halo in the colour of the page, which its script knows."""
    return [base.mark_text(fontSize=11, style="halo", **mark), base.mark_text(fontSize=11, color=colour, **mark)]


def not_a_number(base: alt.Chart) -> alt.Chart:
    """A red cross, for what has no place on the axis."""
    crosses: alt.Chart = base.mark_point(
        shape="cross", angle=45, size=70, filled=True, color=BAD_COLOUR, opacity=1, cursor="pointer"
    )
    return crosses
