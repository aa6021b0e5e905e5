"""Run time and cost of each chosen run."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_runs import RUNS
from labelhouse.reports.cost_encoding import INSTANCES, SHOWN_RUNS, cost_lines, newest_of


def of_runs(column: str) -> str:
    """The newest chosen runs of which `column` (of `dim_run`, or `gap_seconds`) is known, by experiment. One SELECT."""
    return f"""
        with {RUNS.strip()},
        gaps as (
            select run_id, min(gap_seconds) as gap_seconds from fct_run_metric group by run_id
        ),
        known as (
            select
                run_id,
                run_name as name,
                coalesce(experiment_name, 'no experiment') as series,
                coalesce(first_point_at, started_at) as run_started_at,
                {column},
                {INSTANCES} as instances,
                status
            from dim_run
            join runs using (run_id)
            left join gaps using (run_id)
            where {column} is not null and run_started_at is not null
        ),
        experiments as (
            select series, row_number() over (order by count(*) desc, series) as series_rank
            from known
            group by series
        ),
        newest as (
            select known.* rename (run_started_at as started_at), series_rank, count(*) over () as run_count
            from known
            join experiments using (series)
            order by run_started_at desc, run_id
            limit {SHOWN_RUNS}
        )
        select * from newest order by started_at, run_id
    """


def fields_of(*measured: Field) -> tuple[Field, ...]:
    """The columns of such a report."""
    return (
        Field("run_id", "Run", "run"),
        Field("series", "Experiment"),
        Field("started_at", "Started", "time"),
        *measured,
        Field("instances", "Instances"),
        Field("status", "Status"),
    )


#: What stands where no training job is known.
NOT_LOADED = (
    "What these runs cost is not known: name the source training_jobs in the setting LABELHOUSE_SOURCES, trigger the "
    "DAG extract_training_jobs, and name prices in LABELHOUSE_PRICES."
)

REPORT = Report(
    name="run_bills",
    page="training",
    order=34,
    title="Cost of each run",
    question="What did each run cost? Billed seconds × instances × their price.",
    sql=of_runs("cost_usd"),
    fields=fields_of(Field("cost_usd", "Cost", "usd")),
    draw=cost_lines,
    note=newest_of,
    empty=NOT_LOADED,
)
