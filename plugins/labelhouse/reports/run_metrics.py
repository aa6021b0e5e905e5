"""Every metric of the picked runs."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_runs import CRITERION, METRIC_FLAGS, OF_CHOSEN_METRIC, RUNS

REPORT = Report(
    name="run_metrics",
    page="training",
    order=50,
    title="Metrics of the picked runs",
    question="Everything that the picked runs measured, from the first point to the last.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    needs="run",
    sql=f"""
        with {RUNS.strip()}
        select
            metric_name,
            run_id,
            {METRIC_FLAGS.strip()} as flags,
            point_count,
            first_value,
            final_value,
            best_value,
            best_step,
            first_step,
            final_step,
            slope_per_step,
            slope_per_hour,
            validation_gap,
            previous_final_value,
            final_change,
            {CRITERION.strip()} as criterion,
            meets_criterion,
            started_at,
            ended_at,
            duration_seconds,
            gap_seconds
        from fct_run_metric
        join runs using (run_id)
        where {OF_CHOSEN_METRIC} and $run is not null
        order by metric_base_name, metric_name, started_at, run_id
    """,
    fields=(
        Field("metric_name", "Metric", "metric"),
        Field("run_id", "Run", "run"),
        Field("flags", "Look at", "flags"),
        Field("point_count", "Points", "count"),
        Field("first_value", "First", "number"),
        Field("final_value", "Final", "number"),
        Field("best_value", "Best", "number"),
        Field("best_step", "at step", "count"),
        Field("first_step", "First step", "count"),
        Field("final_step", "Final step", "count"),
        Field("slope_per_step", "Slope per step", "number"),
        Field("slope_per_hour", "Slope per hour", "number"),
        Field("validation_gap", "Validation − train", "number"),
        Field("previous_final_value", "Run before", "number"),
        Field("final_change", "Change", "number"),
        Field("criterion", "Criterion"),
        Field("meets_criterion", "Met", "boolean"),
        Field("started_at", "Started", "time"),
        Field("ended_at", "Ended", "time"),
        Field("duration_seconds", "Duration", "seconds"),
        Field("gap_seconds", "Gap before", "seconds"),
    ),
)
