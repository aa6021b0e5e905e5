"""What is trained: four experiments that repeat without end, their runs, and what goes wrong in four of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Literal

import numpy as np

from labelhouse.demo.chance import generator
from labelhouse.demo.drifts import FADING, SLOWER
from labelhouse.demo.learning_curves import METRICS, Flaw, learning_curves


@dataclass(frozen=True, slots=True)
class TrainingProject:
    """What the runs of one experiment have in common.

    Args:
        experiment: its name.
        run_group: name of the trial that all runs belong to.
        labels: stem of the labelling jobs whose labels go in.
        job_stem: start of the training jobs' names; None: runs in a notebook, without training jobs.
        first: when the first run begins, after the start of the world.
        every: from one run to the next.
        jitter: how much earlier or later a run may begin.
        steps_apart: from one reported step to the next.
        goals: validation accuracy that the first run reaches, and the one that later runs come close to.
        step_counts: fewest and most steps that a run reports.
        instance_type: that its training jobs run on.
        is_spot: whether they wait for spare capacity, and cost less.
        warm_seconds: how long their instances are kept for the next one.
    """

    experiment: str
    run_group: str
    labels: str
    job_stem: str | None
    first: timedelta
    every: timedelta
    jitter: timedelta
    steps_apart: int
    goals: tuple[float, float]
    step_counts: tuple[int, int] = (30, 60)
    instance_type: str = "ml.g5.xlarge"
    is_spot: bool = False
    warm_seconds: int = 0

    def goal(self, number: int) -> float:
        """Validation accuracy that a run should reach: more labels make a better model."""
        first, last = self.goals
        return last - (last - first) * float(np.exp(-(number - 1) / 9)) - self._faded(number)

    def _faded(self, number: int) -> float:
        """What the model has lost of it again; after twenty runs it loses no more."""
        if not FADING.affects(self.experiment, number):
            return 0.0
        return FADING.strength * min(number - FADING.since + 1, 20)


VEHICLES = TrainingProject(
    experiment="vehicle-types",
    run_group="vehicle-types-retraining",
    labels="Vehicle-Types-Batch",
    job_stem="vehicle-types-resnet",
    first=timedelta(hours=3),
    every=timedelta(hours=12),
    jitter=timedelta(minutes=80),
    steps_apart=50,
    goals=(0.893, 0.929),
    warm_seconds=600,
)
#: Its seventh run begins shortly after the two weeks of history: who starts the demo can watch one.
SPECIES = TrainingProject(
    experiment="camera-trap-species",
    run_group="Default-Run-Group-camera-trap-species",
    labels="Wildlife-Camera-Traps",
    job_stem=None,
    first=timedelta(hours=12, minutes=10),
    every=timedelta(hours=54),
    jitter=timedelta(0),
    steps_apart=1,
    goals=(0.872, 0.884),
)
#: These two have learnt what there is to learn; each of them drifts in its way.
SCENES = TrainingProject(
    experiment="road-scenes-boxes",
    run_group="road-scenes-boxes-retraining",
    labels="Road-Scenes-Adjustment",
    job_stem="road-scenes-detector",
    first=timedelta(hours=5),
    every=timedelta(hours=12),
    jitter=timedelta(minutes=50),
    steps_apart=50,
    goals=(0.905, 0.905),
    step_counts=(16, 24),
    instance_type="ml.p3.2xlarge",
    is_spot=True,
)
PRODUCTS = TrainingProject(
    experiment="shelf-products",
    run_group="Default-Run-Group-shelf-products",
    labels="retail-shelf-products",
    job_stem=None,
    first=timedelta(hours=9),
    every=timedelta(hours=12),
    jitter=timedelta(minutes=50),
    steps_apart=1,
    goals=(0.926, 0.926),
    step_counts=(16, 24),
)
TRAINING_PROGRAMME = (VEHICLES, SPECIES, SCENES, PRODUCTS)

#: From this run on (the first of the second week) the vehicles train on twice the instances, and their bill doubles.
TWICE_THE_INSTANCES_SINCE = 15

IncidentKind = Literal["diverging", "dip", "foreign_writer", "written_after_completion"]


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that goes wrong in one run.

    Args:
        project: of the run.
        run_number: of the run in its project, from 1.
        story: what happens, as one sentence.
    """

    kind: IncidentKind
    project: TrainingProject
    run_number: int
    story: str


DIVERGING = Incident(
    "diverging", VEHICLES, 9, "From the middle on the validation loss rises, and once it is no number at all."
)
FOREIGN_WRITER = Incident(
    "foreign_writer", VEHICLES, 15, "A user from another network adds better accuracies to a run that is not theirs."
)
WRITTEN_AFTER_COMPLETION = Incident(
    "written_after_completion",
    VEHICLES,
    20,
    "After the run is completed its last points are sent again, twice, and points of a step far ahead follow.",
)
DIP = Incident("dip", VEHICLES, 26, "The third-to-last run of the two weeks validates far worse than its neighbours.")
#: Everything that goes wrong in one run on purpose, in the order of time. All other runs are sound.
INCIDENTS = (DIVERGING, FOREIGN_WRITER, WRITTEN_AFTER_COMPLETION, DIP)


@dataclass(frozen=True, slots=True)
class Point:
    """One value of one metric of a run; NaN where it was no number."""

    metric_name: str
    step: int
    at: datetime
    value: float


@dataclass(frozen=True, slots=True)
class Run:
    """One training.

    Args:
        number: in its project, from 1.
        created_at: when its training job, or its trial component, is created; points follow minutes later.
        completed_at: when its trial component is completed; its last point was sent before.
        points: everything that the training itself reports, in the order of time.
    """

    project: TrainingProject
    number: int
    created_at: datetime
    completed_at: datetime
    points: tuple[Point, ...]

    @property
    def training_job_name(self) -> str | None:
        """Name of its training job, as the SDK makes it; None in a notebook."""
        stem, at = self.project.job_stem, self.created_at
        return stem and f"{stem}-{at:%Y-%m-%d-%H-%M-%S}-{at.microsecond // 1000:03d}"

    @property
    def name(self) -> str:
        """Name of its trial component."""
        job = self.training_job_name
        return f"{job}-aws-training-job" if job else f"{self.project.experiment}-{self.display_name}"

    @property
    def display_name(self) -> str:
        """What people call it."""
        return f"run-{self.number:02d}"

    @property
    def instance_count(self) -> int:
        """Instances that its training job runs on."""
        return 2 if self.project is VEHICLES and self.number >= TWICE_THE_INSTANCES_SINCE else 1

    @property
    def hyper_parameters(self) -> dict[str, str]:
        """What somebody tries out from one run to the next, without finding anything better."""
        rng = generator(0, "hyper-parameters", self.project.experiment, self.number)
        return {
            "learning_rate": str(rng.choice(["0.0005", "0.001", "0.002"])),
            "mini_batch_size": str(rng.choice(["16", "32", "64"])),
            "optimizer": str(rng.choice(["adam", "sgd"])),
            "num_classes": "6",
        }

    @property
    def incident(self) -> Incident | None:
        """What goes wrong in it."""
        return next(
            (each for each in INCIDENTS if (each.project, each.run_number) == (self.project, self.number)), None
        )

    @property
    def last_step(self) -> int:
        """The last step of the training itself."""
        return self.points[-1].step


def runs(seed: int, start: datetime, project: TrainingProject) -> Iterator[Run]:
    """The runs of a project in a world that begins at `start` (UTC), one after the other, without end."""
    for number in count(1):
        rng = generator(seed, "run", project.experiment, number)
        planned_at = start + project.first + (number - 1) * project.every
        created_at = planned_at + float(rng.uniform(-1, 1)) * project.jitter
        waiting = timedelta(seconds=float(rng.uniform(140, 230)) if project.job_stem else 8)
        points = _points(rng, project, number, created_at + waiting)
        completed_at = points[-1].at + timedelta(seconds=float(rng.uniform(40, 75)))
        yield Run(project, number, created_at, completed_at, points)


def run_of(incident: Incident, seed: int, start: datetime) -> Run:
    """The run in which an incident happens."""
    return next(run for run in runs(seed, start, incident.project) if run.number == incident.run_number)


def _points(rng: np.random.Generator, project: TrainingProject, number: int, first_at: datetime) -> tuple[Point, ...]:
    """Steps of 10 to 25 minutes together, unless trainings became slower; validation follows a moment after each."""
    step_count = int(rng.integers(*project.step_counts, endpoint=True))
    seconds_apart = 60 * float(rng.uniform(10.5, 24)) / (step_count - 1)
    if SLOWER.affects(project.experiment, number):
        seconds_apart *= SLOWER.strength
    flaw = Flaw(
        diverges=(project, number) == (DIVERGING.project, DIVERGING.run_number),
        dips=(project, number) == (DIP.project, DIP.run_number),
    )
    curves = learning_curves(rng, project.goal(number), step_count, flaw)
    found = []
    for index in range(step_count):
        trained_at = first_at + timedelta(seconds=seconds_apart * (index + float(rng.uniform(0, 0.3))))
        validated_at = trained_at + timedelta(seconds=seconds_apart * float(rng.uniform(0.1, 0.3)))
        for name in METRICS:
            at = trained_at if name.startswith("train:") else validated_at
            found.append(Point(name, (index + 1) * project.steps_apart, at, curves[name][index]))
    return tuple(found)
