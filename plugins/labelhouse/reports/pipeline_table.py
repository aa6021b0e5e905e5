"""Every pipeline and every step of it, below the account."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_metrics import EXECUTIONS
from labelhouse.reports.operations_encoding import nothing_of

REPORT = Report(
    name="pipeline_table",
    page="operations",
    order=90,
    title="Pipelines and steps",
    question="Which pipeline, and which step of it, fails or takes long? The account's own count holds "
    "those of its pipelines.",
    is_sortable=True,
    shape="table",
    is_wide=True,
    sql=f"""
        with {EXECUTIONS.strip()}
        select
            scope,
            pipeline_name as resource_name,
            step_name,
            sum(started_count)::bigint as started_count,
            sum(succeeded_count)::bigint as succeeded_count,
            sum(failed_count)::bigint as failed_count,
            sum(stopped_count)::bigint as stopped_count,
            -- each mean counts as often as executions ended in its period
            coalesce(
                sum(mean_duration_seconds * (coalesce(succeeded_count, 0) + coalesce(failed_count, 0)))
                    / nullif(sum(coalesce(succeeded_count, 0) + coalesce(failed_count, 0))
                        filter (where mean_duration_seconds is not null), 0),
                avg(mean_duration_seconds)
            ) as mean_duration_seconds,
            max(period_at) as last_period_at
        from executions
        group by scope, pipeline_name, step_name
        order by pipeline_name nulls first, step_name nulls first, scope
    """,
    fields=(
        Field("scope", "Of"),
        Field("resource_name", "Pipeline", "resource"),
        Field("step_name", "Step"),
        Field("started_count", "Started", "count"),
        Field("succeeded_count", "Succeeded", "count"),
        Field("failed_count", "Failed", "count"),
        Field("stopped_count", "Stopped", "count"),
        Field("mean_duration_seconds", "Mean duration", "seconds"),
        Field("last_period_at", "Last", "time"),
    ),
    empty=nothing_of("execution of a pipeline", "cloudwatch_metrics"),
)
