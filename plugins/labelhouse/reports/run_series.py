"""Charts that readers build themselves: a statistic of a metric per run, run after run.

What a run can be filtered and grouped by, its *fields*, are what its marts know of it and its hyper-parameters.
"""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Row
from labelhouse.reports.time_encoding import ranked_colour, time_lines, utc_axis, utc_tooltip

#: What can be drawn of a metric of a run, as people read it → as SQL on `fct_run_metric` and its points.
STATISTICS = {
    "final": "metrics.final_value",
    "best": "metrics.best_value",
    "min": "points.min_value",
    "max": "points.max_value",
    "mean": "points.mean_value",
    "start": "metrics.first_value",
}
#: More points than a browser draws at once.
SHOWN_POINTS = 2000
#: Values of a field that are listed: one with more is a name, or a number.
SHOWN_VALUES = 40
#: Stands for a field that a run does not have.
UNKNOWN = "(not captured)"

_COLUMNS = (
    *("experiment_name", "run_group", "account_id", "aws_region", "resource_type", "status", "instance_type"),
    *("instance_count", "labeling_job_name", "created_by", "training_job_name", "run_name"),
)
_PARAMETER = "parameter "

_FIELDS = f"""
        run_fields as (
            select run_id, field, value, field || ': ' || value as filter
            from (
                select
                    run_id,
                    unnest({list(_COLUMNS)}) as field,
                    unnest([{", ".join(f"cast({column} as varchar)" for column in _COLUMNS)}]) as value
                from dim_run
                union all
                select run_id, '{_PARAMETER}' || entry.key as field, entry.value as value
                from (select run_id, unnest(map_entries(hyper_parameters)) as entry from dim_run)
            )
            where value is not null
        ),
        filtered as (
            select run_id
            from run_fields
            where list_contains($fields, filter)
            group by run_id
            -- one of the values of a field, but all of the fields
            having count(distinct field) = (
                select count(distinct field) from run_fields where list_contains($fields, filter)
            )
        ),
        chosen_runs as (
            select run_id, run_name, coalesce(first_point_at, started_at) as run_started_at
            from dim_run
            where
                ($from_date is null or cast(run_started_at as date) >= $from_date)
                and ($until_date is null or cast(run_started_at as date) <= $until_date)
                and ($fields is null or run_id in (select run_id from filtered))
                and ($run is null or list_contains($run, run_id))
        )
"""

#: The points of the chart. Parameters: those of the filters, `$by` (a field or NULL) and, of the same length,
#: `$metrics`, `$statistics` and `$labels`.
POINTS = f"""
    with {_FIELDS.strip()},
    wanted as (
        select
            unnest(range(1, len($metrics) + 1)) as number,
            unnest($metrics) as metric_name,
            unnest($statistics) as statistic,
            unnest($labels) as label
    ),
    points as (
        select run_id, metric_name, min(metric_value) as min_value, max(metric_value) as max_value,
            avg(metric_value) as mean_value
        from (
            -- a point that was delivered twice is one
            select distinct run_id, metric_name, step, metric_at, metric_value
            from fct_metric_point
            where metric_name in (select metric_name from wanted where statistic in ('min', 'max', 'mean'))
        )
        group by run_id, metric_name
    ),
    groups as (
        select run_id, min(value) as group_value from run_fields where field = $by group by run_id
    ),
    drawn as (
        select
            wanted.number,
            wanted.label,
            wanted.metric_name,
            wanted.statistic,
            chosen_runs.run_id,
            chosen_runs.run_name,
            chosen_runs.run_started_at as started_at,
            if($by is null, null, coalesce(groups.group_value, '{UNKNOWN}')) as group_value,
            case wanted.statistic
                {" ".join(f"when '{name}' then {column}" for name, column in STATISTICS.items())}
            end as value
        from wanted
        join fct_run_metric as metrics using (metric_name)
        join chosen_runs using (run_id)
        left join points on metrics.run_id = points.run_id and metrics.metric_name = points.metric_name
        left join groups on metrics.run_id = groups.run_id
    ),
    ranked as (
        select
            *,
            label || coalesce(' · ' || group_value, '') as series,
            dense_rank() over (order by number, group_value) as series_rank,
            count(*) over () as point_count,
            row_number() over (order by started_at desc, run_id, number) as age_rank
        from drawn
        where value is not null and started_at is not null
    )
    select * exclude (age_rank) from ranked where age_rank <= {SHOWN_POINTS} order by started_at, run_id, number
"""

#: The metrics that the chosen runs have.
METRICS = f"""
    with {_FIELDS.strip()}
    select
        metric_name,
        any_value(metric_base_name) as metric_base_name,
        count(distinct run_id) as run_count,
        sum(point_count)::bigint as point_count,
        min(final_value) as lowest_value,
        max(final_value) as highest_value,
        max(started_at) as last_started_at
    from fct_run_metric
    join chosen_runs using (run_id)
    group by metric_name
    order by min(metric_base_name), metric_name
"""

#: The fields of the chosen runs and their values.
FIELDS = f"""
    with {_FIELDS.strip()}
    select
        field,
        value,
        filter,
        count(distinct run_id) as run_count,
        count(*) over (partition by field) as value_count
    from run_fields
    join chosen_runs using (run_id)
    group by field, value, filter
    qualify row_number() over (partition by field order by count(distinct run_id) desc, value) <= {SHOWN_VALUES}
    order by field, run_count desc, value
"""

POINT_FIELDS = (
    Field("series", "Series"),
    Field("run_id", "Run", "run"),
    Field("started_at", "Started", "time"),
    Field("value", "Value", "number"),
    Field("metric_name", "Metric"),
    Field("statistic", "Statistic"),
    Field("group_value", "Group"),
)
METRIC_FIELDS = (
    Field("metric_name", "Metric", "metric"),
    Field("run_count", "Runs", "count"),
    Field("point_count", "Points", "count"),
    Field("lowest_value", "Lowest final", "number"),
    Field("highest_value", "Highest final", "number"),
    Field("last_started_at", "Newest run", "time"),
)
VALUE_FIELDS = (
    Field("field", "Field", "parameter"),
    Field("value", "Value"),
    Field("run_count", "Runs", "count"),
    Field("value_count", "Values of the field", "count"),
)


def draw(rows: list[Row]) -> dict[str, Any]:
    """The chart of `POINTS`: a line per series, or per series and group."""
    import altair as alt

    statistics = {row["statistic"] for row in rows}
    metrics = {row["metric_name"] for row in rows}
    what = f"{next(iter(metrics))}, " if len(metrics) == 1 else ""
    return time_lines(
        rows,
        utc_axis("started_at", "start of the run (UTC)"),
        alt.Y(
            "value:Q",
            title=what + (f"{next(iter(statistics))} of a run" if len(statistics) == 1 else "value of a run"),
            scale=alt.Scale(zero=False, padding=12),
            axis=alt.Axis(tickCount=6, format=",~f"),
        ),
        ranked_colour(rows, "series"),
        alt.Tooltip("run_name:N", title="run"),
        alt.Tooltip("series:N", title="series"),
        alt.Tooltip("value:Q", title="value", format=",.5~g"),
        utc_tooltip("started_at", "started"),
        detail="series",
        height=340,
    )


def note(rows: list[Row]) -> str | None:
    """Says so where points are left out."""
    if not rows or rows[0]["point_count"] <= len(rows):
        return None
    return f"The newest {len(rows):,} of {rows[0]['point_count']:,} points."
