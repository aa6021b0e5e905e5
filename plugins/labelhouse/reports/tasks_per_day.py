"""Tasks per day, and what became of them."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import TASKS
from labelhouse.reports.encoding import (
    OUTCOME_COLOURS,
    SHOWN_DAYS,
    category_colour,
    cut_days,
    day_axis,
    day_tooltip,
    in_order,
    rows_chart,
    specification,
)


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    return specification(
        rows_chart()
        .mark_bar(cornerRadius=1)
        .encode(
            x=day_axis(rows),
            y=alt.Y("task_count:Q", title="tasks", axis=alt.Axis(tickMinStep=1, format=",d", tickCount=5)),
            color=category_colour(rows, "outcome", OUTCOME_COLOURS),
            order=alt.Order("place:Q"),
            tooltip=[
                day_tooltip(),
                alt.Tooltip("outcome:N", title="outcome"),
                alt.Tooltip("task_count:Q", title="tasks", format=",d"),
                alt.Tooltip("worker_count:Q", title="workers", format=",d"),
                alt.Tooltip("tasks_per_hour:Q", title="tasks per hour of work", format=",.1f"),
            ],
        ),
        height=240,
        rows=in_order(rows, "outcome", OUTCOME_COLOURS),
    )


REPORT = Report(
    name="tasks_per_day",
    page="workers",
    order=30,
    title="Throughput per day",
    question="How many tasks were taken each day, and what became of them?",
    is_wide=True,
    sql=f"""
        with {TASKS.strip()},
        days as (
            select
                event_date,
                outcome,
                count(*) as task_count,
                count(distinct worker_id) as worker_count,
                count(task_seconds) / nullif(sum(task_seconds) / 3600, 0) as tasks_per_hour,
                sum(task_seconds) as total_seconds,
                min(event_date) over () as first_date,
                max(event_date) over () as last_date
            from tasks
            where event_date is not null
            group by event_date, outcome
        )
        select event_date, outcome, task_count, worker_count, total_seconds, tasks_per_hour, first_date
        from days
        where event_date > last_date - {SHOWN_DAYS}
        order by event_date, outcome
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("outcome", "Outcome"),
        Field("task_count", "Tasks", "count"),
        Field("worker_count", "Workers", "count"),
        Field("total_seconds", "Time", "seconds"),
        Field("tasks_per_hour", "Tasks per hour of work", "number"),
    ),
    draw=_draw,
    note=lambda rows: cut_days(rows, "task"),
    empty="No tasks in this selection.",
)
