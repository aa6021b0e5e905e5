"""Every endpoint and variant."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_metrics import LATENCIES
from labelhouse.reports.operations_encoding import nothing_of


def _mean(column: str, count: str = "invocation_count") -> str:
    """The mean over calls; over periods where calls are not counted."""
    return f"""
            coalesce(
                sum({column} * {count}) / nullif(sum({count}) filter (where {column} is not null), 0),
                avg({column})
            ) as {column}""".strip()


REPORT = Report(
    name="endpoint_table",
    page="operations",
    order=60,
    title="Endpoints",
    question="How often was each endpoint called, how quickly did it answer, and how often not? Means are over calls.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {LATENCIES.strip()}
        select
            endpoint_name as resource_name,
            variant_name,
            case when count(invocation_count) > 0 then sum(invocation_count)::bigint end as invocation_count,
            {_mean("model_latency_ms")},
            max(coalesce(max_model_latency_ms, model_latency_ms)) as highest_model_latency_ms,
            {_mean("overhead_latency_ms")},
            {_mean("network_latency_ms")},
            {_mean("client_latency_ms")},
            {_mean("error_4xx_ratio")},
            {_mean("error_5xx_ratio")},
            {_mean("hit_ratio", "cache_lookup_count")},
            min(period_at) as first_period_at,
            max(period_at) as last_period_at
        from latencies
        group by endpoint_name, variant_name
        order by invocation_count desc nulls last, resource_name, variant_name
    """,
    fields=(
        Field("resource_name", "Endpoint", "resource"),
        Field("variant_name", "Variant"),
        Field("invocation_count", "Calls", "count"),
        Field("model_latency_ms", "Model (ms)", "number"),
        Field("highest_model_latency_ms", "at most", "number"),
        Field("overhead_latency_ms", "Overhead (ms)", "number"),
        Field("network_latency_ms", "Network (ms)", "number"),
        Field("client_latency_ms", "At the client (ms)", "number"),
        Field("error_4xx_ratio", "4xx", "ratio"),
        Field("error_5xx_ratio", "5xx", "ratio"),
        Field("hit_ratio", "Cache hits", "ratio"),
        Field("first_period_at", "First", "time"),
        Field("last_period_at", "Last", "time"),
    ),
    empty=nothing_of("call of an endpoint", "cloudwatch_metrics"),
)
