"""Answers per day and job."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.encoding import JOB_RANKS, OTHER_JOBS, SHOWN_JOBS, chart, job_colour, specification

#: A bar per day of more than a year is thinner than a pixel.
SHOWN_DAYS = 366
#: A bar per day of fewer days than this is a wall.
LEAST_DAYS = 14


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    end = rows[-1]["event_date"] + timedelta(days=1)
    first = min(rows[0]["event_date"], end - timedelta(days=LEAST_DAYS))
    # dates, not instants: read and shown as UTC, so that no reader's time zone moves them
    day = "utcyearmonthdate(event_date):T"
    return specification(
        chart(rows)
        .mark_bar(cornerRadius=1)
        .encode(
            x=alt.X(
                day,
                title="day",
                axis=alt.Axis(format="%d %b %Y", labelOverlap=True, grid=False),
                scale=alt.Scale(domain=[_utc(first), _utc(end)]),
            ),
            y=alt.Y("answer_count:Q", title="answers", axis=alt.Axis(tickMinStep=1, format=",d", tickCount=5)),
            color=job_colour(rows, legend_columns=4),
            order=alt.Order("job_rank:Q"),
            tooltip=[
                alt.Tooltip(day, title="day", format="%A, %d %B %Y"),
                alt.Tooltip("labeling_job_name:N", title="job"),
                alt.Tooltip("answer_count:Q", title="answers", format=",d"),
            ],
        ),
        height=260,
    )


def _utc(day: date) -> dict[str, int | bool]:
    return {"year": day.year, "month": day.month, "date": day.day, "utc": True}


def _cut_days(rows: list[Row]) -> str | None:
    if not rows or rows[0]["first_date"] > rows[-1]["event_date"] - timedelta(days=SHOWN_DAYS):
        return None
    return f"The last {SHOWN_DAYS} days; the first answer is of {rows[0]['first_date']}."


REPORT = Report(
    name="answers_per_day",
    page="workers",
    order=30,
    title="Answers per day",
    question="When was the work done?",
    is_wide=True,
    sql=f"""
        with answers as (
            select
                event_date,
                labeling_job_name,
                count(*) as answer_count,
                min(event_date) over () as first_date,
                max(event_date) over () as last_date
            from fct_worker_response
            where ($job is null or labeling_job_name = $job) and ($worker is null or worker_id = $worker)
            group by event_date, labeling_job_name
        ),
        {JOB_RANKS}
        select
            event_date,
            if($job is null and job_rank > {SHOWN_JOBS}, '{OTHER_JOBS}', labeling_job_name) as labeling_job_name,
            sum(answer_count)::bigint as answer_count,
            least(job_rank, {SHOWN_JOBS + 1}) as job_rank,
            first_date
        from answers
        join jobs using (labeling_job_name)
        where event_date > last_date - {SHOWN_DAYS}
        group by all
        order by event_date, job_rank
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("labeling_job_name", "Labelling job"),
        Field("answer_count", "Answers", "count"),
    ),
    draw=_draw,
    note=_cut_days,
)
