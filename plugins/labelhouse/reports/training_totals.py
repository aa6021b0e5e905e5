"""The figures at the top of Training."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_runs import OF_CHOSEN_METRIC, RUNS

REPORT = Report(
    name="training_totals",
    page="training",
    order=0,
    title="At a glance",
    question="How many runs were there, and do any of them ask for a look?",
    shape="figures",
    is_wide=True,
    sql=f"""
        with {RUNS.strip()},
        metrics as (
            select * from fct_run_metric join runs using (run_id) where {OF_CHOSEN_METRIC}
        ),
        findings as (
            select count(*) as finding_count, count(distinct run_id) as finding_run_count
            from fct_metric_write_audit
            join runs using (run_id)
            where
                $metric is null
                or metric_name is null
                or metric_name in (select metric_name from fct_run_metric where {OF_CHOSEN_METRIC})
        )
        select
            count(distinct run_id) as run_count,
            count(distinct coalesce(experiment_name, '')) as experiment_count,
            count(distinct account_id) as account_count,
            count(distinct metric_name) as metric_count,
            coalesce(sum(point_count), 0)::bigint as point_count,
            case
                when count(meets_criterion) > 0 then count(distinct run_id) filter (where not meets_criterion)
            end as missing_run_count,
            count(distinct run_id) filter (where meets_criterion is not null) as criterion_run_count,
            count(distinct run_id) filter (where is_diverging) as diverging_run_count,
            count(distinct run_id) filter (where is_dip) as dip_run_count,
            any_value(finding_count) as finding_count,
            any_value(finding_run_count) as finding_run_count
        from findings
        left join metrics on true
    """,
    fields=(
        Field("run_count", "runs", "count", "experiments: {experiment_count:,} · accounts: {account_count:,}"),
        Field("metric_count", "metrics", "count", "that these runs wrote"),
        Field("point_count", "points", "count", "duplicates counted once"),
        Field(
            "missing_run_count",
            "runs miss a criterion",
            "count",
            "of {criterion_run_count:,} that have one",
            unknown="no criterion is set",
            is_alarm=True,
        ),
        Field("diverging_run_count", "runs diverge", "count", "with a dip: {dip_run_count:,}", is_alarm=True),
        Field("finding_count", "findings", "count", "of the audit · runs: {finding_run_count:,}", is_alarm=True),
    ),
)
