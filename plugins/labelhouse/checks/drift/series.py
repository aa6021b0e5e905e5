"""What one series does from its first value to its last. Pure functions of finite numbers, oldest first."""

from __future__ import annotations

import numpy as np
from scipy import stats

from labelhouse.checks.drift.statistics import Statistic
from labelhouse.checks.drift.tables import Array


def trend(values: Array) -> Statistic:
    """Mann and Kendall's test: Kendall's tau between order and value, -1 to 1; change: Theil and Sen's slope a value.

    Args:
        values: at least 3.
    """
    if not np.ptp(values):
        return Statistic(0.0, 1.0, 0, len(values), change=0.0)
    found = stats.kendalltau(np.arange(len(values)), values)
    slope = float(stats.theilslopes(values).slope)
    return Statistic(float(found.statistic), float(found.pvalue), 0, len(values), change=slope)


def change_point(values: Array) -> Statistic:
    """Pettitt's test (1979) for one change of the median at an unknown place.

    value: K over its largest possible n²/4: 1 where all values before are smaller, or all greater, than all after and
    the change is in the middle. at: index of the first value after the change; change: median after minus before.
    The p-value is Pettitt's approximation, on the safe side for short series.

    Args:
        values: at least 3.
    """
    size = len(values)
    before = np.arange(1, size)
    ranks = 2 * np.cumsum(stats.rankdata(values))[:-1] - before * (size + 1)
    at = int(np.abs(ranks).argmax()) + 1
    largest = float(np.abs(ranks[at - 1]))
    p_value = min(1.0, 2 * float(np.exp(-6 * largest**2 / (size**3 + size**2))))
    change = float(np.median(values[at:]) - np.median(values[:at]))
    return Statistic(4 * largest / size**2, p_value, at, size - at, at=at, change=change)
