"""Answers per day and job."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import ANSWERS
from labelhouse.reports.encoding import (
    JOB_RANKS,
    OTHER_JOBS,
    SHOWN_DAYS,
    SHOWN_JOBS,
    cut_days,
    day_axis,
    day_tooltip,
    job_colour,
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
            y=alt.Y("answer_count:Q", title="answers", axis=alt.Axis(tickMinStep=1, format=",d", tickCount=5)),
            color=job_colour(rows),
            order=alt.Order("job_rank:Q"),
            tooltip=[
                day_tooltip(),
                alt.Tooltip("labeling_job_name:N", title="job"),
                alt.Tooltip("answer_count:Q", title="answers", format=",d"),
            ],
        ),
        height=260,
        rows=rows,
    )


REPORT = Report(
    name="answers_per_day",
    page="workers",
    order=60,
    title="Answers per day",
    question="On which days was how much answered, and in which labelling job?",
    is_wide=True,
    sql=f"""
        with {ANSWERS.strip()},
        answers_of_days as (
            select
                event_date,
                labeling_job_name,
                count(*) as answer_count,
                min(event_date) over () as first_date,
                max(event_date) over () as last_date
            from answers
            group by event_date, labeling_job_name
        ),
        {JOB_RANKS}
        select
            event_date,
            if($job is null and job_rank > {SHOWN_JOBS}, '{OTHER_JOBS}', labeling_job_name) as labeling_job_name,
            sum(answer_count)::bigint as answer_count,
            least(job_rank, {SHOWN_JOBS + 1}) as job_rank,
            first_date
        from answers_of_days
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
    note=lambda rows: cut_days(rows, "answer"),
)
