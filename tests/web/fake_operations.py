"""Operations for the fake lake: marts of CloudWatch's metrics, endpoints, pipelines and predictions, and incidents.

`vehicle-types-live` is called all day; on the last three days it answers more slowly, its instance works at more than
100 %, and what it predicts has shifted. `many-models` is a multi-model endpoint.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb

from web.fake_training import ACCOUNT, insert_rows
from web.mart_columns import make_mart

Rows = list[dict[str, Any]]

BEGAN_AT = datetime(2026, 9, 10, tzinfo=UTC)
DAYS = 14
LIVE, MULTI, PIPELINE, JOB = "vehicle-types-live", "many-models", "retrain-vehicles", "street-scenes"
NAMESPACE = "AWS/SageMaker"
MARTS = (
    *("fct_metric_period", "fct_endpoint_latency", "fct_instance_utilization", "fct_labeling_progress"),
    *("fct_pipeline_period", "fct_prediction_distribution", "fct_source_freshness"),
)


def _hours() -> Iterator[tuple[datetime, bool]]:
    """Every hour of the world, and whether it is one of the last three days."""
    for number in range(24 * DAYS):
        yield BEGAN_AT + timedelta(hours=number), number >= 24 * (DAYS - 3)


def _series(group: str, name: str, unit: str, statistic: str, resource: str, **dimensions: str) -> dict[str, Any]:
    return {
        "account_id": ACCOUNT,
        "aws_region": "eu-west-1",
        "namespace": NAMESPACE if group != "pipeline" else "AWS/Sagemaker/ModelBuildingPipeline",
        "metric_name": name,
        "metric_group": group,
        "resource_name": resource,
        "variant_name": dimensions.get("VariantName"),
        "host_name": dimensions.get("Host"),
        "dimensions": dimensions,
        "series_key": ",".join(f"{key}={dimensions[key]}" for key in sorted(dimensions)),
        "statistic": statistic,
        "unit": unit,
        "is_catalogued": True,
    }


def _period(at: datetime, value: float, seconds: int = 3600) -> dict[str, Any]:
    return {"period_at": at, "period_seconds": seconds, "event_date": at.date(), "metric_value": value}


def sample_operations() -> dict[str, Rows]:
    """The rows of every mart, the same on every call."""
    chance = random.Random(3)
    rows: dict[str, Rows] = {mart: [] for mart in MARTS}
    for at, is_slow in _hours():
        for endpoint in (LIVE, MULTI):
            _endpoint_hour(rows, chance, endpoint, at, is_slow=is_slow and endpoint == LIVE)
    _add_progress(rows)
    _add_pipelines(rows, chance)
    _add_predictions(rows, chance)
    for number in range(DAYS):
        day = BEGAN_AT + timedelta(days=number)
        for source, lateness in (("cloudtrail", 700.0), ("cloudwatch_metrics", 95.0), ("worker_activity", 4.0)):
            rows["fct_source_freshness"].append(
                {
                    "source_name": source,
                    "event_date": day.date(),
                    "unit_count": 24,
                    "record_count": 1000 + number,
                    "newest_event_at": day + timedelta(hours=23),
                    "newest_unit_at": day + timedelta(hours=23, minutes=20),
                    "last_loaded_at": day + timedelta(hours=23, minutes=40),
                    "median_lateness_seconds": lateness,
                    "p95_lateness_seconds": lateness * (9 if number == 8 else 2.5),
                }
            )
    return rows


def _endpoint_hour(rows: dict[str, Rows], chance: random.Random, endpoint: str, at: datetime, *, is_slow: bool) -> None:
    daylight = 1 + math.sin((at.hour - 7) / 24 * 2 * math.pi)
    calls = int(400 * daylight * chance.uniform(0.8, 1.2)) + 20
    model = chance.gauss(42, 3) * (2.6 if is_slow else 1)
    overhead = chance.gauss(6, 0.5)
    is_live = endpoint == LIVE
    network = chance.gauss(11, 1) if is_live else None
    latency = {
        "account_id": ACCOUNT,
        "endpoint_name": endpoint,
        "variant_name": "AllTraffic",
        "period_seconds": 3600,
        "period_at": at,
        "event_date": at.date(),
        "invocation_count": calls,
        "model_latency_ms": model,
        "overhead_latency_ms": overhead,
        "client_latency_ms": model + overhead + network if network else None,
        "network_latency_ms": network,
        "error_4xx_ratio": 0.002,
        "error_5xx_ratio": 0.03 if is_slow else 0.0005,
        "hit_ratio": None if is_live else 0.82,
        "cache_lookup_count": None if is_live else calls,
    }
    rows["fct_endpoint_latency"].append(latency)
    for host in ("instance-1", "instance-2") if is_live else (None,):
        cpu = min(390.0, 55 * daylight * chance.uniform(0.8, 1.2) * (2.4 if is_slow else 1))
        rows["fct_instance_utilization"].append(
            {
                "account_id": ACCOUNT,
                "resource_kind": "endpoint",
                "resource_name": endpoint,
                "variant_name": "AllTraffic",
                "host_name": host,
                "period_seconds": 3600,
                "period_at": at,
                "event_date": at.date(),
                "cpu_pct": cpu,
                "cpu_normalized_pct": cpu / 4,
                "memory_pct": 35.0 + chance.random(),
                "disk_pct": 12.0,
                "instance_count": 2 if is_live else 1,
                "is_over_100": cpu > 100,
            }
        )
    named = {"EndpointName": endpoint, "VariantName": "AllTraffic"}
    for name, unit, statistic, value in (
        ("Invocations", "Count", "Sum", float(calls)),
        ("ModelLatency", "Milliseconds", "Average", model),
        ("ModelLatency", "Milliseconds", "p99", model * 2.2),
        ("OverheadLatency", "Milliseconds", "Average", overhead),
    ):
        rows["fct_metric_period"].append(
            _series("endpoint", name, unit, statistic, endpoint, **named) | _period(at, value)
        )


def _add_progress(rows: dict[str, Rows]) -> None:
    for number in range(48):
        at, done = BEGAN_AT + timedelta(days=2, hours=number), min(900, number * 20)
        counts = {"human_labeled_count": done, "machine_labeled_count": done // 4, "failed_count": done // 100}
        rows["fct_labeling_progress"].append(
            {"labeling_job_name": JOB, "period_seconds": 3600, "period_at": at, "event_date": at.date()}
            | counts
            | {"total_labeled_count": done + done // 4}
        )
        series = _series("Ground Truth job", "TotalDatasetObjectsLabeled", "Count", "Maximum", JOB, LabelingJobName=JOB)
        rows["fct_metric_period"].append(series | _period(at, float(done + done // 4)))


def _add_pipelines(rows: dict[str, Rows], chance: random.Random) -> None:
    for number in range(DAYS):
        at = BEGAN_AT + timedelta(days=number, hours=3)
        failed = int(number in (4, 11))
        for pipeline, step in ((None, None), (PIPELINE, None), (PIPELINE, "train"), (PIPELINE, "evaluate")):
            rows["fct_pipeline_period"].append(
                {
                    "account_id": ACCOUNT,
                    "scope": "account" if pipeline is None else "pipeline" if step is None else "step",
                    "pipeline_name": pipeline,
                    "step_name": step,
                    "period_at": at,
                    "period_seconds": 3600,
                    "event_date": at.date(),
                    "started_count": 3 if pipeline is None else 2,
                    "succeeded_count": (3 if pipeline is None else 2) - failed,
                    "failed_count": failed,
                    "stopped_count": 0,
                    "mean_duration_seconds": 1800 * chance.uniform(0.9, 1.1),
                }
            )
        started = _series("pipeline", "ExecutionStarted", "Count", "Sum", PIPELINE, PipelineName=PIPELINE)
        rows["fct_metric_period"].append(started | _period(at, 2.0))


def _add_predictions(rows: dict[str, Rows], chance: random.Random) -> None:
    for number in range(DAYS):
        day, has_shifted = (BEGAN_AT + timedelta(days=number)).date(), number >= DAYS - 3
        shares = {"car": 0.6, "bus": 0.25, "truck": 0.15} if not has_shifted else {"car": 0.3, "bus": 0.2, "truck": 0.5}
        _distribute(rows, day, "prediction", "label", [(name, None, None, share) for name, share in shares.items()])
        bins = [(None, low / 10, (low + 1) / 10, chance.uniform(0.5, 1) * low) for low in range(10)]
        _distribute(rows, day, "confidence", "confidence", bins)
        bright = [(None, float(low), float(low + 32), 1 + chance.random()) for low in range(0, 256, 32)]
        _distribute(rows, day, "input", "brightness", bright)


def _distribute(rows: dict[str, Rows], day: date, kind: str, name: str, parts: list[tuple[Any, ...]]) -> None:
    whole = sum(part[3] for part in parts)
    for category, low, high, share in parts:
        rows["fct_prediction_distribution"].append(
            {
                "endpoint_name": LIVE,
                "variant_name": "AllTraffic",
                "event_date": day,
                "feature_kind": kind,
                "feature_name": name,
                "category": category,
                "bin_lower": low,
                "bin_upper": high,
                "prediction_count": round(2000 * share / whole),
                "share_ratio": share / whole,
            }
        )


def add_operations(connection: duckdb.DuckDBPyConnection, rows: dict[str, Rows]) -> None:
    """Makes the marts of Operations; those that `rows` does not name are empty."""
    for mart in MARTS:
        make_mart(connection, mart)
        insert_rows(connection, mart, rows.get(mart, []))


def many_periods(connection: duckdb.DuckDBPyConnection, count: int) -> None:
    """Adds `count` periods of a minute to a serving file: 40 series of 4 metrics; and what follows from them."""
    connection.execute(
        f"""
        insert into fct_metric_period by name
        select
            '{ACCOUNT}' as account_id, 'eu-west-1' as aws_region, '{NAMESPACE}' as namespace,
            ['Invocations', 'ModelLatency', 'OverheadLatency', 'CPUUtilization'][1 + number % 4] as metric_name,
            'endpoint' as metric_group, 'endpoint-' || number // 4 % 10 as resource_name, 'AllTraffic' as variant_name,
            map {{'EndpointName': resource_name, 'VariantName': 'AllTraffic'}} as dimensions,
            'EndpointName=' || resource_name || ',VariantName=AllTraffic' as series_key, 'Average' as statistic,
            60 as period_seconds, timestamptz '2026-01-01 00:00:00+00' + interval (number // 40) minute as period_at,
            period_at::date as event_date, (hash(number) % 1000) / 10 as metric_value, 'Percent' as unit,
            true as is_catalogued
        from range({count}) t(number);
        insert into fct_endpoint_latency by name
        select
            account_id, resource_name as endpoint_name, variant_name, period_seconds, period_at, event_date,
            (hash(metric_value) % 50)::bigint as invocation_count, metric_value as model_latency_ms,
            5.0 as overhead_latency_ms, 0.01 as error_4xx_ratio, 0.002 as error_5xx_ratio, 0.9 as hit_ratio
        from fct_metric_period where metric_name = 'ModelLatency';
        insert into fct_instance_utilization by name
        select
            account_id, 'endpoint' as resource_kind, resource_name, variant_name, period_seconds, period_at, event_date,
            metric_value * 1.5 as cpu_pct, metric_value * 0.4 as cpu_normalized_pct, metric_value / 2 as memory_pct,
            metric_value * 1.5 > 100 as is_over_100
        from fct_metric_period where metric_name = 'CPUUtilization'
        """
    )
