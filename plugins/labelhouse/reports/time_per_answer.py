"""Active time per answer and worker, where it is captured."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.encoding import (
    JOB_COLOURS,
    SHOWN_WORKERS,
    chart,
    cut_workers,
    lines_height,
    specification,
    worker_axis,
    worker_tooltip,
)

_COLOUR = JOB_COLOURS[2]


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    title = "active seconds per answer"
    base = chart(rows).encode(
        y=worker_axis("median_rank"),
        tooltip=worker_tooltip(
            alt.Tooltip("median_seconds:Q", title="median, seconds", format=",.1f"),
            alt.Tooltip("quartile_low_seconds:Q", title="a quarter is below", format=",.1f"),
            alt.Tooltip("quartile_high_seconds:Q", title="a quarter is above", format=",.1f"),
            alt.Tooltip("timed_answer_count:Q", title="answers with a time", format=",d"),
        ),
    )
    middle = base.mark_rule(strokeWidth=5, opacity=0.45, color=_COLOUR, cursor="pointer").encode(
        x=alt.X("quartile_low_seconds:Q", title=title, axis=alt.Axis(tickCount=10), scale=alt.Scale(zero=True)),
        x2="quartile_high_seconds:Q",
    )
    median = base.mark_point(size=60, filled=True, opacity=1, color=_COLOUR, cursor="pointer").encode(
        x=alt.X("median_seconds:Q", title=title)
    )
    return specification(alt.layer(middle, median), lines_height(rows))


REPORT = Report(
    name="time_per_answer",
    page="workers",
    order=40,
    title="Active time per answer",
    question="How long does an answer take? The point is the median, the bar the middle half of the answers.",
    is_wide=True,
    sql=f"""
        with timed as (
            select
                worker_id,
                median(time_spent_seconds)::double as median_seconds,
                quantile_cont(time_spent_seconds, 0.25)::double as quartile_low_seconds,
                quantile_cont(time_spent_seconds, 0.75)::double as quartile_high_seconds,
                count(*) as timed_answer_count
            from fct_worker_response
            where
                time_spent_seconds is not null
                and ($job is null or labeling_job_name = $job)
                and ($worker is null or worker_id = $worker)
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
