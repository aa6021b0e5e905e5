"""The figures at the top of Operations."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_metrics import EXECUTIONS, LATENCIES, PERIODS, UTILIZATIONS

REPORT = Report(
    name="operations_totals",
    page="operations",
    order=0,
    title="At a glance",
    question="How much is measured, how do the endpoints answer, and does anything ask for a look?",
    shape="figures",
    is_wide=True,
    sql=f"""
        with {PERIODS.strip()},
        {LATENCIES.strip()},
        {UTILIZATIONS.strip()},
        {EXECUTIONS.strip()},
        measured as (
            select
                count(*) as period_count,
                count(distinct (account_id, aws_region, namespace, metric_name, series_key)) as series_count,
                count(distinct (namespace, metric_name)) as metric_count
            from periods
        ),
        calls as (
            select
                case when count(invocation_count) > 0 then sum(invocation_count)::bigint end as invocation_count,
                count(distinct endpoint_name) as endpoint_count,
                sum(invocation_count * (coalesce(error_4xx_ratio, 0) + coalesce(error_5xx_ratio, 0)))
                    filter (where error_4xx_ratio is not null or error_5xx_ratio is not null)
                    / nullif(sum(invocation_count)
                        filter (where error_4xx_ratio is not null or error_5xx_ratio is not null), 0) as error_ratio,
                sum(invocation_count * model_latency_ms) filter (where model_latency_ms is not null)
                    / nullif(sum(invocation_count) filter (where model_latency_ms is not null), 0) as model_latency_ms,
                max(coalesce(max_model_latency_ms, model_latency_ms)) as highest_latency_ms
            from latencies
        ),
        busy as (
            select
                count(distinct instance) filter (where is_over_100) as over_100_count,
                count(distinct instance) as instance_count
            from utilizations
        ),
        -- the executions of the account, where they are known: a pipeline of its own is one of them
        ran as (
            select
                case when count(*) > 0 then coalesce(sum(failed_count), 0)::bigint end as failed_count,
                coalesce(sum(started_count), 0)::bigint as started_count
            from counted_executions
        )
        select * from measured, calls, busy, ran
    """,
    fields=(
        Field("period_count", "values", "count", "series: {series_count:,} · metrics: {metric_count:,}"),
        Field("invocation_count", "calls", "count", "of endpoints: {endpoint_count:,}", unknown="no endpoint"),
        Field("model_latency_ms", "ms in the model", "number", "mean of a call, at most {highest_latency_ms:,.0f}"),
        Field("error_ratio", "of calls failed", "ratio", "4xx and 5xx"),
        Field("over_100_count", "instances over 100 %", "count", "of {instance_count:,}: of one core or GPU"),
        Field(
            "failed_count",
            "executions failed",
            "count",
            "of pipelines, of {started_count:,} started",
            unknown="no pipeline",
            is_alarm=True,
        ),
    ),
)
