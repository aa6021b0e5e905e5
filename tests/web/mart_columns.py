"""Empty marts with the columns that dbt's models promise."""

from __future__ import annotations

from functools import cache

import duckdb
import yaml

from labelhouse.settings import PROJECT_DIR

_PLAIN = {
    "fct_metric_period": "account_id varchar, aws_region varchar, namespace varchar, metric_name varchar, metric_group varchar, resource_name varchar, variant_name varchar, host_name varchar, dimensions map(varchar, varchar), series_key varchar, statistic varchar, period_seconds integer, period_at timestamptz, event_date date, metric_value double, unit varchar, is_catalogued boolean",
    "fct_endpoint_latency": "endpoint_name varchar, variant_name varchar, period_seconds integer, period_at timestamptz, event_date date, invocation_count bigint, model_latency_ms double, overhead_latency_ms double, client_latency_ms double, network_latency_ms double, error_4xx_ratio double, error_5xx_ratio double, hit_ratio double",
    "fct_instance_utilization": "resource_kind varchar, resource_name varchar, variant_name varchar, host_name varchar, period_seconds integer, period_at timestamptz, event_date date, cpu_pct double, cpu_normalized_pct double, gpu_pct double, gpu_normalized_pct double, memory_pct double, gpu_memory_pct double, disk_pct double, instance_count integer, is_over_100 boolean",
    "fct_labeling_progress": "labeling_job_name varchar, period_at timestamptz, event_date date, human_labeled_count bigint, machine_labeled_count bigint, failed_count bigint, total_labeled_count bigint",
    "fct_pipeline_period": "pipeline_name varchar, step_name varchar, period_at timestamptz, period_seconds integer, event_date date, started_count bigint, succeeded_count bigint, failed_count bigint, stopped_count bigint, mean_duration_seconds double",
    "fct_prediction_distribution": "endpoint_name varchar, variant_name varchar, event_date date, feature_kind varchar, feature_name varchar, category varchar, bin_lower double, bin_upper double, prediction_count bigint, share_ratio double",
    "fct_source_freshness": "source_name varchar, event_date date, unit_count bigint, record_count bigint, newest_event_at timestamptz, newest_unit_at timestamptz, last_loaded_at timestamptz, median_lateness_seconds double, p95_lateness_seconds double",
    "dim_training_job": "training_job_name varchar, run_id varchar, job_family varchar, account_id varchar, aws_region varchar, status varchar, secondary_status varchar, failure_reason varchar, algorithm varchar, instance_type varchar, instance_count integer, is_spot boolean, created_at timestamptz, training_started_at timestamptz, training_ended_at timestamptz, created_date date, waiting_seconds double, run_seconds double, billable_seconds bigint, cost_usd decimal(18, 6), price_per_hour_usd decimal(18, 6), spot_saving_ratio double, gap_seconds double, labeling_job_name varchar, hyper_parameters map(varchar, varchar), final_metrics map(varchar, varchar)",
    "fct_cost": "cost_id varchar, cost_kind varchar, account_id varchar, aws_region varchar, cost_date date, cost_month date, resource_name varchar, job_family varchar, run_id varchar, labeling_job_name varchar, workteam_name varchar, worker_key varchar, instance_type varchar, quantity decimal(18, 3), quantity_unit varchar, unit_price_usd decimal(18, 9), cost_usd decimal(18, 6), is_priced boolean",
    "fct_cost_month": "cost_kind varchar, job_family varchar, resource_name varchar, cost_month date, cost_usd decimal(18, 6), previous_cost_usd decimal(18, 6), change_ratio double, is_doubled boolean",
    "fct_model_health": "job_family varchar, job_count bigint, first_trained_at timestamptz, last_trained_at timestamptz, last_completed_at timestamptz, usual_gap_seconds double, silent_seconds double, is_silent boolean, failing_since timestamptz, failed_count bigint, is_failing boolean, below_criterion_since timestamptz, is_below_criterion boolean, finding varchar",
}


@cache
def mart_columns() -> dict[str, str]:
    """The columns of every mart as they stand in CREATE TABLE."""
    found = dict(_PLAIN)
    for path in sorted((PROJECT_DIR / "dbt" / "models" / "marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            found[model["name"]] = ", ".join(f"{each['name']} {each['data_type']}" for each in model["columns"])
    return found


def make_mart(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """An empty mart."""
    connection.execute(f"create table {name} ({mart_columns()[name]})")

