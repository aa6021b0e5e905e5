"""Metrics and predictions of the changed days, laid over what was published before, are what a full build gives."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from build_files import Dbt, read_rows
from operated import Operated

#: Mart published by days → the dates that it replaces.
DAYS = {
    "fct_metric_period": "int_changed_period_dates",
    "fct_endpoint_latency": "int_changed_period_dates",
    "fct_instance_utilization": "int_changed_period_dates",
    "fct_labeling_progress": "int_changed_period_dates",
    "fct_pipeline_period": "int_changed_period_dates",
    "fct_prediction_distribution": "int_changed_prediction_dates",
    "fct_source_freshness": "int_changed_event_dates",
}


def on(day: int, hour: float = 12) -> datetime:
    return datetime(2026, 3, day, int(hour), round(hour % 1 * 60), tzinfo=UTC)


def before() -> Operated:
    """Ten days of an endpoint, a job and a pipeline; hours of all of them, and minutes of some."""
    delivery = Operated()
    for day in range(1, 11):
        for hour in (0, 12, 18, 23):
            delivery.metric("ModelLatency", on(day, hour), 1000 * day, period=3600)
            delivery.metric("Invocations", on(day, hour), day, statistic="Sum", period=3600)
            delivery.prediction(on(day, hour), "van" if hour else "car", inputs={"speed": str(day * hour)})
        delivery.utilization("CPUUtilization", on(day), 10.0 * day)
        if day > 7:
            delivery.utilization("CPUUtilization", on(day), 20.0 * day, Host="birds-1/algo-1")
        name = {"PipelineName": "nightly"}
        namespace = "AWS/Sagemaker/ModelBuildingPipeline"
        delivery.metric("ExecutionStarted", on(day), day, name, statistic="Sum", namespace=namespace)
        job = {"LabelingJobName": "Birds"}
        namespace = "AWS/SageMaker/LabelingJobs"
        delivery.metric("TotalDatasetObjectsLabeled", on(day), day, job, statistic="Maximum", namespace=namespace)
    for day in range(20, 29):
        delivery.prediction(on(day) - timedelta(days=28), "bus", endpoint_name="other", inputs={"speed": str(day)})
    delivery.endpoint(on(4, 0), "ml.m5.large")
    delivery.endpoint(on(8, 0), "ml.m5.2xlarge")
    return _loaded(delivery)


def _loaded(delivery: Operated) -> Operated:
    """With a load of every unit."""
    delivery.rows["ingest_ledger"] = []
    for table in ("cloudwatch_metrics", "model_predictions"):
        for uri in dict.fromkeys(row["unit_uri"] for row in delivery.rows[table]):
            delivery.load(table, uri, datetime(2024, 4, 1, tzinfo=UTC))
    return delivery


def after() -> tuple[Operated, set[date]]:
    """The same later, and the UTC days, old and new, of every unit that was loaded anew.

    Minutes of an hour of the fifth came, half of them on another date in some zones, so the hour no longer counts. The
    endpoint was on other instances from the sixth on, and the job is described, both long after. A speed of the first
    makes other bins on all dates of its endpoint, and none of the other's.
    """
    delivery = before()
    for minute in (10, 50):
        delivery.metric("ModelLatency", on(5, 18 + minute / 60), 7000)
    delivery.endpoint(on(6, 0), "ml.m5.xlarge")
    delivery.training_job("birds-1", on(9), "ml.m5.4xlarge")
    delivery.prediction(on(1, 1), "van", inputs={"speed": "5000"})
    return _loaded(delivery), {date(2026, 3, day) for day in (1, 5, 6, 9)}


def published(database: Path, mart: str) -> dict[date, list[tuple[Any, ...]]]:
    """The rows by date, in the order they stand in."""
    rows: dict[date, list[tuple[Any, ...]]] = {}
    for event_date, *row in read_rows(database, f"select event_date, * exclude (event_date) from {mart}"):
        rows.setdefault(event_date, []).append(tuple(row))
    return rows


def test_changed_days_over_the_old_release_equal_a_full_build(dbt_runner: Dbt, tmp_path: Path) -> None:
    variables = {"reporting_time_zone": "Asia/Kolkata"}
    chosen = ("--select", *(f"+{mart}" for mart in (*DAYS, "fct_prediction_sample")))

    def build(database: Path) -> Path:
        return dbt_runner.build(database, *chosen, variables=variables)

    old = build(before().write(tmp_path / "old.duckdb"))
    delivery, changed_days = after()
    new = build(delivery.write(tmp_path / "new.duckdb", changed_days))
    full = build(delivery.write(tmp_path / "full.duckdb"))

    for mart, dates in DAYS.items():
        replaced = {event_date for (event_date,) in read_rows(new, f"from {dates}")}
        kept = {day: rows for day, rows in published(old, mart).items() if day not in replaced}
        assert published(full, mart), mart
        assert kept, mart
        assert kept.keys().isdisjoint(published(new, mart)), mart
        assert kept | published(new, mart) == published(full, mart), mart
    assert read_rows(new, "from fct_prediction_sample") == read_rows(full, "from fct_prediction_sample") != []
    types = "select distinct event_date, instance_type from fct_instance_utilization where resource_kind = 'endpoint'"
    assert dict(read_rows(full, types))[date(2026, 3, 7)] == "ml.m5.xlarge"
