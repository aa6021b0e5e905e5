"""The drift files that are shipped: what is planted is found and named, and without drift they keep quiet."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from checked_build import open_build
from drift_histories import fill_runs, objects, put
from labelhouse.checks.drift.run import run_drift
from labelhouse.checks.evaluate import Evaluator
from labelhouse.checks.suites import EXPECTATIONS_DIR
from labelhouse.settings import Settings

STEP = np.repeat([0.0, 1.0], [32, 8])
TRAINING = ("fct_run_metric.final_value", "fct_run_metric.validation_gap", "dim_run.duration_seconds")


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator()


@pytest.fixture(scope="module")
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_build() as connection:
        yield connection


def shipped(folder: Path, *stems: str) -> Path:
    """A folder of expectations that holds some of the drift files that are shipped."""
    (folder / "drift").mkdir()
    for stem in stems:
        shutil.copy(EXPECTATIONS_DIR / "drift" / f"{stem}.yaml", folder / "drift")
    return folder


def test_without_drift_alarms_are_as_rare_as_declared(
    build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path
) -> None:
    """200 histories of six metrics, their gaps and run times: 45 comparisons each, one family."""
    folder = shipped(tmp_path, *TRAINING)
    alarms = 0
    for seed in range(200):
        fill_runs(build, 1000 + seed)
        results = run_drift(build, settings, evaluator, None, folder)
        assert {result.verdict for result in results} <= {"met", "not_met"}
        alarms += any(result.verdict == "not_met" for result in results)
    assert alarms <= settings.drift_false_alarm_ratio * 200


SLIDE = np.r_[np.zeros(8), np.linspace(0, 5, 32)]
#: Planted drift · the history's arguments · subject · checks that find it.
PLANTED: dict[str, tuple[dict[str, Any], str, set[str]]] = {
    "a metric falls": (
        {"changed": {"validation:accuracy": -5 * STEP}},
        "validation:accuracy · vehicles",
        {"final_value: mean_shift", "final_value: wasserstein", "final_value: pettitt"},
    ),
    "a loss rises": (
        {"changed": {"train:loss": 4 * STEP}},
        "train:loss · vehicles",
        {"final_value: mean_shift", "final_value: wasserstein"},
    ),
    "a metric slides": (
        {"changed": {"validation:f1": -SLIDE}},
        "validation:f1 · vehicles",
        {"final_value: kendall_tau"},
    ),
    "a metric scatters": (
        {"changed": {"validation:f1": np.r_[np.zeros(32), np.tile([8.0, -8.0], 4)]}},
        "validation:f1 · vehicles",
        {"final_value: variance_ratio"},
    ),
    "the gap widens": (
        {"changed": {"train:accuracy": 5 * STEP}},
        "validation:accuracy · vehicles",
        {"validation_gap: mean_shift"},
    ),
    "runs take twice as long": (
        {"durations": 1 + STEP},
        "vehicles",
        {"duration_seconds: mean_shift", "duration_seconds: pettitt"},
    ),
}


@pytest.mark.parametrize("kind", PLANTED)
def test_planted_drifts_of_runs_are_found(
    build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path, kind: str
) -> None:
    history, subject, checks = PLANTED[kind]
    fill_runs(build, 30, **history)
    results = run_drift(build, settings, evaluator, None, shipped(tmp_path, *TRAINING))
    found = {(result.subject, result.check_name) for result in results if result.verdict == "not_met"}
    assert {(subject, check) for check in checks} <= found
    if kind == "a metric falls":
        (change,) = (
            result for result in results if result.check_name.endswith("pettitt") and result.subject == subject
        )
        # three quiet runs before it were low by chance
        assert "changed at vehicles-29, which is worse" in change.finding


def test_planted_drifts_of_objects_are_found_and_named(
    build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path
) -> None:
    random = np.random.default_rng(31)
    calm = random.choice(["car", "bus", "bike"], p=[0.3, 0.4, 0.3], size=300)
    shifted = np.r_[calm[:200], random.choice(["car", "bus", "bike"], p=[0.65, 0.2, 0.15], size=100)]
    confidences = random.beta(8, 2, size=300)
    tied = np.where(calm == "car", confidences * 0.5, confidences)
    rows = objects("calm", confidences, calm) + objects("shifted", confidences, shifted)
    rows += objects("doubtful", confidences * np.repeat([1.0, 0.8], [200, 100]), calm)
    rows += objects("untied", np.r_[tied[:200], confidences[200:]], calm) + objects(
        "small", confidences[:60], calm[:60]
    )
    put(build, "fct_dataset_object", rows)
    stems = ("fct_dataset_object.confidence_ratio", "fct_dataset_object.consolidated_label")
    results = run_drift(build, settings, evaluator, None, shipped(tmp_path, *stems))
    found = {(str(result.subject), result.check_name): result for result in results if result.verdict == "not_met"}
    assert {subject for subject, _ in found} == {"shifted", "doubtful", "untied"}
    assert (
        "shifted shifted: car 72% in the last 100 objects against 26% in the 200 before"
        in found["shifted", "consolidated_label: psi"].finding
    )
    assert "fell, which is worse" in found["doubtful", "confidence_ratio: mean_shift"].finding
    untied = found["untied", "confidence_ratio: correlation_shift with consolidated_label"]
    assert "goes with consolidated_label otherwise" in untied.finding
    small = {result.verdict for result in results if result.subject == "small"}
    assert small == {"not_enough_data"}


def test_planted_drifts_of_labels_and_frames_are_found_and_named(
    build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path
) -> None:
    random = np.random.default_rng(35)
    at = [datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=number) for number in range(2400)]
    classes = {"calm": [0.3, 0.4, 0.3], "shifted": [0.8, 0.1, 0.1]}
    labels = [
        {"labeling_job_name": job, "dataset_object_id": str(number), "labeled_at": at[number], "is_current": True,
         "category": random.choice(["car", "bus", "bike"], p=classes["calm"] if number < 1400 else later)}
        for job, later in classes.items() for number in range(2400)
    ]  # fmt: skip
    frames = [
        {"labeling_job_name": job, "dataset_object_id": str(number), "labeled_at": at[number], "is_current": True,
         "annotation_count": int(random.poisson(6 if number < 1400 else later))}
        for job, later in (("steady", 6), ("emptier", 2)) for number in range(2400)
    ]  # fmt: skip
    put(build, "fct_annotation", labels)
    put(build, "fct_frame", frames)
    stems = ("fct_annotation.category", "fct_frame.annotation_count")
    results = run_drift(build, settings, evaluator, None, shipped(tmp_path, *stems))
    assert {result.subject: result.verdict for result in results} == {
        "calm": "met", "shifted": "not_met", "steady": "met", "emptier": "not_met",
    }  # fmt: skip
    findings = {result.subject: result.finding for result in results}
    assert "car" in findings["shifted"]
    assert "fell" in findings["emptier"]


def test_jobs_without_classes_have_confidence_all_the_same(
    build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path
) -> None:
    confidences = np.random.default_rng(34).beta(8, 2, size=300) * np.repeat([1.0, 0.8], [200, 100])
    rows = objects("boxes", confidences, np.full(300, "", dtype=object))
    put(build, "fct_dataset_object", [row | {"consolidated_label": None} for row in rows])
    stems = ("fct_dataset_object.confidence_ratio", "fct_dataset_object.consolidated_label")
    results = run_drift(build, settings, evaluator, None, shipped(tmp_path, *stems))
    assert {(result.subject, result.check_name, result.verdict) for result in results} == {
        ("boxes", "confidence_ratio: mean_shift", "not_met"),
        ("boxes", "confidence_ratio: psi", "not_met"),
        (None, "confidence_ratio: correlation_shift with consolidated_label", "not_enough_data"),
        (None, "consolidated_label: psi", "not_enough_data"),
    }


def test_a_run_under_way_is_no_data_point(
    build: duckdb.DuckDBPyConnection, evaluator: Evaluator, settings: Settings, tmp_path: Path
) -> None:
    fill_runs(build, 32, changed={"validation:accuracy": -3 * STEP})
    folder = shipped(tmp_path, "fct_run_metric.final_value")
    newest = datetime(2026, 3, 10, 18, tzinfo=UTC)
    for status in ("InProgress", "Failed", None):
        build.execute(
            "update dim_run set status = $1, last_point_at = $2 where substr(run_id, 2)::int >= 32", [status, newest]
        )
        results = run_drift(build, settings, evaluator, None, folder)
        assert {result.verdict for result in results} == {"met"}
        assert all((result.current_count or 0) + (result.reference_count or 0) <= 32 for result in results)
