"""Files of alarms: what they may say, and the sentence that refuses what they may not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from labelhouse.checks.alarms import definitions, validate_alarms
from labelhouse.checks.alarms.definitions import Alarm, AlarmForm, alarm_files
from labelhouse.checks.suites import EXPECTATIONS_DIR, SuiteError
from labelhouse.settings import Settings, load_settings

ALARM = {
    "description": "Too many tasks are declined.",
    "metric": "select ended_at as at, 1 as value from fct_task where outcome = 'declined'",
    "statistic": "Sum",
    "period_seconds": 3600,
    "comparison": "GreaterThanThreshold",
    "threshold": 10,
    "evaluation_periods": 3,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    sources = {"cloudtrail": "s3://trail", "workers": "s3://people"}
    return load_settings({}, lake=tmp_path / "lake", pseudonym_key="k" * 32, sources=sources)


def written(folder: Path, changes: dict[str, Any], *, without: str = "") -> Path:
    (folder / "alarms").mkdir(exist_ok=True)
    said = {key: value for key, value in (ALARM | changes).items() if key != without}
    path = folder / "alarms" / "declined.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


def read_alarms(path: Path, settings: Settings) -> list[Alarm]:
    with duckdb.connect() as connection:
        return definitions.read_alarms(path, settings, connection)


def test_what_a_file_does_not_say_is_as_in_cloudwatch(tmp_path: Path, settings: Settings) -> None:
    [alarm] = read_alarms(written(tmp_path, {}), settings)
    assert alarm.alarm_name == "declined"
    assert (alarm.form.breaches_to_alarm, alarm.form.treat_missing_data) == (3, "missing")
    assert alarm.tables == {"fct_task"}


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"perod_seconds": 60}, "unknown key: 'perod_seconds' (allowed: period_seconds,"),
        ({"statistic": "Mean"}, "statistic: unknown: 'Mean' (allowed: "),
        ({"statistic": "p101"}, "unknown: 'p101'"),
        ({"statistic": "p99.999"}, "unknown: 'p99.999'"),
        (
            {"comparison": "GreaterThan"},
            "comparison not allowed: 'GreaterThan' (allowed: 'GreaterThanOrEqualToThreshold'",
        ),
        ({"treat_missing_data": "notbreaching"}, "'notBreaching'"),
        ({"period_seconds": 90}, "period_seconds: Input should be a multiple of 60"),
        ({"threshold": float("nan")}, "finite number"),
        ({"threshold": None}, "needs either a threshold or a band"),
        ({"band": {"standard_deviations": 2, "trailing_periods": 7}}, "needs either a threshold or a band"),
        ({"comparison": "LessThanLowerThreshold"}, "does not go with a threshold"),
        (
            {"threshold": None, "band": {"standard_deviations": 2, "trailing_periods": 7}},
            "GreaterThanThreshold does not go with a band (allowed: LessThanLowerOrGreaterThanUpperThreshold,",
        ),
        (
            {"band": {"standard_deviations": 2, "trailing_periods": 7, "seasons": 7}},
            "unknown key: 'seasons' (allowed: standard_deviations, trailing_periods, season_periods)",
        ),
        ({"datapoints_to_alarm": 4}, "datapoints_to_alarm is more than evaluation_periods (3)"),
        ({"actions": {"ALERT": ["operations"]}}, "'ALARM'"),
        ({"start_dag": "a dag; drop"}, "start_dag"),
        ({"metric": "delete from fct_task"}, "no SELECT"),
        ({"metric": "select 1 as at, 1 as value; select 2"}, "not a single SELECT"),
        ({"metric": "select ended_at as at 1 as value from"}, "the metric cannot be parsed"),
        ({"metric": "select ended_at as at, 1 as value from fct_tsak"}, "unknown table: 'fct_tsak' (allowed: fct_task"),
        ({"metric": "select event_at as at, 1 as value from raw.worker_event"}, "(allowed: raw.worker_events"),
        ({"metric": "select started_at as at, 1 as value from status.build"}, "(allowed: status.builds"),
        ({"metric": "select ended_a as at, 1 as value from fct_task"}, 'Referenced column "ended_a" not found'),
        ({"metric": "select ended_at, 1 as value from fct_task"}, "no such column: 'at' (allowed: ended_at, value)"),
        ({"metric": "select $noe as at, 1 as value"}, "unknown parameter: '$noe' (allowed: now"),
        ({"dimensions": {"job": "birds"}}, "a dimension that the metric does not name: 'job'"),
        (
            {"metric": "select outcome as at, 1 as value from fct_task"},
            "at has the wrong type: 'VARCHAR' (allowed: a date",
        ),
        ({"metric": "select ended_at as at, outcome as value from fct_task"}, "value has the wrong type: 'VARCHAR'"),
    ],
    ids=lambda each: str(each)[:60],
)
def test_what_is_not_understood_is_refused_with_the_nearest_right_name(
    tmp_path: Path, settings: Settings, changes: dict[str, Any], sentence: str
) -> None:
    written(tmp_path, changes)
    with pytest.raises(SuiteError) as refused:
        validate_alarms(tmp_path)
    assert "/alarms/declined.yaml" in str(refused.value)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", ["description", "metric", "statistic", "comparison", "evaluation_periods"])
def test_a_missing_key_is_named(tmp_path: Path, settings: Settings, key: str) -> None:
    with pytest.raises(SuiteError, match=f"the key '{key}' is missing"):
        read_alarms(written(tmp_path, {}, without=key), settings)


def test_several_values_of_a_dimension_are_several_alarms(tmp_path: Path, settings: Settings) -> None:
    metric = "select ended_at as at, 1 as value from fct_task where modality = $modality"
    path = written(tmp_path, {"metric": metric, "dimensions": {"modality": ["image", "text"]}})
    found = {alarm.alarm_name: dict(alarm.dimensions) for alarm in read_alarms(path, settings)}
    assert found == {"declined.image": {"modality": "image"}, "declined.text": {"modality": "text"}}
    validate_alarms(tmp_path)


def test_each_source_of_the_settings_can_have_its_alarm(settings: Settings) -> None:
    found = read_alarms(EXPECTATIONS_DIR / "alarms" / "late_source.yaml", settings)
    assert [alarm.alarm_name for alarm in found] == ["late_source.cloudtrail", "late_source.workers"]


def test_the_shipped_alarms_are_understood_and_tell_operations(settings: Settings) -> None:
    validate_alarms()
    files = alarm_files(EXPECTATIONS_DIR)
    assert len(files) >= 9
    for path in files:
        form = AlarmForm.model_validate(yaml.safe_load(path.read_text()))
        assert form.actions == {"ALARM": ("operations",), "OK": ("operations",)}, path.name
