"""How people answer: what they see, how long they take, and what many answers together say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np

from labelhouse.demo.jobs import Answer, Box, DatasetObject, Project
from labelhouse.demo.people import Worker, confusion

#: Mean of the objects' difficulty: what a worker's confusion matrix speaks of.
_AVERAGE_DIFFICULTY = 2 / 7
_HIGHEST_CONFIDENCE = 0.97


def answer_to(
    rng: np.random.Generator,
    seed: int,
    accepted_at: datetime,
    worker: Worker,
    project: Project,
    item: DatasetObject,
    haste: float = 1.0,
) -> Answer:
    """A worker's answer to an object: hard ones take longer and are mistaken more often.

    Args:
        haste: multiplies the time that the worker would spend.
    """
    pace = haste * worker.habits.pace * (0.6 + 1.4 * item.difficulty) * float(rng.lognormal(0, 0.35))
    seconds = round(max(0.8, project.seconds * pace), 3)
    pause = float(rng.exponential(90)) if rng.random() < 0.06 else float(rng.uniform(0.2, 1.5))
    submitted_at = accepted_at + timedelta(seconds=seconds + pause)
    chances = _chances(confusion(seed, worker, project.classes)[item.truth], item)
    label = project.classes[int(rng.choice(len(chances), p=chances))]
    boxes = _adjust(rng, item.boxes, worker) if project.adjusts else ()
    return Answer(worker, accepted_at, submitted_at, seconds, label, boxes)


def consolidate(
    seed: int, answers: Sequence[Answer], classes: tuple[str, ...], trust: float = 1.0
) -> tuple[str, float]:
    """The weighted vote over the answers to one object, and its confidence (0 to 1).

    Every answer weighs as much as its worker's skill makes each class likely. The power damps the
    certainty of few answers, as skills that are only estimated would; less trust damps it further.
    """
    likelihood = np.zeros(len(classes))
    for answer in answers:
        likelihood += np.log(confusion(seed, answer.worker, classes)[:, classes.index(answer.label)])
    shares = np.exp(0.55 * trust * (likelihood - likelihood.max()))
    confidence = min(_HIGHEST_CONFIDENCE, float(shares.max() / shares.sum()))
    return classes[int(likelihood.argmax())], math.floor(100 * confidence) / 100


def _chances(average: np.ndarray, item: DatasetObject) -> np.ndarray:
    """Probability of each answer to this object, from those to an average one of its class."""
    mistaken = 1 - average[item.truth]
    chances: np.ndarray = average * min(0.9 / mistaken, 0.3 + 0.7 * item.difficulty / _AVERAGE_DIFFICULTY)
    chances[item.truth] = 0
    chances[item.truth] = 1 - chances.sum()
    return chances


def _adjust(rng: np.random.Generator, boxes: tuple[Box, ...], worker: Worker) -> tuple[Box, ...]:
    """The boxes as this worker leaves them: a third of the drawings is off, and the careful notice."""
    if rng.random() > worker.habits.skill or rng.random() < 0.65:
        return boxes
    moved = (
        Box(
            height=max(8, box["height"] + int(rng.integers(-12, 13))),
            label=box["label"],
            left=max(0, box["left"] + int(rng.integers(-15, 16))),
            top=max(0, box["top"] + int(rng.integers(-15, 16))),
            width=max(8, box["width"] + int(rng.integers(-12, 13))),
        )
        for box in boxes
    )
    return tuple(moved)
