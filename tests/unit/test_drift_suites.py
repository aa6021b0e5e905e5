"""Drift files that say something that is not understood: one sentence each, with the nearest right name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drift_histories import write_drift_file
from labelhouse.checks.contracts import empty_build, partial_marts, table_columns
from labelhouse.checks.drift.suites import read_drift_suites
from labelhouse.checks.drift.windows import require_windows
from labelhouse.checks.suites import EXPECTATIONS_DIR, SuiteError
from labelhouse.errors import SettingError
from labelhouse.settings import Settings, load_settings

FINAL_VALUE = "fct_run_metric.final_value"
LABEL = "fct_dataset_object.consolidated_label"
OBJECTS = {"order": "labeled_at", "subject": ["labeling_job_name"], "key": None, "higher_is_better": None}
SHIFT = {"expect": "expect_category_shift_to_be_below", "statistic": "psi"}
TREND = {"expect": "expect_no_trend", "statistic": "kendall_tau"}

#: File · what it says otherwise · what of its sentence must be there.
NOT_UNDERSTOOD: dict[str, tuple[str, dict[str, Any], str]] = {
    "table": ("fct_run_metrics.final_value", {}, "unknown table: 'fct_run_metrics' (allowed: fct_run_metric, "),
    "no table": ("final_value", {}, "unknown table: ''"),
    "raw table": ("raw.worker_response.label", {}, "unknown table: 'raw.worker_response' (allowed: raw.worker_resp"),
    "column": ("fct_run_metric.final_valve", {}, "unknown column: 'final_valve' (allowed: final_value, "),
    "partial": ("fct_task.active_seconds", {}, "holds only the changed days of a build, so no reference: 'fct_task'"),
    "text": ("fct_run_metric.run_name", {}, "is neither a number nor a category: 'run_name'"),
    "people": ("raw.worker_responses.worker_id", {}, "unknown column: 'ended_at'"),
    "order": (FINAL_VALUE, {"order": "ended_on"}, "unknown column: 'ended_on' (allowed: ended_at, "),
    "order of text": (FINAL_VALUE, {"order": "run_name"}, "cannot order: 'run_name'"),
    "subject": (FINAL_VALUE, {"subject": ["metric"]}, "unknown column: 'metric' (allowed: metric_name, "),
    "worker as a subject": (
        "raw.worker_responses.time_spent_seconds",
        {**OBJECTS, "order": "event_at", "subject": ["worker_id"]},
        "may not name a subject or value: 'worker_id'",
    ),
    "statistic": (
        FINAL_VALUE,
        {"checks": [{"statistic": "psy"}]},
        "expectation 1: unknown statistic: 'psy' (allowed: psi",
    ),
    "statistic of another": (FINAL_VALUE, {"checks": [TREND | {"statistic": "psi"}]}, "(allowed: kendall_tau)"),
    "expectation": (FINAL_VALUE, {"checks": [{"expect": "expect_no_trends"}]}, "'expect_no_trends' (allowed: "),
    "category": (FINAL_VALUE, {"checks": [SHIFT]}, "not for a number: 'expect_category_shift_to_be_below'"),
    "number": (LABEL, OBJECTS, "not for a category: 'expect_metric_drift_to_be_below'"),
    "twice": (FINAL_VALUE, {"checks": [{}, {}]}, "expectation 2: the same statistic twice: 'mean_shift'"),
    "other": (FINAL_VALUE, {"checks": [{"other": "best_value"}]}, "the key 'other' is for correlations only"),
    "no other": (
        FINAL_VALUE,
        {"checks": [{"expect": "expect_correlation_to_be_stable", "statistic": "correlation_shift"}]},
        "the key 'other' is missing",
    ),
    "baseline": (
        FINAL_VALUE,
        {"reference": {"baseline": "sprng"}},
        "unknown baseline (setting drift_baselines): 'sprng'",
    ),
    "two references": (FINAL_VALUE, {"reference": {"values": 9, "days": 3}}, "needs one of values, days, pinned"),
    "no reference": (FINAL_VALUE, {"reference": {}}, "needs one of values, days, pinned, baseline"),
    "pinned without a key": (FINAL_VALUE, {"reference": {"pinned": ["a"]}, "key": None}, "the key 'key' is missing"),
    "pinned trend": (FINAL_VALUE, {"reference": {"pinned": ["a"]}, "checks": [TREND]}, "a reference that came right"),
    "key": (FINAL_VALUE, {"windows": 3}, "unknown key: 'windows'"),
    "threshold": (FINAL_VALUE, {"checks": [{"threshold": 0}]}, "threshold: Input should be greater than 0"),
    "infinite": (FINAL_VALUE, {"checks": [{"threshold": float("inf")}]}, "threshold: Input should be a finite number"),
    "least": (
        FINAL_VALUE,
        {"least": {"reference": 1, "current": 5}},
        "reference: Input should be greater than or equal",
    ),
    "sentence": (FINAL_VALUE, {"checks": [{"sentence": "At most {treshold}."}]}, "its sentence cannot be filled in"),
    "sentence reaching in": (FINAL_VALUE, {"checks": [{"sentence": "{threshold.real.x}"}]}, "cannot be filled in"),
    "severity": (FINAL_VALUE, {"checks": [{"severity": "fatal"}]}, "severity not allowed: 'fatal' (allowed: 'hold'"),
    "empty": (FINAL_VALUE, {"checks": []}, "expectations is empty"),
    "days of a number": (FINAL_VALUE, {"order": "final_step", "current": {"days": 3}}, "cannot order: 'final_step'"),
}


def read(folder: Path, settings: Settings) -> Any:
    return read_drift_suites(folder, table_columns(), settings, partial_marts())


@pytest.mark.parametrize("case", NOT_UNDERSTOOD)
def test_what_is_not_understood_is_refused(case: str, tmp_path: Path, settings: Settings) -> None:
    stem, changes, sentence = NOT_UNDERSTOOD[case]
    write_drift_file(tmp_path, stem, **changes)
    with pytest.raises(SuiteError) as raised:
        read(tmp_path, settings)
    assert f"drift/{stem}.yaml" in str(raised.value)
    assert sentence in str(raised.value)


def test_sql_that_duckdb_does_not_understand_is_refused(tmp_path: Path, settings: Settings) -> None:
    write_drift_file(tmp_path, where="run_idd = 'a'")
    (file,) = read(tmp_path, settings).values()
    with empty_build() as connection, pytest.raises(SuiteError, match="run_idd"):
        require_windows(connection, file)


def test_what_is_shipped_is_understood(settings: Settings) -> None:
    files = read(EXPECTATIONS_DIR, settings)
    assert {"fct_run_metric.final_value", "dim_run.duration_seconds"} <= files.keys()
    with empty_build() as connection:
        for file in files.values():
            require_windows(connection, file)
    names = [(file.table_name, file.check_name(check)) for file in files.values() for check in file.checks]
    assert len(names) == len(set(names))
    assert all("{" not in check.sentence for file in files.values() for check in file.checks)


def test_all_that_decides_a_result_is_among_its_arguments(tmp_path: Path, settings: Settings) -> None:
    write_drift_file(tmp_path)
    (file,) = read(tmp_path, settings).values()
    arguments = file.arguments(file.checks[0])
    assert arguments["threshold"] == 1.0
    assert arguments["reference"] == {"values": 24}
    assert arguments["least"] == {"reference": 10, "current": 5}


@pytest.mark.parametrize(
    "baseline",
    [
        '{"spring": {}}',
        '{"spring": {"from_at": "2026-03-01T00:00:00Z"}}',
        '{"spring": {"from_at": "2026-03-01T00:00:00", "until_at": "2026-04-01T00:00:00"}}',
        '{"spring": {"from_at": "2026-04-01T00:00:00Z", "until_at": "2026-03-01T00:00:00Z"}}',
        '{"spring": {"from_at": "2026-03-01T00:00:00Z", "until_at": "2026-04-01T00:00:00Z", "pinned": ["a"]}}',
        '{"spring": ["a"]}',
    ],
)
def test_baselines_are_a_time_or_names(baseline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELHOUSE_DRIFT_BASELINES", baseline)
    with pytest.raises(SettingError, match="DRIFT_BASELINES"):
        load_settings()
