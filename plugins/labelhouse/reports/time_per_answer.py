"""Active time per answer and worker, where it is captured."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import ANSWERS
from labelhouse.reports.durations import unit_for, with_durations
from labelhouse.reports.encoding import (
    JOB_COLOURS,
    SHOWN_WORKERS,
    cut_workers,
    lines_height,
    rows_chart,
    specification,
    worker_axis,
    worker_tooltip,
)

_COLOUR = JOB_COLOURS[2]


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    unit = unit_for(max(row["quartile_high_seconds"] for row in rows))
    drawn = with_durations(rows, unit, "median_seconds", "quartile_low_seconds", "quartile_high_seconds")
    title = f"active {unit.name} per answer"
    base = rows_chart().encode(
        y=worker_axis("median_rank"),
        tooltip=worker_tooltip(
            alt.Tooltip("median_seconds_in_words:N", title="median"),
            alt.Tooltip("quartile_low_seconds_in_words:N", title="a quarter is below"),
            alt.Tooltip("quartile_high_seconds_in_words:N", title="a quarter is above"),
            alt.Tooltip("timed_answer_count:Q", title="answers with a time", format=",d"),
        ),
    )
    low = alt.X("quartile_low_seconds_in_unit:Q", title=title, axis=alt.Axis(tickCount=8), scale=alt.Scale(zero=True))
    middle = base.mark_rule(strokeWidth=5, opacity=0.45, color=_COLOUR, cursor="pointer").encode(
        x=low, x2="quartile_high_seconds_in_unit:Q"
    )
    median = base.mark_point(size=60, filled=True, opacity=1, color=_COLOUR, cursor="pointer").encode(
        x=alt.X("median_seconds_in_unit:Q", title=title)
    )
    return specification(alt.layer(middle, median), lines_height(rows), rows=drawn)


REPORT = Report(
    name="time_per_answer",
    page="workers",
    order=52,
    title="Active time per answer",
    question="How long does an answer take? The point is the median, the bar the middle half of the answers.",
    sql=f"""
        with {ANSWERS.strip()},
        timed as (
            select
                worker_id,
                median(time_spent_seconds)::double as median_seconds,
                quantile_cont(time_spent_seconds, 0.25)::double as quartile_low_seconds,
                quantile_cont(time_spent_seconds, 0.75)::double as quartile_high_seconds,
                count(*) as timed_answer_count
            from answers
            where time_spent_seconds is not null
            group by worker_id
        ),
        shown as (
            select *, count(*) over () as worker_count
            from timed
            qualify row_number() over (order by timed_answer_count desc, worker_id) <= {SHOWN_WORKERS}
        )
        select *, row_number() over (order by median_seconds, worker_id) as median_rank
        from shown
        order by median_rank
    """,
    fields=(
        Field("worker_id", "Worker", "worker"),
        Field("median_seconds", "Median", "seconds"),
        Field("quartile_low_seconds", "A quarter is below", "seconds"),
        Field("quartile_high_seconds", "A quarter is above", "seconds"),
        Field("timed_answer_count", "Answers with a time", "count"),
    ),
    draw=_draw,
    note=cut_workers,
    empty="No active time is captured for this selection: public workers have none.",
)
