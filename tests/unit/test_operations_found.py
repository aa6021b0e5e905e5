"""What goes wrong with endpoints and is found: other predictions or inputs, slower answers, errors, silence."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from checked_build import open_build
from labelhouse.checks.alarms import definitions
from labelhouse.checks.alarms.metrics import datapoints_of
from labelhouse.checks.drift.run import run_drift
from labelhouse.checks.evaluate import Evaluator
from labelhouse.checks.suites import EXPECTATIONS_DIR
from labelhouse.settings import Settings

NOW = datetime(2026, 3, 20, tzinfo=UTC)
DRIFT = (
    "fct_prediction_sample.category",
    "fct_prediction_sample.feature_value",
    "raw.cloudwatch_metrics.metric_value",
)


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_build() as connection:
        yield connection


def predict(build: duckdb.DuckDBPyConnection, *, days: int = 17, sampled: int = 60) -> None:
    """A sound endpoint and one of which classes, confidence and an input are others on its last three days."""
    build.execute(
        f"""
        select setseed(0.5);
        insert into main.fct_prediction_sample by name
        with predictions as (
            select
                endpoint_name,
                'a' as variant_name,
                endpoint_name || '-' || day || '-' || number as prediction_id,
                timestamptz '2026-03-01 00:00:00+00' + to_days(day::int) + to_minutes(number) as event_at,
                event_at::date as event_date,
                endpoint_name = 'moved' and day >= {days} - 3 as is_moved,
                random() as draw,
                random() as other_draw
            from (values ('sound'), ('moved')) as endpoints (endpoint_name),
                range({days}) as days (day), range({sampled}) as predictions (number)
        )
        select * exclude (is_moved, draw, other_draw), 'prediction' as feature_kind,
            'prediction_label' as feature_name, null::double as feature_value,
            if(draw < if(is_moved, 0.5, 0.15), 'truck', 'car') as category
        from predictions
        union all by name
        select * exclude (is_moved, draw, other_draw), 'confidence' as feature_kind,
            'confidence_ratio' as feature_name, 0.9 - if(is_moved, 0.3, 0) + other_draw / 10 as feature_value
        from predictions
        union all by name
        select * exclude (is_moved, draw, other_draw), 'input' as feature_kind, 'width' as feature_name,
            100 + 10 * draw + 10 * other_draw as feature_value
        from predictions
        """
    )


def measure(build: duckdb.DuckDBPyConnection) -> None:
    """Model latency of two endpoints every five minutes for eight days; one is slower on the last."""
    build.execute(
        """
        select setseed(0.5);
        insert into raw.cloudwatch_metrics by name
        select
            'AWS/SageMaker' as namespace,
            'ModelLatency' as metric_name,
            'EndpointName=' || endpoint_name || ',VariantName=a' as series_key,
            'Average' as statistic,
            300 as period_seconds,
            timestamptz '2026-03-10 00:00:00+00' + to_minutes(5 * number) as period_at,
            period_at as event_at,
            40000 + 4000 * random() + if(endpoint_name = 'slow' and number >= 288 * 7, 8000, 0) as metric_value
        from (values ('steady'), ('slow')) as endpoints (endpoint_name), range(288 * 8) as periods (number)
        """
    )


def test_planted_drifts_of_endpoints_are_found_and_named(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path
) -> None:
    predict(build)
    measure(build)
    (tmp_path / "drift").mkdir()
    for stem in DRIFT:
        shutil.copy(EXPECTATIONS_DIR / "drift" / f"{stem}.yaml", tmp_path / "drift")
    results = run_drift(build, settings, Evaluator(), None, tmp_path)
    assert {result.verdict for result in results} == {"met", "not_met"}
    found = {str(result.subject): result for result in results if result.verdict == "not_met"}
    assert found.keys() == {
        "moved · a · prediction · prediction_label",
        "moved · a · confidence · confidence_ratio",
        "ModelLatency · EndpointName=slow,VariantName=a",
    }
    assert "car 51% in the last 180 predictions" in found["moved · a · prediction · prediction_label"].finding


def endpoint_hours(build: duckdb.DuckDBPyConnection) -> None:
    """Ten days of three endpoints in minutes: one fails in the last hours, one is slow in them, one fell silent."""
    build.execute(
        f"""
        insert into main.fct_endpoint_latency by name
        select
            endpoint_name as endpoint_variant_id,
            endpoint_name,
            'a' as variant_name,
            60 as period_seconds,
            timestamptz '{NOW}' - to_minutes(20 * number + 20) as period_at,
            period_at::date as event_date,
            if(endpoint_name = 'silent' and number < 3 * 40, 0, 10) as invocation_count,
            if(endpoint_name = 'slow' and number < 9, 90, 40) as model_latency_ms,
            if(endpoint_name = 'failing' and number < 9, 0.1, 0.01) as error_5xx_ratio
        from (values ('failing'), ('slow'), ('silent')) as endpoints (endpoint_name), range(720) as periods (number);

        insert into main.fct_metric_period by name select period_at from main.fct_endpoint_latency
        """
    )


@pytest.mark.parametrize(
    ("name", "value"), [("endpoint_errors", 0.1), ("endpoint_latency", 2.25), ("predictions_stopped", 40.0)]
)
def test_alarms_of_endpoints_see_what_is_wrong(
    build: duckdb.DuckDBPyConnection, settings: Settings, name: str, value: float
) -> None:
    path = EXPECTATIONS_DIR / "alarms" / f"{name}.yaml"
    [alarm] = definitions.read_alarms(path, settings, build)
    assert not [point for point in datapoints_of(build, alarm, NOW) if point.value is not None]
    endpoint_hours(build)
    points = datapoints_of(build, alarm, NOW)
    assert points[-1].value == pytest.approx(value)
    sound = [point.value for point in points[:-5] if point.value is not None]
    assert all(each < (alarm.form.threshold or 0) for each in sound)
    assert name == "predictions_stopped" or len(sound) > 10
