"""Submitted tasks per hour of the week."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import TASKS
from labelhouse.reports.encoding import MAIN_COLOUR, rows_chart, specification

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EVERY_THIRD = "datum.value % 3 ? '' : format(datum.value, '02')"


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    # every hour has its place, and those without a task stay empty
    return specification(
        rows_chart()
        .mark_rect(color=MAIN_COLOUR, cornerRadius=2)
        .encode(
            x=alt.X(
                "hour:O",
                title="hour of the day (UTC)",
                scale=alt.Scale(domain=list(range(24)), paddingInner=0.08),
                axis=alt.Axis(
                    labelAngle=0,
                    labelExpr=_EVERY_THIRD,
                    ticks=False,
                    domain=False,
                ),
            ),
            y=alt.Y(
                "weekday:O",
                title="day of the week",
                scale=alt.Scale(domain=list(WEEKDAYS), paddingInner=0.12),
                axis=alt.Axis(ticks=False, domain=False),
            ),
            opacity=alt.Opacity(
                "mean_task_count:Q",
                scale=alt.Scale(domainMin=0, range=[0.08, 1]),
                legend=None,
            ),
            tooltip=[
                alt.Tooltip("weekday:N", title="day"),
                alt.Tooltip("hours:N", title="hour (UTC)"),
                alt.Tooltip("mean_task_count:Q", title="tasks in such an hour", format=",.1f"),
                alt.Tooltip("task_count:Q", title="tasks in all", format=",d"),
                alt.Tooltip("worker_count:Q", title="workers", format=",d"),
            ],
        ),
        height=7 * 28,
        rows=rows,
    )


def _busiest(rows: list[Row]) -> str | None:
    if not rows:
        return None
    most = max(rows, key=lambda row: row["mean_task_count"])
    mean, hours, weekday = most["mean_task_count"], most["hours"], most["weekday"]
    return f"The busiest hour, {weekday} {hours} UTC, has {mean:,.1f} tasks on average."


REPORT = Report(
    name="tasks_per_hour",
    page="workers",
    order=22,
    title="Throughput per hour",
    question="In which hours of the week are tasks submitted, and how many in such an hour?",
    # the days between the first and the last task are counted without looking at them: a task of a wrong year may
    # lie centuries away. Monday is day 1.
    sql=f"""
        with {TASKS.strip()},
        submitted as (
            select worker_id, coalesce(ended_at, event_at) at time zone 'UTC' as utc_at
            from tasks
            where is_submitted
        ),
        span as (
            select min(utc_at::date) as first_date, max(utc_at::date) as last_date from submitted
        ),
        hours as (
            select
                isodow(utc_at) as weekday_number,
                hour(utc_at) as hour,
                count(*) as task_count,
                count(distinct worker_id) as worker_count
            from submitted
            where utc_at is not null
            group by all
        )
        select
            list_extract({list(WEEKDAYS)}, weekday_number) as weekday,
            hour,
            format('{{:02d}}:00–{{:02d}}:00', hour, hour + 1) as hours,
            task_count / (
                1 + (datediff('day', first_date, last_date) - (weekday_number - isodow(first_date) + 7) % 7) // 7
            ) as mean_task_count,
            task_count,
            worker_count
        from hours, span
        order by weekday_number, hour
    """,
    fields=(
        Field("weekday", "Day"),
        Field("hours", "Hour (UTC)"),
        Field("mean_task_count", "Tasks in such an hour", "number"),
        Field("task_count", "Tasks in all", "count"),
        Field("worker_count", "Workers", "count"),
    ),
    draw=_draw,
    note=_busiest,
    empty="No task was submitted in this selection.",
)
