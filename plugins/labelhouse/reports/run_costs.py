"""Cost of training jobs over time."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_costs import JOBS, NOTHING
from labelhouse.reports.cost_encoding import INSTANCES, SHOWN_RUNS, cost_lines, newest_of


def of_jobs(column: str) -> str:
    """The newest training jobs of which `column` is known, with the family as their series. One SELECT."""
    return f"""
        with {JOBS.strip()},
        known as (
            select *, coalesce(training_started_at, created_at) as started_at
            from jobs
            where {column} is not null
        ),
        families as (
            select job_family, row_number() over (order by count(*) desc, job_family) as series_rank
            from known
            group by job_family
        ),
        newest as (
            select
                training_job_name as resource_name,
                training_job_name as name,
                coalesce(known.job_family, 'no model') as series,
                series_rank,
                started_at,
                {column},
                {INSTANCES} as instances,
                status,
                count(*) over () as run_count
            from known
            join families on known.job_family is not distinct from families.job_family
            order by started_at desc, training_job_name
            limit {SHOWN_RUNS}
        )
        select * from newest order by started_at, name
    """


def fields_of(*measured: Field) -> tuple[Field, ...]:
    """The columns of such a report."""
    return (
        Field("resource_name", "Training job", "resource"),
        Field("series", "Model", "family"),
        Field("started_at", "Started", "time"),
        *measured,
        Field("instances", "Instances"),
        Field("status", "Status"),
    )


REPORT = Report(
    name="run_costs",
    page="cost",
    order=60,
    title="Cost of trainings over time",
    question="Does a training cost more than it did? A line per model; a click shows that training only.",
    sql=of_jobs("cost_usd"),
    fields=fields_of(Field("cost_usd", "Cost", "usd")),
    draw=cost_lines,
    note=newest_of,
    empty=NOTHING,
)
