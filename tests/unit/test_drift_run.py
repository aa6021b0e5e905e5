"""Drift files on build files, through Great Expectations: what is found, what is not, and what is said of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from checked_build import open_build
from drift_histories import METRICS, START, fill_runs, put, write_drift_file
from labelhouse.checks.drift.run import run_drift
from labelhouse.checks.evaluate import Evaluator
from labelhouse.checks.results import CheckResult, holds
from labelhouse.settings import DriftBaseline, Settings

Runner = Callable[..., list[CheckResult]]

STEP = np.repeat([0.0, 1.0], [32, 8])


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator()


@pytest.fixture(scope="module")
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_build() as connection:
        yield connection


@pytest.fixture
def run(build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path) -> Runner:
    """One file, changed, on the build."""

    def check(stem: str = "fct_run_metric.final_value", **changes: Any) -> list[CheckResult]:
        write_drift_file(tmp_path, stem, **changes)
        return run_drift(build, settings, evaluator, None, tmp_path)

    return check


def by_subject(results: list[CheckResult]) -> dict[str | None, CheckResult]:
    return {result.subject: result for result in results}


def test_a_drift_is_a_sentence_with_its_numbers(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 1, changed={"validation:accuracy": -3 * STEP})
    results = by_subject(run())
    assert len(results) == len(METRICS)
    drift = results["validation:accuracy · vehicles"]
    assert drift.verdict == "not_met"
    assert drift.finding == (
        "validation:accuracy · vehicles fell, which is worse: mean 0.901 in the last 8 runs against 0.9197 in the 24 "
        "before; mean shift -3.91 (threshold 1), p 0.0001."
    )
    assert (drift.suite, drift.table_name, drift.check_name) == ("drift", "fct_run_metric", "final_value: mean_shift")
    assert (drift.statistic_name, drift.threshold_value) == ("mean_shift", 1.0)
    assert drift.statistic_value == pytest.approx(-3.91, abs=0.01)
    assert (drift.reference_count, drift.current_count, drift.p_value) == (24, 8, pytest.approx(0.0001))
    assert drift.sentence == "Nothing moves by more than 1.0."
    picture = json.loads(drift.picture_json or "")
    assert (picture["kind"], sum(picture["reference"]), sum(picture["current"])) == ("histogram", 24, 8)
    others = [result for subject, result in results.items() if subject != drift.subject]
    assert {result.verdict for result in others} == {"met"}
    assert not holds([drift])


@pytest.mark.parametrize(
    ("metric", "shift", "direction", "verdict"),
    [
        ("validation:accuracy", 3, "worse", "met"),
        ("validation:accuracy", -3, "worse", "not_met"),
        ("validation:loss", 4, "worse", "not_met"),
        ("validation:loss", -4, "worse", "met"),
        ("validation:accuracy", 3, "either", "not_met"),
    ],
)
def test_what_is_better_is_no_alarm_where_only_worse_is_meant(
    build: duckdb.DuckDBPyConnection, run: Runner, metric: str, shift: float, direction: str, verdict: str
) -> None:
    fill_runs(build, 2, changed={metric: shift * STEP})
    found = by_subject(run(checks=[{"direction": direction}]))[f"{metric} · vehicles"]
    assert found.verdict == verdict
    assert ("better" in found.finding) == (direction == "either" or verdict == "met")


def test_few_values_are_not_enough_and_no_pass(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 3, runs=17)
    for result in run():
        assert result.verdict == "not_enough_data"
        assert not result.is_success
        assert not result.is_hold
        assert "8 runs in the current window (at least 5), 9 before (at least 10)" in result.finding
        assert (result.reference_count, result.current_count, result.statistic_value) == (9, 8, None)


def test_nothing_at_all_is_not_enough(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    put(build, "fct_run_metric", [])
    (result,) = run()
    assert (result.verdict, result.subject, result.finding) == (
        "not_enough_data",
        None,
        "There are no runs: not enough data.",
    )


def test_what_is_no_number_is_counted_apart(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 4)
    clean = by_subject(run())
    build.execute(
        "insert into fct_run_metric by name select * replace ("
        " 'x' || run_id as run_id, ended_at + interval 1 minute as ended_at,"
        " if(run_id = 'r39', 'nan', if(run_id = 'r38', 'infinity', '-infinity'))::double as final_value)"
        " from fct_run_metric where run_id in ('r39', 'r38', 'r37')"
    )
    for subject, result in by_subject(run()).items():
        assert result.statistic_value == clean[subject].statistic_value
        assert "3 runs without a number are left out." in result.finding
    build.execute("update fct_run_metric set final_value = 'nan'")
    results = run()
    assert {result.verdict for result in results} == {"not_enough_data"}
    assert len(results) == len(METRICS)
    build.execute("update fct_run_metric set final_value = null")
    assert {result.verdict for result in run()} == {"not_enough_data"}


HOSTILE = [
    "'; drop table fct_run_metric; --",
    "<script>alert(1)</script>",
    "{threshold} {0} $finding ${x}",
    "a · b",
    '"quoted" %s',
    "NaN",
    "ü\u202e\x00☃",
]


def test_names_are_data(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 5)
    for metric, name in zip(METRICS, HOSTILE[:6], strict=True):
        build.execute("update fct_run_metric set metric_name = $1 where metric_name = $2", [name, metric])
    build.execute("update fct_run_metric set experiment_name = null, run_name = $1", [HOSTILE[6]])
    results = run(checks=[{"expect": "expect_no_change_point", "statistic": "pettitt"}])
    assert {result.subject for result in results} == {f"{name} · (none)" for name in HOSTILE[:6]}
    assert {result.verdict for result in results} == {"met"}


def test_the_reference_may_be_days(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 6)  # four runs a day
    results = run(reference={"days": 5}, current={"days": 2})
    assert {(result.reference_count, result.current_count) for result in results} == {(20, 8)}


def test_the_reference_may_be_pinned(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 7, changed={"validation:f1": np.repeat([0.0, -4.0], [12, 28])})
    pinned = [f"vehicles-{number}" for number in range(12)]
    drift = by_subject(run(reference={"pinned": pinned}))["validation:f1 · vehicles"]
    assert (drift.reference_count, drift.current_count, drift.verdict) == (12, 8, "not_met")
    assert "in the 12 of the reference" in drift.finding
    assert by_subject(run())["validation:f1 · vehicles"].verdict == "met"  # the rolling one slid along


@pytest.mark.parametrize(
    "baseline",
    [
        DriftBaseline(from_at=START, until_at=START + timedelta(hours=6 * 12)),
        DriftBaseline(pinned=tuple(f"vehicles-{number}" for number in range(12))),
    ],
)
def test_the_reference_may_be_a_baseline(
    build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path, baseline: DriftBaseline
) -> None:
    fill_runs(build, 7, changed={"validation:f1": np.repeat([0.0, -4.0], [12, 28])})
    write_drift_file(tmp_path, reference={"baseline": "spring"})
    known = settings.model_copy(update={"drift_baselines": {"spring": baseline}})
    drift = by_subject(run_drift(build, known, evaluator, None, tmp_path))["validation:f1 · vehicles"]
    assert (drift.reference_count, drift.verdict) == (12, "not_met")
    assert "in the 12 of the baseline spring" in drift.finding


def test_subjects_that_ended_long_ago_are_left_out(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 8)
    build.execute(
        "insert into fct_run_metric by name select * replace ('old' as experiment_name, "
        "ended_at - interval 90 day as ended_at) from fct_run_metric"
    )
    assert len(run()) == 2 * len(METRICS)
    results = run(recent_days=30)
    assert {str(result.subject).rpartition(" · ")[2] for result in results} == {"vehicles"}


def test_accounts_are_told_apart_where_there_are_several(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 9)
    build.execute("update fct_run_metric set account_id = '111122223333'")
    assert len(run(apart=["account_id"])) == len(METRICS)
    build.execute(
        "insert into fct_run_metric by name select * replace ('444455556666' as account_id) from fct_run_metric"
    )
    results = run(apart=["account_id"])
    assert len(results) == 2 * len(METRICS)
    assert "train:f1 · vehicles · 444455556666" in by_subject(results)


def test_who_works_does_not_matter_within_a_worker(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    """The slow one does the newest answers; later everybody is hurrying."""
    random = np.random.default_rng(10)
    times = random.lognormal(3, 0.2, size=400) * np.r_[np.tile([1.0, 3.0], 150), np.full(100, 3.0)]
    answers = [
        {
            "labeling_job_name": "Birds",
            "worker_id": f"worker-{'slow' if number >= 300 or number % 2 else 'quick'}",
            "event_at": START + timedelta(minutes=number),
            "time_spent_seconds": float(seconds),
            "position": str(number),
        }
        for number, seconds in enumerate(times)
    ]
    file: dict[str, Any] = {"order": "event_at", "subject": ["labeling_job_name"], "key": None}
    file |= {
        "higher_is_better": None,
        "checks": [{"threshold": 0.5}],
        "reference": {"values": 200},
        "current": {"values": 100},
    }
    put(build, "raw.worker_responses", answers)
    stem = "raw.worker_responses.time_spent_seconds"
    assert run(stem, **file)[0].verdict == "not_met"
    (within,) = run(stem, within="worker_id", **file)
    assert (within.verdict, within.subject) == ("met", "birds")
    hurried = [
        answer | {"time_spent_seconds": answer["time_spent_seconds"] * (0.4 if number >= 320 else 1)}
        for number, answer in enumerate(answers)
    ]
    put(build, "raw.worker_responses", hurried)
    (within,) = run(stem, within="worker_id", **file)
    assert within.verdict == "not_met"
    assert "worker" not in repr(within).replace("worker_responses", "")


def test_a_table_that_is_not_there_holds(evaluator: Evaluator, settings: Settings, tmp_path: Path) -> None:
    write_drift_file(tmp_path)
    write_drift_file(tmp_path, "fct_run_metric.best_valeu")
    with duckdb.connect() as connection:
        results = run_drift(connection, settings, evaluator, None, tmp_path)
    assert [result.verdict for result in results] == ["not_evaluated", "not_evaluated"]
    assert len(holds(results)) == 2
    assert "unknown column: 'best_valeu' (allowed: best_value" in results[0].finding
    assert "does not exist" in results[1].finding
    assert [result.check_number for result in results] == [0, 1]


def test_a_crash_of_great_expectations_holds(
    build: duckdb.DuckDBPyConnection, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any, **__: Any) -> Any:
        raise RuntimeError("quotes canary@example.com")

    fill_runs(build, 11)
    monkeypatch.setattr(Evaluator, "validate", crash)
    (result,) = run()
    assert (result.verdict, result.is_hold) == ("not_evaluated", True)
    assert "RuntimeError" in result.finding
    assert "canary" not in repr(result)


def test_families_share_their_false_alarm_rate(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    """What is unlikely alone is not among many."""
    fill_runs(build, 12, changed={"validation:f1": -1.1 * STEP})
    (alone,) = run(where="metric_name = 'validation:f1'")
    assert alone.verdict == "not_met"
    assert 0.01 < (alone.p_value or 0) < 0.05
    among = by_subject(run())["validation:f1 · vehicles"]
    assert (among.verdict, among.p_value) == ("met", alone.p_value)
    assert "may have moved by chance" in among.finding


class Docs:
    """Takes what Great Expectations said."""

    def __init__(self) -> None:
        self.added: list[tuple[str, str, list[Any]]] = []

    def add(self, suite: str, table_name: str, results: Any, /) -> None:
        self.added.append((suite, table_name, list(results)))


def test_docs_get_what_great_expectations_said(
    build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path
) -> None:
    from great_expectations.render.renderer.content_block import ValidationResultsTableContentBlockRenderer

    fill_runs(build, 1, changed={"validation:accuracy": -3 * STEP})
    write_drift_file(tmp_path)
    docs = Docs()
    run_drift(build, settings, evaluator, docs, tmp_path)
    ((suite, table_name, (validation,)),) = docs.added
    assert (suite, table_name, validation.success) == ("drift", "fct_run_metric", False)
    details = validation.result["details"]
    assert details["subject"] == "validation:accuracy · vehicles"
    assert details["picture"]["kind"] == "histogram"
    assert len(details["subjects"]) == len(METRICS)
    json.dumps(validation.to_json_dict(), allow_nan=False)
    rendered = json.dumps(ValidationResultsTableContentBlockRenderer.render([validation]).to_json_dict())
    for shown in ("Nothing moves by more than 1.0.", "mean shift", "$threshold", "fell, which is worse", "vega-lite"):
        assert shown in rendered


@pytest.mark.parametrize("kind", ["histogram", "categories", "series"])
def test_pictures_can_be_drawn_by_vega_lite(kind: str) -> None:
    import altair

    from labelhouse.checks import pictures

    values = np.arange(30.0)
    picture = {
        "histogram": lambda: pictures.histogram(values, values[20:]),
        "categories": lambda: pictures.categories(["cat", "dog"], [0.5, 0.5], [1, 0]),
        "series": lambda: pictures.series(values, 20, 21),
    }[kind]()
    assert picture["kind"] == kind
    altair.Chart.from_dict(pictures.vega_lite(picture), validate=True)


def test_results_are_strict_json_and_finite(build: duckdb.DuckDBPyConnection, run: Runner) -> None:
    fill_runs(build, 33)
    build.execute(
        "update fct_run_metric set final_value = if(run_id in ('r39', 'r38', 'r37'), 2, 1) "
        "* if(metric_name = 'train:f1', 8e307, if(metric_name = 'train:loss', 1e-307, 1))"
    )
    checks = [{"statistic": name} for name in ("psi", "wasserstein", "mean_shift", "variance_ratio", "jensen_shannon")]
    for result in run(checks=checks):
        assert result.verdict in ("met", "not_met")
        assert math.isfinite(result.statistic_value or 0)
        json.loads(result.picture_json or "{}", parse_constant=pytest.fail)
