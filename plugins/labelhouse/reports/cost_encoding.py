"""How the charts of Cost look, and those of Training that show time and money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelhouse.reports import Row
from labelhouse.reports.durations import unit_for, with_durations
from labelhouse.reports.encoding import JOB_COLOURS
from labelhouse.reports.time_encoding import ranked_colour, time_lines, utc_axis, utc_tooltip

if TYPE_CHECKING:
    import altair as alt

#: In the order of legends and stacks.
KIND_COLOURS = {
    "training": JOB_COLOURS[0],
    "warm_pool": JOB_COLOURS[5],
    "endpoint": JOB_COLOURS[6],
    "labeling_task": JOB_COLOURS[2],
    "labeling_time": JOB_COLOURS[4],
}
#: More points than fit beside each other.
SHOWN_RUNS = 500


def usd_axis(field: str, title: str) -> alt.Y:
    """Dollars from 0."""
    import altair as alt

    return alt.Y(f"{field}:Q", title=title, axis=alt.Axis(format="$,~f", tickCount=5))


def cost_lines(rows: list[Row]) -> dict[str, Any]:
    """The cost of each run over its start: a line per family (`series`, by `series_rank`)."""
    import altair as alt

    return time_lines(
        rows,
        utc_axis("started_at", "start (UTC)"),
        usd_axis("cost_usd", "cost of a run"),
        ranked_colour(rows, "series"),
        *_run_tooltips(),
        alt.Tooltip("cost_usd:Q", title="cost", format="$,.2f"),
        detail="series",
    )


def duration_lines(rows: list[Row], column: str, title: str) -> dict[str, Any]:
    """Seconds of each run (`column`) over its start, in a unit that leaves small numbers: a line per family."""
    import altair as alt

    unit = unit_for(max(float(row[column]) for row in rows))
    return time_lines(
        with_durations(rows, unit, column),
        utc_axis("started_at", "start (UTC)"),
        alt.Y(f"{column}_in_unit:Q", title=f"{title} ({unit.name})", axis=alt.Axis(tickCount=5, format=",~f")),
        ranked_colour(rows, "series"),
        *_run_tooltips(),
        alt.Tooltip(f"{column}_in_words:N", title=title),
        detail="series",
    )


def newest_of(rows: list[Row]) -> str | None:
    """Says so when a chart shows fewer runs than there are (`run_count` of its rows)."""
    if not rows or rows[0]["run_count"] <= SHOWN_RUNS:
        return None
    return f"The newest {SHOWN_RUNS:,} of {rows[0]['run_count']:,} runs."


def _run_tooltips() -> list[alt.Tooltip]:
    import altair as alt

    return [
        alt.Tooltip("name:N", title="run"),
        alt.Tooltip("instances:N", title="instances"),
        utc_tooltip("started_at", "started"),
    ]


#: The instances of a run in words.
INSTANCES = "coalesce(instance_count || ' × ', '') || coalesce(instance_type, 'not captured')"
