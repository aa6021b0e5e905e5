"""Answers per worker and job, as a stacked bar."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import ANSWERS
from labelhouse.reports.encoding import (
    JOB_RANKS,
    OTHER_JOBS,
    SHOWN_JOBS,
    SHOWN_WORKERS,
    cut_workers,
    job_colour,
    worker_bars,
)


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    return worker_bars(
        rows,
        alt.X("answer_count:Q", title="answers", axis=alt.Axis(tickMinStep=1, format=",d")),
        job_colour(rows),
        alt.Tooltip("labeling_job_name:N", title="job"),
        alt.Tooltip("answer_count:Q", title="answers", format=",d"),
        order="job_rank",
    )


REPORT = Report(
    name="answers_per_worker",
    page="workers",
    order=40,
    title="Answers per worker and job",
    question="Who answered how much, and in which labelling job?",
    sql=f"""
        with {ANSWERS.strip()},
        answers_of_jobs as (
            select labeling_job_name, worker_id, count(*) as answer_count
            from answers
            group by labeling_job_name, worker_id
        ),
        workers as (
            select
                worker_id,
                row_number() over (order by sum(answer_count) desc, worker_id) as worker_rank,
                count(*) over () as worker_count
            from answers_of_jobs
            group by worker_id
        ),
        {JOB_RANKS}
        select
            worker_id,
            if($job is null and job_rank > {SHOWN_JOBS}, '{OTHER_JOBS}', labeling_job_name) as labeling_job_name,
            sum(answer_count)::bigint as answer_count,
            worker_rank,
            least(job_rank, {SHOWN_JOBS + 1}) as job_rank,
            worker_count
        from answers_of_jobs
        join workers using (worker_id)
        join jobs using (labeling_job_name)
        where worker_rank <= {SHOWN_WORKERS}
        group by all
        order by worker_rank, job_rank
    """,
    fields=(
        Field("worker_id", "Worker", "worker"),
        Field("labeling_job_name", "Labelling job"),
        Field("answer_count", "Answers", "count"),
    ),
    draw=_draw,
    note=cut_workers,
)
