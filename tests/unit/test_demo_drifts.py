"""The demo's drifts: each is in the history from where it says on, and the rest of the history stays as it is."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile

import numpy as np
import pytest
from scipy import stats

from labelhouse.demo.drifts import COMMONER, DRIFTS, FADING, RUSHED, SLOWER, UNSURE, Drift
from labelhouse.demo.ground_truth import manifest_key
from labelhouse.demo.jobs import PROGRAMME
from labelhouse.demo.training_runs import SCENES, TRAINING_PROGRAMME, Run, TrainingProject, runs
from labelhouse.demo.world import HISTORY, Acceptance, Write, history

START = datetime(2026, 3, 4, 9, tzinfo=UTC)
SEEDS = (7, 8, 2026)
#: What comes by chance less often than once in a thousand histories.
IMPROBABLE = 1e-3


@dataclass(slots=True)
class Labelling:
    """One job of the two weeks, in the order of its objects and of its answers."""

    classes: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    days: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


@cache
def labelling(seed: int) -> dict[str, Labelling]:
    """Name of the job → what people did in it."""
    jobs: dict[str, Labelling] = defaultdict(Labelling)
    manifests: dict[str, bytes] = {}
    for each in takewhile(lambda each: each.at < START + HISTORY, history(seed, START)):
        if isinstance(each, Write) and each.key.endswith(manifest_key("")):
            manifests[each.key.partition("/")[0]] = each.body
        elif isinstance(each, Acceptance):
            jobs[each.job.name].days.append((each.at - START) / timedelta(days=1))
            jobs[each.job.name].seconds.append(each.answer.time_spent_seconds)
    for name, body in manifests.items():
        for index, line in enumerate(body.splitlines()):
            for metadata in (value for value in json.loads(line).values() if isinstance(value, dict)):
                if metadata.get("human-annotated") == "yes" and "class-name" in metadata:
                    jobs[name].indices.append(index)
                    jobs[name].classes.append(metadata["class-name"])
                    jobs[name].confidences.append(metadata["confidence"])
    return jobs


@cache
def historic(seed: int, project: TrainingProject) -> list[Run]:
    """The runs of the two weeks."""
    return list(takewhile(lambda run: run.completed_at < START + HISTORY, runs(seed, START, project)))


def parted(drift: Drift, values: list[float], positions: list[float] | list[int]) -> tuple[np.ndarray, np.ndarray]:
    """The values before the drift and from it on."""
    affected = np.array(positions) >= drift.since
    return np.array(values)[~affected], np.array(values)[affected]


def halves(values: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """The earlier and the later half."""
    middle = len(values) // 2
    return np.array(values[:middle]), np.array(values[middle:])


def run_times(project_runs: list[Run]) -> list[float]:
    """From the first to the last point, in seconds."""
    return [(run.points[-1].at - run.points[0].at).total_seconds() for run in project_runs]


def finals(project_runs: list[Run], metric_name: str) -> list[float]:
    """The last value of a metric in each run."""
    return [[point.value for point in run.points if point.metric_name == metric_name][-1] for run in project_runs]


def test_drifts_say_what_happens_where() -> None:
    experiments = {project.experiment for project in TRAINING_PROGRAMME}
    first_jobs = {f"{project.stem}-01" for project in PROGRAMME}
    assert len({drift.kind for drift in DRIFTS}) == len({drift.subject for drift in DRIFTS}) == len(DRIFTS) == 5
    for drift in DRIFTS:
        assert drift.subject in (experiments if drift in (SLOWER, FADING) else first_jobs)
        assert drift.story.endswith(".")
        assert drift.affects(drift.subject, drift.since)
        assert not drift.affects(drift.subject, drift.since - 1)
        assert not drift.affects("Another-Job-01", drift.since)


@pytest.mark.parametrize("seed", SEEDS)
def test_trainings_become_twice_as_slow_and_no_better(seed: int) -> None:
    found = historic(seed, SCENES)
    before, after = parted(SLOWER, run_times(found), [run.number for run in found])
    assert len(after) == 8
    assert 1.7 < np.median(after) / np.median(before) < 2.4
    assert stats.ks_2samp(before, after).pvalue < IMPROBABLE
    for name in ("validation:accuracy", "validation:loss", "train:accuracy"):
        before, after = parted(SLOWER, finals(found, name), [run.number for run in found])
        assert stats.ks_2samp(before, after).pvalue > IMPROBABLE, name


@pytest.mark.parametrize("seed", SEEDS)
def test_a_model_fades_slowly(seed: int) -> None:
    found = historic(seed, next(project for project in TRAINING_PROGRAMME if project.experiment == FADING.subject))
    before, after = parted(FADING, finals(found, "validation:accuracy"), [run.number for run in found])
    assert stats.kendalltau(range(len(before)), before).pvalue > 0.01
    assert stats.kendalltau(range(len(after)), after).pvalue < IMPROBABLE
    assert max(abs(np.diff(after))) < 0.02, "no single run stands out"
    assert 0.85 < after[-1] < before.mean() - 0.03


@pytest.mark.parametrize("seed", SEEDS)
def test_one_class_becomes_twice_as_frequent(seed: int) -> None:
    job = labelling(seed)[COMMONER.subject]
    before, after = (
        dict(zip(*np.unique(each, return_counts=True), strict=True))
        for each in parted(COMMONER, job.classes, job.indices)  # type: ignore[arg-type]  # names instead of numbers
    )
    names = sorted(before.keys() | after.keys())
    table = np.array([[each.get(name, 0) for name in names] for each in (before, after)])
    shares = table / table.sum(axis=1, keepdims=True)
    commoner = int(np.argmax(shares[1] - shares[0]))
    assert 1.6 < shares[1, commoner] / shares[0, commoner] < 2.8
    assert stats.chi2_contingency(table).pvalue < IMPROBABLE
    others = np.delete(table, commoner, axis=1)
    assert stats.chi2_contingency(others).pvalue > IMPROBABLE, "the others keep their proportions"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_votes_are_trusted_less(seed: int) -> None:
    job = labelling(seed)[UNSURE.subject]
    before, after = parted(UNSURE, job.confidences, job.indices)
    assert before.mean() - after.mean() > 0.04
    assert stats.ks_2samp(before, after).pvalue < IMPROBABLE


@pytest.mark.parametrize("seed", SEEDS)
def test_workers_rush_in_the_last_days(seed: int) -> None:
    job = labelling(seed)[RUSHED.subject]
    before, after = parted(RUSHED, job.seconds, job.days)
    assert min(len(before), len(after)) > 200
    assert 0.3 < np.median(after) / np.median(before) < 0.55
    assert stats.ks_2samp(before, after).pvalue < IMPROBABLE


def _undrifted(seed: int) -> Iterator[tuple[str, list[float]]]:
    """Every other series of the labelling, with its name; what is shared out comes worker by worker, in few pieces."""
    shared_out = {f"{project.stem}-01" for project in PROGRAMME if project.people}
    for name, job in labelling(seed).items():
        if name in shared_out:
            continue
        if name != UNSURE.subject:
            yield f"confidences of {name}", job.confidences
        if name != RUSHED.subject:
            yield f"seconds of {name}", job.seconds


@pytest.mark.parametrize("seed", SEEDS)
def test_no_other_job_shifts_much(seed: int) -> None:
    """Who works changes from day to day, so rows are not independent: the size of a shift tells, not its p-value."""
    for name, values in _undrifted(seed):
        if len(values) > 1:
            before, after = halves(values)
            assert abs(np.mean(after) - np.mean(before)) < 0.6 * np.std(before), name


@pytest.mark.parametrize("seed", SEEDS)
def test_no_other_training_becomes_slower(seed: int) -> None:
    for project in TRAINING_PROGRAMME:
        if project.experiment != SLOWER.subject:
            before, after = halves(run_times(historic(seed, project)))
            assert stats.ks_2samp(before, after).pvalue > IMPROBABLE, project.experiment
