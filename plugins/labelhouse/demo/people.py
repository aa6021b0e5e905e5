"""Who labels: a private team on three sites around the clock, and a public crowd that comes and goes.

Each has skills (a confusion matrix per job domain), a pace and habits. Nothing here knows a clock.
"""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from functools import cache

import numpy as np

from labelhouse.demo.chance import generator, hexadecimal

REGION = "us-east-1"
#: Local hours of the three sites; none of them has summer time.
NAIROBI, MANILA, BOGOTA = 3, 8, -5
CROWD_SIZE = 18
_WEEKEND, _WORKDAYS = frozenset({5, 6}), frozenset({0, 1, 2, 3, 4})


@dataclass(frozen=True, slots=True)
class Habits:
    """How somebody works.

    Args:
        utc_offset_hours: of the place they live in.
        shift_hours: first and last local hour in which they sit down to work; past 24 is the next day.
        days_off: weekdays, Monday is 0.
        sittings_per_day: mean number of times they sit down.
        answers_per_sitting: mean number of answers each time.
        pace: multiplies the typical seconds of a task.
        skill: probability of the right answer to an object of average difficulty.
        days: first day of the world on which they work, and the day on which they no longer do.
    """

    utc_offset_hours: int
    shift_hours: tuple[int, int] = (8, 17)
    days_off: frozenset[int] = _WEEKEND
    sittings_per_day: float = 9.0
    answers_per_sitting: float = 3.0
    pace: float = 1.0
    skill: float = 0.93
    days: tuple[int, float] = (0, float("inf"))


@dataclass(frozen=True, slots=True)
class Worker:
    """Somebody who answers.

    Args:
        name: login name of a private worker; in the simulated Cognito, never in an answer.
        worker_id: with its `<kind>.<region>.` prefix, as answers carry it.
        sub: the identity of a private worker (UUID); None in the crowd.
    """

    name: str
    worker_id: str
    sub: str | None
    habits: Habits

    @property
    def is_public(self) -> bool:
        """Whether they come from the crowd: without times and identity."""
        return self.sub is None


_TEAM = {
    "achieng": Habits(NAIROBI, skill=0.97, pace=0.9, days_off=frozenset({1, 2})),
    "wanjiru": Habits(NAIROBI, skill=0.94, sittings_per_day=10.5, days_off=frozenset({6, 0})),
    "otieno": Habits(NAIROBI, skill=0.92, pace=1.3, answers_per_sitting=5, days_off=frozenset({4, 5})),
    "kamau": Habits(NAIROBI, skill=0.9, shift_hours=(7, 13), days_off=frozenset({2, 3})),
    "njeri": Habits(NAIROBI, skill=0.95, days=(6, float("inf"))),  # joins the team in its first week
    "dalisay": Habits(MANILA, skill=0.96, pace=1.1, days_off=frozenset({6, 0})),
    "bautista": Habits(MANILA, skill=0.93, shift_hours=(13, 21), days_off=frozenset({2, 3}), answers_per_sitting=4),
    "reyes": Habits(MANILA, skill=0.6, pace=0.3, answers_per_sitting=5),  # careless: clicks without looking
    "santos": Habits(MANILA, skill=0.94, days_off=frozenset({1, 2})),
    "salonga": Habits(MANILA, skill=0.91, days=(0, 9)),  # leaves the team
    "quintero": Habits(BOGOTA, skill=0.95, sittings_per_day=10.5, days_off=frozenset({4, 5})),
    "ospina": Habits(BOGOTA, skill=0.89, pace=0.7, shift_hours=(12, 20), days_off=frozenset({2, 3})),
    "vargas": Habits(BOGOTA, skill=0.94, shift_hours=(22, 29), days_off=frozenset({0, 1})),  # the night owl
    "zuluaga": Habits(BOGOTA, skill=0.92, days_off=_WORKDAYS, sittings_per_day=13),  # weekends only
}


def team(seed: int) -> tuple[Worker, ...]:
    """The private team, with the identities that a Cognito user pool would give it."""
    workers = []
    for name, habits in _TEAM.items():
        rng = generator(seed, "identity", name)
        sub = str(uuid.UUID(bytes=rng.bytes(16), version=4))
        workers.append(Worker(name, f"private.{REGION}.{hexadecimal(rng, 16)}", sub, habits))
    return tuple(workers)


def crowd(seed: int) -> tuple[Worker, ...]:
    """Public workers: seldom there, at any hour, of mixed quality."""
    workers = []
    for number in range(CROWD_SIZE):
        rng = generator(seed, "identity", "crowd", number)
        worker_id = base64.b32encode(rng.bytes(16)).decode().rstrip("=")
        habits = Habits(
            utc_offset_hours=0,
            shift_hours=(0, 24),
            days_off=frozenset(),
            sittings_per_day=float(rng.uniform(0.2, 1.6)),
            answers_per_sitting=float(rng.uniform(1.5, 4.5)),
            pace=float(rng.uniform(0.4, 1.2)),
            skill=float(np.clip(rng.normal(0.84, 0.1), 0.5, 0.98)),
        )
        workers.append(Worker(f"crowd-{number:02d}", f"public.{REGION}.{worker_id}", None, habits))
    return tuple(workers)


def issuer(seed: int) -> str:
    """The user pool that issued the team's identities, as its answers name it."""
    pool = hexadecimal(generator(seed, "user pool"), 9)
    return f"https://cognito-idp.{REGION}.amazonaws.com/{REGION}_{pool}"


@cache
def confusion(seed: int, worker: Worker, classes: tuple[str, ...]) -> np.ndarray:
    """Skill of a worker in a domain: row = true class, column = answer, rows sum to 1.

    Classes that look alike stand side by side in `classes`, so most mistakes fall on the neighbour;
    and everybody has one class in which they are weak.
    """
    rng = generator(seed, "skill", worker.name, *classes)
    count = len(classes)
    right = np.clip(worker.habits.skill + rng.normal(0, 0.02, count), 0.35, 0.985)
    right[rng.integers(count)] -= 0.12
    matrix = np.empty((count, count))
    for true in range(count):
        wrong = 1 - right[true]
        matrix[true] = 0.3 * wrong / (count - 1)
        matrix[true, true ^ 1 if true ^ 1 < count else true - 1] += 0.7 * wrong
        matrix[true, true] = right[true]
    return matrix
