"""The marts of tasks against plain Python over a few thousand made-up lines of the log and answers."""

from __future__ import annotations

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from build_files import Dbt, Delivery, read_rows

START = datetime(2024, 2, 27, tzinfo=UTC)
JOBS = {"birds": None, "fish": 1800, "trees": 90_000}
#: Worker id and pseudonym as each row may have them; the first of each list is how all marts name him.
WORKERS = (
    [("A1", "p_1"), ("B1", "p_1"), (None, "p_1")],
    [("A2", "p_2"), ("A2", None)],
    [("A3", None)],
    [("p_4", "p_4"), (None, "p_4")],
)
DAY = 86_400


@dataclass(frozen=True)
class Task:
    """A task as the oracle and `fct_task` have it."""

    job: str
    worker: str
    outcome: str
    accepted_at: datetime | None
    ended_at: datetime | None
    active: Decimal | None = None
    object_id: str | None = None
    has_log: bool = True
    has_answer: bool = False

    @property
    def elapsed(self) -> Decimal | None:
        if self.accepted_at is None or self.ended_at is None:
            return None
        return Decimal((self.ended_at - self.accepted_at) // timedelta(milliseconds=1)) / 1000

    @property
    def is_measured(self) -> bool:
        return all(each is None or 0 <= each <= DAY for each in (self.elapsed, self.active))

    @property
    def event_date(self) -> date:
        at = self.ended_at or self.accepted_at
        assert at is not None
        return at.date()

    @property
    def seconds(self) -> Decimal | None:
        """What an object took, where it counts."""
        if self.outcome != "submitted" or not self.is_measured:
            return None
        return self.elapsed if self.active is None else self.active


@dataclass(frozen=True)
class Made:
    """A world: what is delivered, and the rows of it as they were made."""

    delivery: Delivery
    logged: list[dict[str, Any]]
    answered: list[dict[str, Any]]


def world(seed: int, tasks: int = 1500) -> Made:
    """Tasks of which either side may be lost; some overlap, end in one second, take too long or run backwards."""
    chance = random.Random(seed)
    made = Made(Delivery(), [], [])
    for name, limit in JOBS.items():
        made.delivery.job(name, START, task_time_limit_seconds=limit, task_type="BoundingBox")
    for number in range(tasks):
        job, person = chance.choice(list(JOBS)), chance.randrange(len(WORKERS))
        accepted_at = START + timedelta(seconds=chance.randrange(12 * DAY if number % 3 else 3600))
        spent = chance.choice([chance.uniform(0, 900), chance.uniform(0, 5), -30.0, 1.5 * DAY])
        ended_at = accepted_at + timedelta(milliseconds=int(spent * 1000))
        kind = chance.choices(["submitted", "returned", "declined", None], [12, 1, 1, 1])[0]
        lost = chance.choices(["nothing", "line", "answer"], [8, 1, 1])[0]
        facts = {"job": job, "person": person, "accepted_at": accepted_at}
        if kind is None or chance.random() < 0.3:
            log(made, chance, kind="accepted", event_at=accepted_at, **facts)
        if kind and lost != "line":
            log(made, chance, kind=kind, event_at=ended_at.replace(microsecond=0), **facts)
        if kind == "submitted" and lost != "answer":
            active = Decimal(chance.randrange(0, 600_000)) / 1000 if chance.random() < 0.8 else None
            worker_id, pseudonym = chance.choice(WORKERS[person])
            named = {"worker_id": None if worker_id == pseudonym else worker_id, "worker_pseudonym": pseudonym}
            times = {"accepted_at": accepted_at, "submitted_at": ended_at, "time_spent_seconds": active}
            made.delivery.answer(job, str(number), "Owl", ended_at, **named, **times)
            made.answered.append({**facts, "object_id": str(number), "ended_at": ended_at, "active": active})
    return made


def log(made: Made, chance: random.Random, *, job: str, person: int, kind: str, **times: datetime) -> None:
    """A line of the log; the acceptance of a task that was declined may be missing."""
    worker_id, pseudonym = chance.choice(WORKERS[person])
    named = {"worker_id": None if worker_id == pseudonym else worker_id, "worker_pseudonym": pseudonym}
    if kind == "declined" and chance.random() < 0.5:
        times = {"event_at": times["event_at"]}
    if kind == "accepted":
        times.pop("accepted_at")
    made.delivery.log(job, kind=kind, **named, **times)
    accepted_at = times["event_at"] if kind == "accepted" else times.get("accepted_at")
    made.logged.append(
        {"job": job, "person": person, "kind": kind, "accepted_at": accepted_at, "ended_at": times["event_at"]}
    )


def expected(made: Made) -> list[Task]:
    """The tasks of a world, by hand."""
    as_of = max([each["ended_at"] for each in (*made.logged, *made.answered)])
    open_counts: Counter[tuple[str, str, datetime]] = Counter()
    closed: list[Task] = []
    for line in made.logged:
        job, worker = line["job"], WORKERS[line["person"]][0][0]
        if line["kind"] == "accepted":
            open_counts[job, worker, line["accepted_at"]] += 1
        else:
            closed.append(Task(job, worker, line["kind"], line["accepted_at"], line["ended_at"]))
    for task in closed:
        if task.accepted_at:
            open_counts[task.job, task.worker, task.accepted_at] -= 1
    never_closed = []
    for (job, worker, accepted_at), count in open_counts.items():
        is_over = (as_of - accepted_at).total_seconds() > (JOBS[job] or DAY)
        outcome = "abandoned" if is_over else "open"
        never_closed += [Task(job, worker, outcome, accepted_at, None)] * max(count, 0)
    return [*never_closed, *matched(closed, made.answered)]


def matched(closed: list[Task], answered: list[dict[str, Any]]) -> Iterable[Task]:
    """Submissions and answers of one second, paired in the order of their acceptance, and what is left of both."""
    waiting: dict[tuple[str, str, datetime], list[dict[str, Any]]] = defaultdict(list)
    for answer in sorted(answered, key=lambda each: (each["accepted_at"], each["ended_at"])):
        second = answer["ended_at"].replace(microsecond=0)
        waiting[answer["job"], WORKERS[answer["person"]][0][0], second].append(answer)
    for task in sorted(closed, key=lambda each: each.accepted_at or START):
        found = waiting[task.job, task.worker, task.ended_at or START] if task.outcome == "submitted" else []
        yield with_answer(task, found.pop(0)) if found else task
    for (job, worker, _), answers in waiting.items():
        for answer in answers:
            yield with_answer(Task(job, worker, "submitted", None, None, has_log=False), answer)


def with_answer(task: Task, answer: dict[str, Any]) -> Task:
    given = {name: answer[name] for name in ("accepted_at", "ended_at", "active", "object_id")}
    return replace(task, **given, has_answer=True)


@pytest.fixture(scope="module", params=[1, 2, 3])
def compared(
    request: pytest.FixtureRequest, dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Task]]:
    """A build of a world, and the tasks that it must hold."""
    made = world(request.param)
    database = made.delivery.write(tmp_path_factory.mktemp("oracle") / "build.duckdb")
    return dbt_runner.build(database), expected(made)


def test_every_task_is_as_by_hand(compared: tuple[Path, list[Task]]) -> None:
    database, tasks = compared
    columns = (
        "labeling_job_name, worker_id, outcome, accepted_at, ended_at, active_seconds, dataset_object_id, has_log, "
        "has_answer, elapsed_seconds, is_measured, event_date"
    )
    rows = Counter(read_rows(database, f"select {columns} from fct_task"))
    by_hand = Counter((*vars(task).values(), task.elapsed, task.is_measured, task.event_date) for task in tasks)
    assert rows - by_hand == by_hand - rows == Counter()
    kinds = {(task.outcome, task.has_log, task.has_answer, task.is_measured) for task in tasks}
    assert len(kinds) >= 9, "the world has everything"


def test_figures_of_worker_and_job_are_as_by_hand(compared: tuple[Path, list[Task]]) -> None:
    database, tasks = compared
    by_hand: dict[tuple[str, str], list[Task]] = defaultdict(list)
    for task in tasks:
        by_hand[task.job, task.worker].append(task)
    figures = "sum_seconds, min_seconds, max_seconds, mean_seconds, median_seconds, p95_seconds"
    query = f"select labeling_job_name, worker_id, submitted_task_count, answer_count, {figures} from fct_worker_job"
    rows = {(job, worker): found for job, worker, *found in read_rows(database, query)}
    assert rows.keys() == by_hand.keys()
    for key, found in rows.items():
        seconds = [task.seconds for task in by_hand[key] if task.seconds is not None]
        assert found == [
            sum(task.outcome == "submitted" for task in by_hand[key]),
            sum(task.has_answer for task in by_hand[key]),
            sum(seconds),
            min(seconds),
            max(seconds),
            pytest.approx(float(statistics.mean(seconds))),
            pytest.approx(float(statistics.median(seconds))),
            pytest.approx(float(np.quantile([float(each) for each in seconds], 0.95))),
        ]


def test_days_and_gaps_are_as_by_hand(compared: tuple[Path, list[Task]]) -> None:
    database, tasks = compared
    outcomes = Counter((task.job, task.worker, task.event_date, task.outcome) for task in tasks)
    names = ("submitted", "returned", "declined", "abandoned")
    counts = ", ".join(f"{name}_task_count" for name in names)
    query = f"select labeling_job_name, worker_id, event_date, {counts}, excluded_task_count from fct_worker_day"
    rows = read_rows(database, query)
    assert {row[:3] for row in rows} == {key[:3] for key in outcomes}
    excluded = Counter((task.job, task.worker, task.event_date) for task in tasks if not task.is_measured)
    for *key, submitted, returned, declined, abandoned, excluded_count in rows:
        assert [submitted, returned, declined, abandoned] == [outcomes[*key, name] for name in names]
        assert excluded_count == excluded[tuple(key)]
    submitted_tasks = [task for task in tasks if task.outcome == "submitted"]
    query = "select sum(missing_in_log_count), sum(missing_in_answers_count) from fct_source_gap"
    began_at = min(task.ended_at or task.accepted_at or START for task in tasks if task.has_log)
    lost_lines = sum(not task.has_log and task.ended_at >= began_at for task in submitted_tasks if task.ended_at)
    assert read_rows(database, query) == [(lost_lines, sum(not task.has_answer for task in submitted_tasks))]
