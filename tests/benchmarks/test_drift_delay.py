"""How many runs it takes until a shift is found, against the size of the shift, for every statistic of drift.

A series of runs is steady for the whole reference and then ends lower, by so many of its standard deviations, from one
run on. After every run the newest 8 are compared with the 24 before, as the file of final values does; the statistic
must exceed its threshold and outlive Benjamini-Hochberg among the comparisons of eight other metrics, which are steady.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.results import circumstances, goal, is_kept, show, table
from labelhouse.checks.contracts import partial_marts, table_columns
from labelhouse.checks.drift import series, statistics
from labelhouse.checks.drift.comparisons import exceeds, highest_p_value
from labelhouse.checks.drift.statistics import Statistic
from labelhouse.checks.drift.suites import read_drift_suites
from labelhouse.checks.suites import EXPECTATIONS_DIR
from labelhouse.settings import load_settings

pytestmark = pytest.mark.timeout(0)

Array = NDArray[np.float64]

SHIFTS = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0)
HISTORIES, FEWER_HISTORIES = 100, 20
#: Runs after which a shift that was not found is given up: it makes half of the reference by then.
MOST_RUNS = 20
#: Steady comparisons in the same family.
OTHERS = 40
#: Of statistics that the file does not use.
THRESHOLDS = {"psi": 0.25, "kolmogorov_smirnov": 0.5, "jensen_shannon": 0.4}
WANTED_SHIFT = 2.0


@dataclass(frozen=True, slots=True)
class Detector:
    """A statistic of a series whose newest `current` values are compared with the `reference` before."""

    name: str
    measure: Callable[[Array], Statistic]
    threshold: float

    def finds(self, values: Array, others: Sequence[float]) -> bool:
        """Whether it reports a drift, among the p-values of others."""
        found = self.measure(values)
        bound = highest_p_value([found.p_value, *others], 0.05)
        return exceeds(self.name, found.value, self.threshold) and found.p_value <= bound


def test_shifts_are_found_soon(pytestconfig: pytest.Config) -> None:
    is_whole = is_kept(pytestconfig)
    histories = HISTORIES if is_whole else FEWER_HISTORIES
    suites = read_drift_suites(EXPECTATIONS_DIR, table_columns(), load_settings({}), partial_marts())
    suite = suites["fct_run_metric.final_value"].suite
    reference, current = suite.reference.values or 0, suite.current.values or 0
    thresholds = THRESHOLDS | {check.statistic_name: check.threshold for check in suite.expectations}
    random = np.random.default_rng(42)
    noise = random.normal(size=(histories, reference + current + MOST_RUNS))
    others = np.clip(random.random(size=(histories, OTHERS)), 1e-6, 1).tolist()
    found: dict[str, Array] = {}  # statistic → (shifts, histories)
    for name, measure in _measures(current).items():
        detector = Detector(name, measure, thresholds[name])
        found[name] = np.array(
            [
                [_delay(detector, noise[i], shift, reference + current, others[i]) for i in range(histories)]
                for shift in SHIFTS
            ]
        )
    whole = np.min([found[check.statistic_name] for check in suite.expectations], axis=0)
    median = float(np.median(whole[SHIFTS.index(WANTED_SHIFT)]))
    what = f"runs until a shift of {WANTED_SHIFT:g} standard deviations is found"
    rows = [[name.replace("_", " "), f"{thresholds[name]:g}", *map(_shown, delays)] for name, delays in found.items()]
    lines = [
        circumstances(),
        "",
        f"{histories} histories of normal values a cell; the newest {current} runs against the {reference} before, "
        f"among {OTHERS} steady comparisons, 5% false alarms. Median of the runs until a lasting shift is found, and "
        f"in brackets the share that is found within {MOST_RUNS} runs; – where most are not.",
        "",
        *table(
            ["figure", "goal", "measured", "reached"],
            [goal(what, f"≤ {current}, the window", f"{median:g}", median <= current)],
        ),
        "",
        *table(
            ["statistic", "threshold", *(f"{shift:g} sd" for shift in SHIFTS)],
            [*rows, ["all of the file of final values", "", *map(_shown, whole)]],
        ),
    ]
    show("Drift: runs until it is found, by the size of the shift", lines, keep=is_whole)


def _measures(current: int) -> dict[str, Callable[[Array], Statistic]]:
    """Statistic → what it says of a series."""

    def of_windows(measure: Callable[[Array, Array], Statistic]) -> Callable[[Array], Statistic]:
        return lambda values: measure(values[:-current], values[-current:])

    samples = {
        "mean_shift": statistics.mean_shift,
        "wasserstein": statistics.wasserstein,
        "kolmogorov_smirnov": statistics.kolmogorov_smirnov,
        "psi": statistics.psi,
        "jensen_shannon": statistics.jensen_shannon,
        "variance_ratio": statistics.variance_ratio,
    }
    measures = {name: of_windows(measure) for name, measure in samples.items()}
    return measures | {"kendall_tau": series.trend, "pettitt": series.change_point}


def _delay(detector: Detector, noise: Array, shift: float, window: int, others: Sequence[float]) -> float:
    """Runs since the shift, itself included, until it is found; infinite where it is not."""
    values = noise.copy()
    values[window:] -= shift
    for runs in range(1, MOST_RUNS + 1):
        if detector.finds(values[runs : runs + window], others):
            return runs
    return float("inf")


def _shown(delays: Array) -> str:
    median = float(np.median(delays))
    return f"{median:.0f} ({np.isfinite(delays).mean():.0%})".replace("inf", "–")
