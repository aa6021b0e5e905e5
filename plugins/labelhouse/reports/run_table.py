"""Every run, to be compared and picked."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_runs import ALL_RUNS, CRITERION, METRIC_FLAGS, OF_CHOSEN_METRIC, shown_metric

REPORT = Report(
    name="run_table",
    page="training",
    order=40,
    title="Runs",
    question="Every run with its outcome in the metric that is drawn above, or in its own where it has none of that; "
    "that of validation goes first. Tick several to compare them.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    # the runs that are not picked stay in sight: otherwise nobody could add one
    sql=f"""
        with {ALL_RUNS.strip()},
        {shown_metric("all_runs").strip()},
        metrics as (
            select
                *,
                coalesce((select metric from shown_metric) in (metric_name, metric_base_name), false) as is_shown,
                case dataset_split when 'validation' then 1 when 'test' then 3 when 'train' then 4 else 2 end as place
            from fct_run_metric
            where run_id in (select run_id from all_runs) and {OF_CHOSEN_METRIC}
        ),
        outcomes as (
            select *
            from metrics
            qualify row_number() over (
                partition by run_id order by is_shown desc, place, metric_base_name, metric_name
            ) = 1
        ),
        -- a metric without a prefix beside one of validation is that of training: loss and val_loss
        trained as (
            select
                run_id,
                metric_base_name,
                coalesce(
                    max(final_value) filter (where dataset_split = 'train'),
                    max(final_value) filter (where dataset_split is null)
                ) as train_final_value
            from fct_run_metric
            group by run_id, metric_base_name
        ),
        flags as (
            select run_id, string_agg(distinct flag, '; ' order by flag) as flags
            from (
                select run_id, unnest(string_split({METRIC_FLAGS.strip()}, '; ')) as flag
                from fct_run_metric
                where {OF_CHOSEN_METRIC}
            )
            group by run_id
        ),
        findings as (
            select run_id, count(*) as finding_count from fct_metric_write_audit group by run_id
        )
        select
            $run is not null and list_contains($run, run_id) as is_picked,
            run_id,
            dim_run.run_name,
            dim_run.experiment_name,
            dim_run.run_group,
            dim_run.account_id,
            dim_run.status,
            coalesce(dim_run.first_point_at, dim_run.started_at) as started_at,
            coalesce(dim_run.duration_seconds, dim_run.run_seconds) as duration_seconds,
            dim_run.billable_seconds,
            dim_run.cost_usd,
            dim_run.instance_count || ' × ' || dim_run.instance_type as instances,
            dim_run.labeling_job_name,
            outcomes.gap_seconds,
            outcomes.metric_name,
            outcomes.final_value,
            outcomes.final_change,
            outcomes.best_value,
            outcomes.best_step,
            outcomes.slope_per_hour,
            case
                when outcomes.dataset_split in ('validation', 'test') then trained.train_final_value
            end as train_final_value,
            {CRITERION.strip()} as criterion,
            outcomes.meets_criterion,
            flags.flags,
            coalesce(findings.finding_count, 0) as finding_count
        from all_runs
        join dim_run using (run_id)
        left join outcomes using (run_id)
        left join trained
            on outcomes.run_id = trained.run_id and outcomes.metric_base_name = trained.metric_base_name
        left join flags using (run_id)
        left join findings using (run_id)
        order by is_picked desc, started_at desc, run_id
    """,
    fields=(
        Field("is_picked", "Compare", "pick"),
        Field("run_id", "Run", "run"),
        Field("flags", "Look at", "flags"),
        Field("started_at", "Started", "time"),
        Field("duration_seconds", "Duration", "seconds"),
        Field("gap_seconds", "Gap before", "seconds"),
        Field("cost_usd", "Cost", "usd"),
        Field("metric_name", "Metric", "metric"),
        Field("final_value", "Final", "number"),
        Field("final_change", "Change", "number"),
        Field("best_value", "Best", "number"),
        Field("best_step", "at step", "count"),
        Field("slope_per_hour", "Slope per hour", "number"),
        Field("train_final_value", "Train final", "number"),
        Field("criterion", "Criterion"),
        Field("meets_criterion", "Met", "boolean"),
        Field("finding_count", "Findings", "count"),
        Field("experiment_name", "Experiment", "experiment"),
        Field("run_group", "Run group"),
        Field("account_id", "Account", "account"),
        Field("status", "Status"),
        Field("billable_seconds", "Billed", "seconds"),
        Field("instances", "Instances"),
        Field("labeling_job_name", "Labels from", "job"),
    ),
)
