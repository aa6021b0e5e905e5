"""The marts of operations of a small account: an endpoint, two jobs, pipelines, predictions, and how late they came."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from build_files import Dbt, read_rows
from labelhouse.settings import PROJECT_DIR
from operated import Operated

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
PIPELINES = "AWS/Sagemaker/ModelBuildingPipeline"
WORKTEAM = "AWS/SageMaker/Workteam"
JOBS = "AWS/SageMaker/LabelingJobs"
HOSTILE = "x'); drop table fct_metric_period; --"


def at(hours: float, minutes: float = 0) -> datetime:
    return START + timedelta(hours=hours, minutes=minutes)


def everything() -> Operated:
    """What each test looks at, in a part of its own."""
    delivery = Operated()
    _endpoint(delivery)
    _instances(delivery)
    _pipelines_and_jobs(delivery)
    _predictions(delivery)
    delivery.metric("Odd", at(0), 1, {"Name": HOSTILE}, namespace=HOSTILE)
    return delivery


def _endpoint(delivery: Operated) -> None:
    """An hour in minutes and as an hour; the hour before only as an hour; a minute that was loaded twice."""
    for minute in range(60):
        delivery.metric("ModelLatency", at(1, minute), 30_000 + 1_000 * (minute % 2))
        delivery.metric("OverheadLatency", at(1, minute), 5_000, unit="Microseconds")
        delivery.metric("Invocations", at(1, minute), 10, statistic="Sum", unit="None")
        delivery.metric("Invocation5XXErrors", at(1, minute), 1 if minute == 7 else 0, statistic="Sum")
        delivery.metric("ModelCacheHit", at(1, minute), 0.5 if minute else 1.0)
        delivery.metric("ModelCacheHit", at(1, minute), 10 if minute else 30, statistic="SampleCount")
    for hours, latency in ((0, 20_000), (1, 99_000)):
        delivery.metric("ModelLatency", at(hours), latency, period=3600)
        delivery.metric("Invocations", at(hours), 600, statistic="Sum", period=3600)
    again = {"loaded_at": datetime(2026, 3, 9, tzinfo=UTC), "unit_uri": "s3://bucket/saved/later.json"}
    delivery.metric("ModelLatency", at(1, 59), 41_000, **again)
    recommender = "/aws/sagemaker/InferenceRecommendationsJobs"
    delivery.metric("ClientLatency", at(1, 1), 48, {"EndpointName": "live"}, namespace=recommender)


def _instances(delivery: Operated) -> None:
    """The endpoint moves to larger instances on the third; a job runs on two with GPUs, another on an unknown type."""
    delivery.endpoint(datetime(2026, 3, 2, tzinfo=UTC), "ml.m5.large")
    delivery.endpoint(datetime(2026, 3, 3, tzinfo=UTC), "ml.m5.2xlarge")
    for hours in (-24, 1, 24):
        delivery.utilization("CPUUtilization", at(hours), 160)
    delivery.training_job("birds-1", at(0), "ml.p3.8xlarge")
    delivery.training_job("fish-1", at(0), "ml.unheard-of")
    for host in (1, 2):
        delivery.utilization("CPUUtilization", at(2), 1600, Host=f"birds-1/algo-{host}")
        delivery.utilization("GPUUtilization", at(2), 100 * host, Host=f"birds-1/algo-{host}")
        delivery.utilization("MemoryUtilization", at(2), 30, Host=f"birds-1/algo-{host}")
    delivery.utilization("GPUUtilizationNormalized", at(2), 26, Host="birds-1/algo-1")
    delivery.utilization("CPUUtilization", at(2), 99, Host="fish-1/algo-1")


def _pipelines_and_jobs(delivery: Operated) -> None:
    """Executions of two pipelines, which the account counts together; a labelling job and its team."""
    for dimensions, count in (({}, 3), ({"PipelineName": "nightly"}, 2), ({"PipelineName": "weekly"}, 1)):
        delivery.metric("ExecutionStarted", at(0), count, dimensions, statistic="Sum", period=300, namespace=PIPELINES)
    nightly = {"PipelineName": "nightly"}
    delivery.metric("ExecutionDuration", at(0), 90_000, nightly, period=300, namespace=PIPELINES)
    for minute, count in enumerate((3, 5, 5)):
        for statistic in ("Maximum", "Sum"):
            value = count * (60 if statistic == "Sum" else 1)
            name = {"LabelingJobName": "Birds"}
            delivery.metric(
                "DatasetObjectsHumanAnnotated", at(0, minute), value, name, statistic=statistic, namespace=JOBS
            )
    for minute in range(5):
        delivery.log("Birds", "W1", "submitted", at(0, minute))
        if minute:
            team = {"LabelingJob": "Birds", "Workteam": "owls"}
            delivery.metric("TasksSubmitted", at(0, minute), 1, team, statistic="Sum", namespace=WORKTEAM)


def _predictions(delivery: Operated) -> None:
    """Two days of predictions, a class and a speed of which are others on the second; loaded three hours later."""
    for day in range(2):
        for number in range(40):
            event_at = at(24 * day, number)
            label = f"kind-{number}" if day else ("van" if number % 4 else "car")
            inputs = {"speed": str(100 * day + number / 4), "note": "x" * 100, "gear": "" if number == 3 else "D"}
            delivery.prediction(event_at, label, confidence_ratio=0.9, inputs=inputs)
    uris = {row["unit_uri"] for row in delivery.rows["model_predictions"]}
    for uri in uris:
        for row in delivery.rows["model_predictions"]:
            if row["unit_uri"] == uri:
                row["loaded_at"] = at(3) if "/02/" in uri else at(27)
        delivery.load("model_predictions", uri, at(3) if "/02/" in uri else at(27))


@pytest.fixture(scope="module")
def built(dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return dbt_runner.build(everything().write(tmp_path_factory.mktemp("operations") / "build.duckdb"))


def rows_of(database: Path, columns: str, mart: str, where: str = "true") -> list[tuple[Any, ...]]:
    return read_rows(database, f"select {columns} from {mart} where {where}")


def test_no_time_is_covered_twice(built: Path) -> None:
    of_latency = "metric_name = 'ModelLatency' and statistic = 'Average'"
    periods = rows_of(
        built, "period_seconds, count(*), min(period_at)", "fct_metric_period", f"{of_latency} group by 1"
    )
    assert sorted(periods) == [(60, 60, at(1)), (3600, 1, at(0))]
    newest = f"{of_latency} and period_at = timestamptz '{at(1, 59)}'"
    assert rows_of(built, "metric_value", "fct_metric_period", newest) == [(41_000,)]


def test_calls_of_both_hours_are_counted_once(built: Path) -> None:
    assert rows_of(built, "sum(metric_value)", "fct_metric_period", "metric_name = 'Invocations'") == [(1200,)]


def test_a_name_from_outside_is_data(built: Path) -> None:
    columns = "metric_group, is_catalogued, series_key"
    where = "metric_name = 'Odd'"
    assert rows_of(built, columns, "fct_metric_period", where) == [("other", False, f"Name={HOSTILE}")]


def test_latency_is_split_in_milliseconds(built: Path) -> None:
    columns = "model_latency_ms, overhead_latency_ms, client_latency_ms, network_latency_ms, error_5xx_ratio"
    rows = rows_of(built, columns, "fct_endpoint_latency", f"period_at = timestamptz '{at(1, 1)}'")
    assert rows == [(31, 5, 48, 12, 0)]
    assert rows_of(built, "error_5xx_ratio", "fct_endpoint_latency", "error_5xx_ratio > 0") == [(0.1,)]


def test_the_hit_ratio_of_an_hour_is_the_mean_of_hits(built: Path) -> None:
    weighted = "sum(hit_ratio * cache_lookup_count) / sum(cache_lookup_count)"
    assert rows_of(built, weighted, "fct_endpoint_latency") == [((30 + 59 * 5) / (30 + 590),)]


def test_utilization_is_a_share_of_the_instances_of_its_day(built: Path) -> None:
    columns = "period_at, instance_type, cpu_pct, cpu_normalized_pct, is_over_100"
    assert rows_of(built, columns, "fct_instance_utilization", "resource_kind = 'endpoint'") == [
        (at(-24), "ml.m5.large", 160, 80, True),  # before the first description
        (at(1), "ml.m5.large", 160, 80, True),
        (at(24), "ml.m5.2xlarge", 160, 20, True),
    ]


def test_utilization_of_a_job_is_that_of_each_instance(built: Path) -> None:
    columns = "host_name, cpu_normalized_pct, gpu_pct, gpu_normalized_pct, memory_pct, instance_count"
    assert rows_of(built, columns, "fct_instance_utilization", "resource_name = 'birds-1' order by 1") == [
        ("algo-1", 50, 100, 26, 30, 2),  # CloudWatch's own share goes before ours
        ("algo-2", 50, 200, 50, 30, 2),
    ]
    columns = "cpu_pct, cpu_normalized_pct, instance_type, vcpu_count, is_over_100"
    unknown = [(99, None, "ml.unheard-of", None, False)]
    assert rows_of(built, columns, "fct_instance_utilization", "resource_name = 'fish-1'") == unknown


def test_labelling_progress_is_the_maximum(built: Path) -> None:
    assert rows_of(built, "labeling_job_name, human_labeled_count", "fct_labeling_progress") == [
        ("birds", 3),
        ("birds", 5),
        ("birds", 5),
    ]


def test_the_account_is_not_added_to_its_pipelines(built: Path) -> None:
    columns = "scope, pipeline_name, started_count, mean_duration_seconds"
    assert sorted(rows_of(built, columns, "fct_pipeline_period"), key=str) == [
        ("account", None, 3, None),
        ("pipeline", "nightly", 2, 90),
        ("pipeline", "weekly", 1, None),
    ]


def test_cloudwatch_may_lose_a_task(built: Path) -> None:
    columns = "source, log_task_count, cloudwatch_task_count, cloudwatch_difference_count, explanation"
    lost = "CloudWatch counts 4 of 5 submitted tasks: it delivers as well as it can."
    assert rows_of(built, columns, "fct_source_gap") == [("cloudwatch", 5, 4, 1, lost)]


def test_bins_are_those_of_the_first_date(built: Path) -> None:
    columns = "min(bin_lower), max(bin_lower), max(bin_upper), sum(prediction_count), round(sum(share_ratio), 9)"
    speed = "feature_name = 'speed' and event_date = "
    assert rows_of(built, columns, "fct_prediction_distribution", f"{speed} '2026-03-02'") == [(0, 9.5, 10, 40, 1)]
    columns = "bin_lower, bin_upper, prediction_count, share_ratio"
    far_above = [(20, None, 40, 1)]  # 20 bins beyond what the first date had
    assert rows_of(built, columns, "fct_prediction_distribution", f"{speed} '2026-03-03'") == far_above


def test_rare_categories_are_one(built: Path) -> None:
    columns = "count(*), count(*) filter (where is_other), sum(prediction_count) filter (where is_other)"
    labels = "feature_name = 'prediction_label' and event_date = '2026-03-03'"
    assert rows_of(built, columns, "fct_prediction_distribution", labels) == [(21, 1, 20)]
    columns = "category, prediction_count"
    first = "event_date = '2026-03-02' and feature_name in ('note', 'gear', 'prediction_label') order by 1"
    assert rows_of(built, columns, "fct_prediction_distribution", first) == [
        ("(long text)", 40),
        ("(missing)", 1),
        ("D", 39),
        ("car", 10),
        ("van", 30),
    ]


def test_a_sample_holds_every_feature_of_a_prediction(built: Path) -> None:
    columns = "feature_kind, feature_name, count(*), count(feature_value), count(category)"
    assert rows_of(built, columns, "fct_prediction_sample", "true group by 1, 2 order by 1, 2") == [
        ("confidence", "confidence_ratio", 80, 80, 0),
        ("input", "gear", 80, 0, 80),
        ("input", "note", 80, 0, 80),
        ("input", "speed", 80, 80, 0),
        ("prediction", "prediction_label", 80, 0, 80),
    ]


def test_lateness_is_from_the_event_to_its_load(built: Path) -> None:
    columns = "event_date, unit_count, record_count, median_lateness_seconds / 60"
    assert rows_of(built, columns, "fct_source_freshness", "source_name = 'model_predictions'") == [
        (date(2026, 3, 2), 1, 40, 160.5),
        (date(2026, 3, 3), 1, 40, 160.5),
    ]


def test_instance_types_are_what_they_are_called() -> None:
    with (PROJECT_DIR / "dbt" / "seeds" / "ml_instance_types.csv").open() as file:
        rows = {row["instance_type"]: row for row in csv.DictReader(file)}
    assert len(rows) > 400
    assert all(name.startswith("ml.") and int(row["vcpu_count"]) > 0 for name, row in rows.items())
    known = {"ml.m5.xlarge": ("4", "0"), "ml.p3.2xlarge": ("8", "1"), "ml.g4dn.12xlarge": ("48", "4")}
    assert {name: (rows[name]["vcpu_count"], rows[name]["gpu_count"]) for name in known} == known
