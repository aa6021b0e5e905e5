"""The marts of operations for tests of checks: what passes every check, and what is done to it so that one fails."""

from __future__ import annotations

import duckdb

PERIOD, LATENCY, UTILIZATION = "fct_metric_period", "fct_endpoint_latency", "fct_instance_utilization"
PROGRESS, PIPELINE, FRESHNESS = "fct_labeling_progress", "fct_pipeline_period", "fct_source_freshness"
DISTRIBUTION, SAMPLE, GAP = "fct_prediction_distribution", "fct_prediction_sample", "fct_source_gap"


def fill_operations(connection: duckdb.DuckDBPyConnection) -> None:
    """The marts of the metrics and predictions in `raw`, and an hour of endpoint, instance, job and pipeline each."""
    connection.execute(
        """
        insert into main.fct_metric_period by name
        select
            md5(concat_ws('/', account_id, aws_region, namespace, metric_name, series_key)) as series_id,
            * exclude (unit_uri, unit_version, position, loaded_at, event_at, unit),
            period_at::date as event_date,
            true as is_catalogued
        from raw.cloudwatch_metrics;

        insert into main.fct_endpoint_latency by name
        select
            'live' as endpoint_variant_id,
            'live' as endpoint_name,
            'AllTraffic' as variant_name,
            60 as period_seconds,
            timestamptz '2026-03-01 00:00:00+00' + to_minutes(i) as period_at,
            period_at::date as event_date,
            10 as invocation_count,
            40 + i % 3 as model_latency_ms,
            5 as overhead_latency_ms,
            0.0 as error_4xx_ratio,
            0.01 as error_5xx_ratio,
            0.9 as hit_ratio
        from range(60) as minutes (i);

        insert into main.fct_instance_utilization by name
        select
            'live' as instance_id,
            'endpoint' as resource_kind,
            'live' as resource_name,
            60 as period_seconds,
            timestamptz '2026-03-01 00:00:00+00' + to_minutes(i) as period_at,
            period_at::date as event_date,
            150 as cpu_pct,
            75 as cpu_normalized_pct,
            40 as memory_pct,
            true as is_over_100
        from range(60) as minutes (i);

        insert into main.fct_labeling_progress by name
        select
            'pets' as labeling_job_name,
            60 as period_seconds,
            timestamptz '2026-03-01 00:00:00+00' + to_minutes(i) as period_at,
            period_at::date as event_date,
            i as human_labeled_count,
            i as total_labeled_count
        from range(10) as minutes (i);

        insert into main.fct_pipeline_period by name
        select
            scope as pipeline_scope_id,
            scope,
            if(scope != 'account', 'nightly', null) as pipeline_name,
            if(scope = 'step', 'train', null) as step_name,
            300 as period_seconds,
            timestamptz '2026-03-01 00:00:00+00' as period_at,
            period_at::date as event_date,
            3 as started_count,
            2 as succeeded_count,
            1 as failed_count
        from (values ('account'), ('pipeline'), ('step')) as scopes (scope);
        """
    )
    _fill_predictions(connection)


def _fill_predictions(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        insert into main.fct_prediction_distribution by name
        select
            md5(concat(endpoint_name, variant_name, prediction_label)) as distribution_id,
            endpoint_name,
            variant_name,
            event_at::date as event_date,
            'prediction' as feature_kind,
            'prediction_label' as feature_name,
            prediction_label as category,
            count(*) as prediction_count,
            1.0 as share_ratio
        from raw.model_predictions
        where prediction_label is not null
        group by all;

        insert into main.fct_prediction_sample by name
        select
            event_id as prediction_id,
            endpoint_name,
            variant_name,
            event_at,
            event_at::date as event_date,
            'prediction' as feature_kind,
            'prediction_label' as feature_name,
            prediction_label as category
        from raw.model_predictions
        where prediction_label is not null;

        insert into main.fct_source_freshness by name
        select
            'model_predictions' as source_name,
            current_date - 1 as event_date,
            1 as unit_count,
            60 as record_count,
            600.0 as p95_lateness_seconds;
        """
    )


def _set(mart: str, deed: str) -> str:
    return f"update main.{mart} set {deed}"


#: What is done to a sound build · table · severity · start of the sentence that fails.
BAD_OPERATIONS_MARTS = [
    (f"delete from main.{PERIOD} where metric_name = 'Invocations'", PERIOD, "hold", "Every series of the changed"),
    (
        f"insert into main.{PERIOD} select * replace (3600 as period_seconds) from main.{PERIOD} "
        "where period_at = timestamptz '2026-03-01 00:00:00+00'",
        PERIOD,
        "hold",
        "No time of a series is covered",
    ),
    (_set(PERIOD, "event_date = event_date + 2"), PERIOD, "hold", "The date of a period is that"),
    (_set(LATENCY, "error_4xx_ratio = -0.1"), LATENCY, "hold", "No share of calls is negative"),
    (_set(LATENCY, "hit_ratio = 1.1"), LATENCY, "hold", "No share of calls is above"),
    (_set(LATENCY, "overhead_latency_ms = -1"), LATENCY, "hold", "No answer comes before"),
    (_set(LATENCY, "error_5xx_ratio = 0.2"), LATENCY, "warn", "On a day with 100 calls or more"),
    (_set(UTILIZATION, "memory_pct = -1"), UTILIZATION, "hold", "No processor, memory or disk"),
    (_set(UTILIZATION, "cpu_normalized_pct = 150"), UTILIZATION, "warn", "No share of an instance's"),
    (_set(UTILIZATION, "disk_pct = 150"), UTILIZATION, "warn", "No memory or disk is used"),
    (_set(PROGRESS, "human_labeled_count = -1"), PROGRESS, "hold", "No count of objects is negative"),
    (_set(PROGRESS, "total_labeled_count = 99 - total_labeled_count"), PROGRESS, "warn", "No job has fewer labelled"),
    (_set(PIPELINE, "stopped_count = -1"), PIPELINE, "hold", "No count of executions"),
    (_set(PIPELINE, "pipeline_name = null"), PIPELINE, "hold", "The account, its pipelines"),
    (_set(PIPELINE, "failed_count = 5"), PIPELINE, "warn", "On no day does a pipeline fail"),
    (_set(DISTRIBUTION, "share_ratio = share_ratio / 2"), DISTRIBUTION, "hold", "The shares of a feature"),
    (_set(DISTRIBUTION, "bin_lower = 2, bin_upper = 1"), DISTRIBUTION, "hold", "No bin ends before"),
    (_set(DISTRIBUTION, "prediction_count = 1"), DISTRIBUTION, "hold", "Every predicted class of the changed"),
    (_set(DISTRIBUTION, "prediction_count = 999"), DISTRIBUTION, "hold", "No predicted class is counted twice"),
    (
        f"insert into main.{SAMPLE} select sample.* replace (prediction_id || i as prediction_id) "
        f"from main.{SAMPLE} as sample, range(10) as copies (i)",
        SAMPLE,
        "hold",
        "No date has more sampled",
    ),
    (_set(SAMPLE, "category = null"), SAMPLE, "hold", "A feature is a number or a category"),
    (_set(FRESHNESS, "unit_count = 61"), FRESHNESS, "hold", "Every unit of a date"),
    (_set(FRESHNESS, "p95_lateness_seconds = 90000"), FRESHNESS, "warn", "In the last week, 95 of 100"),
    (_set(GAP, "cloudwatch_difference_count = -2"), GAP, "warn", "CloudWatch counts no more submitted"),
]
