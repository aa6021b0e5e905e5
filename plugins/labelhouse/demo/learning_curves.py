"""How a metric develops over a training: noisy curves that flatten, and two ways in which they go wrong."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Metrics of every training, in the order in which each step reports them.
METRICS = ("train:accuracy", "train:loss", "validation:accuracy", "validation:loss")

_DIP = 0.13
#: From this share of the training on, a diverging one gets worse.
_TURNING_POINT = 0.4


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with a training.

    Args:
        diverges: from the turning point on the validation loss rises; once it is no number.
        dips: validation comes out clearly worse than in other trainings.
    """

    diverges: bool = False
    dips: bool = False


SOUND = Flaw()


def learning_curves(
    rng: np.random.Generator, goal: float, step_count: int, flaw: Flaw = SOUND
) -> dict[str, list[float]]:
    """Metric → its value at every step.

    Args:
        goal: where the validation accuracy ends (0 to 1), give or take little.
    """
    progress = np.linspace(0, 1, step_count)
    begin = float(rng.uniform(0.3, 0.4))
    goal += float(rng.uniform(-0.003, 0.003)) - _DIP * flaw.dips
    to_come, to_validate = _to_come(float(rng.uniform(4, 5.5)), progress), _to_come(float(rng.uniform(4, 5)), progress)
    train_goal = min(0.99, goal + 0.035 + _DIP * flaw.dips)
    calm = 1 - 0.75 * progress  # the learning rate decays, and with it what a step can spoil

    def noise(scale: float) -> np.ndarray:
        wobble: np.ndarray = scale * calm * np.clip(rng.normal(size=step_count), -2, 2)
        return wobble

    loss_floor = 0.3 + 2 * (0.93 - goal)
    curves = {
        "train:accuracy": train_goal - (train_goal - begin) * to_come + noise(0.012),
        "train:loss": (0.11 + 1.6 * to_come) * (1 + noise(0.03)),
        "validation:accuracy": goal - (goal - begin + 0.02) * to_validate + noise(0.01),
        "validation:loss": (loss_floor + 1.5 * to_validate) * (1 + noise(0.03)),
    }
    if flaw.diverges:
        past_turning = np.clip((progress - _TURNING_POINT) / (1 - _TURNING_POINT), 0, None)
        curves["validation:loss"] += 1.6 * past_turning**1.4
        curves["validation:loss"][int(0.85 * step_count)] = np.nan
    return {name: [round(float(value), 6) for value in curves[name]] for name in METRICS}


def _to_come(speed: float, progress: np.ndarray) -> np.ndarray:
    """Share of what there is to learn that is not learnt yet: 1 at the begin, 0 at the end."""
    unlearnt: np.ndarray = (np.exp(-speed * progress) - np.exp(-speed)) / (1 - np.exp(-speed))
    return unlearnt
