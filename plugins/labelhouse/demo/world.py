"""The labelling in the demo's world: workers, jobs and what they do, as a function of a seed and a start.

`history` plays it as an agenda of things to happen, earliest first. Everybody's choices come from a
generator of their own, so the first two weeks are the same however long it is played, on every machine.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, ParamSpec

import numpy as np

from labelhouse.demo import ground_truth
from labelhouse.demo.answers import answer_to, consolidate
from labelhouse.demo.chance import generator
from labelhouse.demo.crafts import TASKS_A_SHIFT, answer_of, label_of, next_shift, shares
from labelhouse.demo.drifts import RUSHED, UNSURE
from labelhouse.demo.jobs import FORTNIGHT_DAYS, PROGRAMME, Answer, DatasetObject, Job, Project
from labelhouse.demo.people import Worker, crowd, issuer, team

#: A new world has this much history.
HISTORY = timedelta(days=14)
#: Once this share of the people's objects is labelled, automated labelling does the rest.
AUTO_LABELING_STARTS = 0.6
#: An object that nobody can open fails when its tasks expire.
TASK_LIFETIME = timedelta(hours=40)

P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Write:
    """One object that AWS writes: when, its key below the place where it writes, its bytes."""

    at: datetime
    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Launch:
    """A job begins."""

    at: datetime
    job: Job


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A worker accepts a task, and will answer as they do."""

    at: datetime
    job: Job
    item: DatasetObject
    answer: Answer


@dataclass(frozen=True, slots=True)
class Rest:
    """A worker has submitted the last answer of a sitting, and more of the job's objects wait for them."""

    at: datetime
    job: Job
    worker: Worker


@dataclass(frozen=True, slots=True)
class Verdict:
    """An object of a job has its label, or never will."""

    at: datetime
    job: Job
    by: Literal["people", "model", "nobody"]


Happening = Launch | Acceptance | Rest | Verdict


def history(seed: int, start: datetime) -> Iterator[Write | Happening]:
    """What happens, and what Ground Truth writes of it below its output path, from `start` (UTC) on, without end.

    In the order of time. What jobs and objects hold besides is ahead of it: only these say what is so by when.
    """
    return _World(seed, start).play()


def writes(seed: int, start: datetime) -> Iterator[Write]:
    """The writes of the history."""
    return (each for each in history(seed, start) if isinstance(each, Write))


class _World:
    def __init__(self, seed: int, start: datetime) -> None:
        self._seed, self._start, self._now = seed, start, start
        self._issuer, self._team = issuer(seed), team(seed)
        self._jobs: list[Job] = []
        self._lines: dict[Job, list[bytes]] = {}
        self._changed: set[Job] = set()
        self._told: list[Write | Happening] = []
        self._agenda: list[tuple[datetime, int, Callable[[], None]]] = []
        self._entry_count = 0
        self._schedule(start, self._announce, 0)
        self._schedule(start + timedelta(minutes=50), self._write_manifests)
        for worker in (*self._team, *crowd(seed)):
            self._schedule(start, self._plan_day, worker, 0)

    def play(self) -> Iterator[Write | Happening]:
        while True:
            self._now, _, happen = heapq.heappop(self._agenda)
            happen()
            yield from self._told
            self._told.clear()

    def _schedule(self, at: datetime, happening: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        self._entry_count += 1  # of two things at the same moment, what was scheduled first happens first
        happen: Callable[[], None] = partial(happening, *args, **kwargs)
        heapq.heappush(self._agenda, (at, self._entry_count, happen))

    # -- jobs ----------------------------------------------------------------------------------

    def _announce(self, fortnight: int) -> None:
        """Schedules the launches of a fortnight that begins now, and the next fortnight."""
        for project in PROGRAMME:
            self._schedule(self._now + timedelta(days=project.launch_day), self._launch, project, fortnight + 1)
        self._schedule(self._now + timedelta(days=FORTNIGHT_DAYS), self._announce, fortnight + 1)

    def _launch(self, project: Project, number: int) -> None:
        job = Job(self._seed, project, number, self._now, self._labeled_objects(project.follows))
        self._jobs.append(job)
        self._lines[job] = [ground_truth.unlabeled_line(job, item) for item in job.objects]
        self._told.append(Launch(self._now, job))
        self._schedule(self._now + TASK_LIFETIME, self._expire, job)
        if project.people:
            for worker, items in shares(job, self._team):
                self._schedule(next_shift(worker, self._now), self._begin_shift, worker, job, items)

    def _labeled_objects(self, stem: str | None) -> list[tuple[DatasetObject, dict[str, Any]]]:
        """The objects that the newest job of that stem has labelled by now, and their lines in its manifest."""
        for job in reversed(self._jobs):
            if job.project.stem == stem:
                lines = self._lines[job]
                return [(item, json.loads(lines[item.index])) for item in job.objects if item.is_labeled]
        return []

    def _expire(self, job: Job) -> None:
        for item in job.objects:
            if item.fate == "fails":
                self._set_line(job, item, ground_truth.failed_line(job, item))
                self._told.append(Verdict(self._now, job, "nobody"))

    def _set_line(self, job: Job, item: DatasetObject, line: bytes) -> None:
        self._lines[job][item.index] = line
        self._changed.add(job)

    def _write_manifests(self) -> None:
        """Once an hour Ground Truth rewrites the manifests of the jobs that got on."""
        for job in self._jobs:
            if job in self._changed:
                body = b"\n".join(self._lines[job]) + b"\n"
                self._told.append(Write(self._now, ground_truth.manifest_key(job.name), body))
        self._changed.clear()
        self._schedule(self._now + timedelta(hours=1), self._write_manifests)

    # -- workers -------------------------------------------------------------------------------

    def _plan_day(self, worker: Worker, day: int) -> None:
        """Schedules the sittings of one local day of a worker, and their next day."""
        habits = worker.habits
        date = self._start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=day)
        midnight = date - timedelta(hours=habits.utc_offset_hours)
        first_day, end_day = habits.days
        if date.weekday() not in habits.days_off and first_day <= day < end_day:
            rng = generator(self._seed, "day", worker.name, day)
            for _ in range(int(rng.poisson(habits.sittings_per_day))):
                at = midnight + timedelta(hours=float(rng.uniform(*habits.shift_hours)))
                answer_count = 1 + int(rng.poisson(habits.answers_per_sitting - 1))
                if at >= self._start:
                    self._schedule(at, self._sit_down, worker, answer_count)
        self._schedule(midnight + timedelta(days=1), self._plan_day, worker, day + 1)

    def _sit_down(self, worker: Worker, answer_count: int) -> None:
        """A worker opens one of the jobs that are open to them: rather an old one than a new one."""
        jobs = [
            job
            for job in self._jobs
            if not job.project.people
            and job.project.is_public == worker.is_public
            and job.first_waiting(worker.name) is not None
        ]
        if jobs:
            rng = generator(self._seed, "sitting", worker.name, self._now.isoformat())
            weights = 0.6 ** np.arange(len(jobs))
            self._accept(worker, jobs[rng.choice(len(jobs), p=weights / weights.sum())], answer_count)

    def _accept(self, worker: Worker, job: Job, answer_count: int) -> None:
        """The worker accepts one task of a sitting; the next one follows when it is submitted."""
        item = job.first_waiting(worker.name)
        if item is None:
            return
        job.hand_out(item, worker.name)
        rng = generator(self._seed, "answer", job.name, item.index, worker.name)
        day = (self._now - self._start) / timedelta(days=1)
        haste = RUSHED.strength if RUSHED.affects(job.name, day) else 1.0
        answer = answer_to(rng, self._seed, self._now, worker, job.project, item, haste)
        self._told.append(Acceptance(self._now, job, item, answer))
        self._schedule(answer.submitted_at, self._submit, job, item, answer)
        if answer_count == 1:
            self._schedule(answer.submitted_at, self._rest, worker, job)
        else:
            next_at = answer.submitted_at + timedelta(seconds=1 + float(rng.exponential(2)))
            self._schedule(next_at, self._accept, worker, job, answer_count - 1)

    def _begin_shift(self, worker: Worker, job: Job, items: list[DatasetObject]) -> None:
        """The worker begins with the objects that were shared out to them; the next shift goes on with the rest."""
        begins_at = self._now + timedelta(
            minutes=float(generator(self._seed, "shift", job.name, worker.name).uniform(5, 90))
        )
        self._schedule(begins_at, self._work_off, worker, job, items[:TASKS_A_SHIFT])
        if rest := items[TASKS_A_SHIFT:]:
            self._schedule(next_shift(worker, self._now), self._begin_shift, worker, job, rest)

    def _work_off(self, worker: Worker, job: Job, items: list[DatasetObject]) -> None:
        """One object after the other, each accepted soon after the one before is submitted."""
        if not items:
            return
        item = items[0]
        answer = answer_of(self._seed, self._now, worker, job, item)
        self._told.append(Acceptance(self._now, job, item, answer))
        self._schedule(answer.submitted_at, self._submit, job, item, answer)
        pause = generator(self._seed, "pause", job.name, item.index, worker.name).exponential(20)
        self._schedule(
            answer.submitted_at + timedelta(seconds=2 + float(pause)), self._work_off, worker, job, items[1:]
        )

    def _rest(self, worker: Worker, job: Job) -> None:
        if job.first_waiting(worker.name) is not None:
            self._told.append(Rest(self._now, job, worker))

    def _submit(self, job: Job, item: DatasetObject, answer: Answer) -> None:
        """An answer arrives; its response file and the label follow within minutes."""
        item.answers.append(answer)
        rng = generator(self._seed, "delay", job.name, item.index, len(item.answers))
        written_at = self._now + timedelta(seconds=float(rng.uniform(2, 50)))
        is_complete = len(item.answers) == job.project.answers_per_object
        if job.project.has_file_per_answer:
            self._schedule(written_at, self._write_response, job, item, [answer])
        elif is_complete:
            self._schedule(written_at, self._write_response, job, item, item.answers)
        if is_complete:
            self._schedule(written_at + timedelta(seconds=float(rng.uniform(60, 400))), self._consolidate, job, item)

    def _write_response(self, job: Job, item: DatasetObject, answers: list[Answer]) -> None:
        key = ground_truth.response_key(job, item, self._now)
        if key == item.response_key:  # the name has no room for two in a second
            self._schedule(self._now + timedelta(seconds=1), self._write_response, job, item, answers)
            return
        item.response_key = key
        self._told.append(Write(self._now, key, ground_truth.response_body(answers, self._issuer)))

    # -- labels --------------------------------------------------------------------------------

    def _consolidate(self, job: Job, item: DatasetObject) -> None:
        if job.project.people:
            label = label_of(self._seed, job, item, self._now)
            self._told += [Write(self._now, key, body) for key, body in label.files]
            line = ground_truth.labeled_line(job, item, label.value, label.metadata)
        elif job.project.adjusts:
            line = ground_truth.adjusted_line(job, item, item.answers[0].boxes, self._now)
        else:
            trust = UNSURE.strength if UNSURE.affects(job.name, item.index) else 1.0
            name, confidence = consolidate(self._seed, item.answers, job.project.classes, trust)
            line = ground_truth.classified_line(job, item, name, confidence, self._now, is_human=True)
        self._set_line(job, item, line)
        item.is_labeled = True
        self._told.append(Verdict(self._now, job, "people"))
        if job.project.auto_labeled_ratio and not job.is_auto_labeled and job.labeled_ratio >= AUTO_LABELING_STARTS:
            job.is_auto_labeled = True
            self._schedule(self._now + timedelta(minutes=40), self._auto_label, job)  # it trains first

    def _auto_label(self, job: Job) -> None:
        classes = job.project.classes
        for item in job.objects:
            if item.fate == "auto":
                rng = generator(self._seed, "auto", job.name, item.index)
                label = classes[item.truth if rng.random() < 0.93 else int(rng.integers(len(classes)))]
                confidence = round(float(rng.uniform(0.8, 0.99)), 2)
                line = ground_truth.classified_line(job, item, label, confidence, self._now, is_human=False)
                self._set_line(job, item, line)
                self._told.append(Verdict(self._now, job, "model"))
