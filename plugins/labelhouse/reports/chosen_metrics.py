"""The SQL that the reports of Operations share: which periods of which marts the page's filters choose."""

from __future__ import annotations

#: More stretches of time than this a chart cannot show side by side.
SHOWN_STRETCHES = 180
#: The lengths that a stretch may have, in seconds: a minute to a quarter of a year.
_STRETCHES = (
    *(60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200),
    *(86_400, 172_800, 604_800, 1_209_600, 2_592_000, 7_776_000),
)


def _within_days(mart: str) -> str:
    return f"""
                ($from_date is null or {mart}.event_date >= $from_date)
                and ($until_date is null or {mart}.event_date <= $until_date)
    """.strip()


#: The periods of CloudWatch's metrics that the filters choose. A CTE, by column: what several parts of a query read is
#: kept, and the maps of dimensions are wide.
PERIODS = f"""
        periods as (
            select
                account_id, aws_region, namespace, metric_name, metric_group, resource_name, variant_name, host_name,
                series_key, statistic, period_seconds, period_at, event_date, metric_value, unit, is_catalogued
            from fct_metric_period
            where
                {_within_days("fct_metric_period")}
                and ($account is null or account_id = $account)
                and ($namespace is null or namespace = $namespace)
                and ($metric is null or metric_name = $metric)
                and ($statistic is null or statistic = $statistic)
                and ($resource is null or resource_name = $resource)
                and ($series is null or series_key = $series)
        )
"""


def of_resource(mart: str, resource: str) -> str:
    """Whether a row of `mart` is of the chosen days and of the chosen resource, in its column `resource`."""
    return f"""
                {_within_days(mart)}
                and ($resource is null or {mart}.{resource} = $resource)
    """.strip()


#: The endpoints' periods that the filters choose. A CTE.
LATENCIES = f"""
        latencies as (
            select *
            from fct_endpoint_latency
            where
                {of_resource("fct_endpoint_latency", "endpoint_name")}
                and ($account is null or account_id = $account)
        )
"""

#: The instances' periods that the filters choose. A CTE.
UTILIZATIONS = f"""
        utilizations as (
            select
                *,
                concat_ws(' · ', resource_name, variant_name, host_name) as instance,
                greatest(cpu_pct, gpu_pct, memory_pct, gpu_memory_pct, disk_pct) as highest_pct
            from fct_instance_utilization
            where
                {of_resource("fct_instance_utilization", "resource_name")}
                and ($account is null or account_id = $account)
        )
"""

#: The executions of pipelines that the filters choose, and of these those that are counted once. CTEs.
EXECUTIONS = f"""
        executions as (
            select *
            from fct_pipeline_period
            where
                {of_resource("fct_pipeline_period", "pipeline_name")}
                and ($account is null or account_id = $account)
        ),
        -- those of the account hold those of its pipelines, these those of steps: one scope is added up, no more
        counted_executions as (
            select *
            from executions
            where
                scope = if(
                    $resource is null and exists (from executions where scope = 'account'), 'account', 'pipeline'
                )
        )
"""

#: The distributions that the filters choose. A CTE; `feature` is what a click chooses.
DISTRIBUTIONS = f"""
        distributions as (
            select *
            from (
                select *, feature_kind || ': ' || feature_name as feature
                from fct_prediction_distribution
                where {of_resource("fct_prediction_distribution", "endpoint_name")}
            )
            where $feature is null or feature = $feature
        )
"""


#: The class or range of a row of such a distribution, in words.
PART = """
                case
                    when category is not null then category
                    when bin_lower is null and bin_upper is null then '(nothing)'
                    when bin_lower is null then printf('below %.4g', bin_upper::double)
                    when bin_upper is null then printf('%.4g and more', bin_lower::double)
                    else printf('%.4g to %.4g', bin_lower::double, bin_upper::double)
                end
""".strip()


def stretches(periods: str) -> str:
    """CTEs on the CTE `periods` (period_at, period_seconds) that end in `stretched`: its rows with stretch_at.

    Stretches are as long as they must be for at most `SHOWN_STRETCHES` of them, no shorter than a period, and begin at
    whole ones in UTC; `stretch_end_at` is where one ends.
    """
    return f"""
        stretch as (
            select coalesce(min(seconds), {_STRETCHES[-1]}) as seconds
            from (select unnest({list(_STRETCHES)}) as seconds)
            where seconds >= (
                select
                    greatest(
                        max(period_seconds),
                        (epoch(max(period_at)) - epoch(min(period_at)) + max(period_seconds)) / {SHOWN_STRETCHES}
                    )
                from {periods}
            )
        ),
        stretched as (
            select
                {periods}.*,
                to_timestamp(floor(epoch(period_at) / seconds) * seconds) as stretch_at,
                to_timestamp((floor(epoch(period_at) / seconds) + 1) * seconds) as stretch_end_at
            from {periods}
            cross join stretch
        )
    """
