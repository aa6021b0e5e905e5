"""The demo's trainings: a function of seed and start, plausible where nothing is wrong, and wrong where it says so."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from statistics import median

import pytest

from labelhouse.demo.account import MINIMUM_CRITERIA
from labelhouse.demo.drifts import SLOWER
from labelhouse.demo.learning_curves import METRICS
from labelhouse.demo.training_runs import (
    DIP,
    DIVERGING,
    INCIDENTS,
    SCENES,
    SPECIES,
    TRAINING_PROGRAMME,
    VEHICLES,
    Run,
    TrainingProject,
    run_of,
    runs,
)
from labelhouse.demo.world import HISTORY

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)
#: As AWS documents names of trial components.
NAME = re.compile(r"[a-z0-9](-*[a-z0-9]){0,119}")


def historic(project: TrainingProject, seed: int = SEED) -> list[Run]:
    """The runs of the first two weeks."""
    return list(takewhile(lambda run: run.created_at < START + HISTORY, runs(seed, START, project)))


@pytest.fixture(scope="module")
def all_runs() -> list[Run]:
    """Every run of the two weeks."""
    return [run for project in TRAINING_PROGRAMME for run in historic(project)]


def values(run: Run, metric_name: str) -> list[float]:
    """The values of one metric, step by step."""
    return [point.value for point in run.points if point.metric_name == metric_name]


def test_the_same_seed_trains_the_same_and_another_does_not() -> None:
    assert [run.name for run in historic(VEHICLES)] == [run.name for run in historic(VEHICLES)]
    again = historic(VEHICLES)[3]
    assert again.points == historic(VEHICLES)[3].points
    assert historic(VEHICLES, seed=8)[3].points != again.points


def test_runs_come_every_few_hours_and_last_minutes(all_runs: list[Run]) -> None:
    assert 80 <= len(all_runs) <= 95
    assert len({run.name for run in all_runs}) == len(all_runs)
    for run in all_runs:
        assert NAME.fullmatch(run.name)
        steps = sorted({point.step for point in run.points})
        fewest, most = run.project.step_counts
        assert fewest <= len(steps) <= most
        assert run.last_step == steps[-1]
        assert len(run.points) == len(METRICS) * len(steps)
        times = SLOWER.strength if SLOWER.affects(run.project.experiment, run.number) else 1
        assert timedelta(minutes=10) <= (run.points[-1].at - run.points[0].at) / times <= timedelta(minutes=25)
        assert run.created_at < run.points[0].at
        assert all(earlier.at <= later.at for earlier, later in pairwise(run.points))
        assert run.points[-1].at + timedelta(seconds=30) < run.completed_at
    for project in TRAINING_PROGRAMME:
        for earlier, later in pairwise(historic(project)):
            assert later.created_at - earlier.completed_at > timedelta(hours=8)


def test_runs_are_named_by_their_training_job_or_by_their_experiment(all_runs: list[Run]) -> None:
    for run in all_runs:
        if run.project in (VEHICLES, SCENES):
            assert run.name == f"{run.training_job_name}-aws-training-job"
        else:
            assert run.training_job_name is None
            assert run.name == f"{run.project.experiment}-run-{run.number:02d}"


def test_a_run_begins_soon_after_the_demo_does() -> None:
    following = next(run for run in runs(SEED, START, SPECIES) if run.created_at >= START + HISTORY)
    assert following.created_at - (START + HISTORY) <= timedelta(minutes=30)


def test_sound_runs_learn_and_reach_their_criterion(all_runs: list[Run]) -> None:
    for run in all_runs:
        if run.incident in (DIP, DIVERGING):
            continue
        for name in METRICS:
            curve = values(run, name)
            assert all(map(math.isfinite, curve))
            begin, end, sign = median(curve[:5]), median(curve[-5:]), 1 if name.endswith("accuracy") else -1
            assert sign * (end - begin) > 0.2, f"{run.name} learns little: {name}"
        assert 0 < max(values(run, "train:accuracy")) < 1
        assert values(run, "validation:accuracy")[-1] > MINIMUM_CRITERIA["validation:accuracy"]["at_least"]
        assert values(run, "train:accuracy")[-1] > values(run, "validation:accuracy")[-1]
        assert values(run, "validation:loss")[-1] < 1.2 * min(values(run, "validation:loss"))


def test_every_incident_is_in_one_run_of_the_two_weeks(all_runs: list[Run]) -> None:
    assert [run.incident for run in all_runs if run.incident] == list(INCIDENTS)
    assert len({incident.kind for incident in INCIDENTS}) == len(INCIDENTS) == 4
    for incident in INCIDENTS:
        assert run_of(incident, SEED, START).incident == incident
        assert incident.story.endswith(".")


@pytest.mark.parametrize("seed", [7, 8, 2026])
def test_the_diverging_run_diverges(seed: int) -> None:
    loss = values(run_of(DIVERGING, seed, START), "validation:loss")
    assert sum(map(math.isnan, loss)) == 1
    numbers = [value for value in loss if math.isfinite(value)]
    assert numbers[-1] > 2 * min(numbers)
    assert numbers.index(min(numbers)) < len(numbers) * 0.7
    accuracy = values(run_of(DIVERGING, seed, START), "validation:accuracy")
    assert accuracy[-1] > 0.85, "it is too sure of itself, but no less accurate"


@pytest.mark.parametrize("seed", [7, 8, 2026])
def test_the_third_to_last_run_dips(seed: int) -> None:
    vehicles = historic(VEHICLES, seed)
    assert vehicles[-3].incident == DIP
    finals = [values(run, "validation:accuracy")[-1] for run in vehicles]
    dip = finals.pop(-3)
    assert dip < min(finals) - 0.08
    assert dip < MINIMUM_CRITERIA["validation:accuracy"]["at_least"]
    assert max(finals[-5:]) - min(finals[-5:]) < 0.03
