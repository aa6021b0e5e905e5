"""What the audit of the writes found."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_runs import OF_CHOSEN_METRIC, RUNS

REPORT = Report(
    name="write_findings",
    page="training",
    order=70,
    title="Findings of the audit",
    question="Which points should not be there as they are: late, twice, ahead, outside their run, or from a stranger?",
    shape="table",
    is_wide=True,
    sql=f"""
        with {RUNS.strip()}
        select
            first_event_at,
            replace(finding, '_', ' ') as finding,
            run_id,
            metric_name,
            explanation,
            point_count,
            extra_count,
            principal_arn,
            source_network,
            user_agent,
            last_event_at,
            reference_at,
            step,
            usual_step,
            average_value,
            average_value_once
        from fct_metric_write_audit
        join runs using (run_id)
        where
            $metric is null
            or metric_name is null
            or metric_name in (select metric_name from fct_run_metric where {OF_CHOSEN_METRIC})
        order by first_event_at desc, finding, run_id, metric_name
    """,
    fields=(
        Field("first_event_at", "First", "time"),
        Field("finding", "Finding", "flags"),
        Field("run_id", "Run", "run"),
        Field("metric_name", "Metric", "metric"),
        Field("explanation", "What is odd", "sentence"),
        Field("point_count", "Points", "count"),
        Field("principal_arn", "Principal", "principal"),
        Field("source_network", "Network"),
        Field("user_agent", "User agent", "sentence"),
        Field("last_event_at", "Last", "time"),
        Field("average_value", "Average", "number"),
        Field("average_value_once", "counted once", "number"),
    ),
    empty="Nothing stands out: every point was written during its run, once, in order, and by someone known.",
)
