"""How two samples of numbers differ. Pure functions of finite numbers: NaN and infinities never get here.

Every statistic comes with a p-value: the chance of one so extreme when both samples are of one distribution. Those
without a formula of their own (PSI, Wasserstein, Jensen-Shannon, and Welch's t where few or odd values make its own
formula wrong) get it from permutations (`tables`).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import stats
from scipy.spatial import distance

from labelhouse.checks.drift.tables import MOST_GROUPS, Array, Table, permutation_p, table_of

#: PSI adds the share of so many values of the smaller sample to every bin: an empty bin is rare, not impossible.
SMOOTHING = 0.5
#: Values are kept within this: of a reference without any spread, every shift is infinitely many of its deviations.
LARGEST = 1e6
#: Above so many values, limits take the place of exact distributions: Kolmogorov's, Welch's, and bins that stay.
LARGE_SAMPLE = 200


@dataclass(frozen=True, slots=True)
class Statistic:
    """One comparison.

    Args:
        value: without a unit, finite.
        p_value: 0-1.
        reference_count, current_count: values in each sample.
        at: index of what the statistic points at (a category, the first value after a change); None where at nothing.
        change: how much that moved: a share, the difference of the means, or per value; None likewise.
    """

    value: float
    p_value: float
    reference_count: int
    current_count: int
    at: int | None = None
    change: float | None = None


def bin_count(reference_count: int, current_count: int) -> int:
    """Bins for two samples: four values of the smaller one in each, at least 5 and at most 10.

    With fewer bins even windows that have nothing in common could be chance: all of 8 values in the lowest third of 24
    others come about once in 400 times.
    """
    return min(10, max(5, min(reference_count, current_count) // 4))


def psi(reference: Array, current: Array) -> Statistic:
    """Population stability index over bins that hold equal shares of the reference, smoothed (`SMOOTHING`).

    Below 0.1 is commonly called stable and above 0.25 shifted, of samples of hundreds; of a few values chance alone
    makes more than that, which the p-value knows.
    """
    bins = bin_count(len(reference), len(current))
    table = table_of(reference, current)
    binned = _binned(table.reference, table.current, bins)
    if len(reference) + len(current) > LARGE_SAMPLE:
        p_value = permutation_p(psi_of_counts, Table(np.arange(bins, dtype=float), *binned))
    else:  # which bins there are depends on who is the reference: they are made anew for every permutation
        p_value = permutation_p(partial(_psi_of_values, bins=bins), table_of(reference, current, MOST_GROUPS))
    return Statistic(float(psi_of_counts(*binned)), p_value, len(reference), len(current))


def jensen_shannon(reference: Array, current: Array) -> Statistic:
    """Jensen-Shannon distance (base 2; 0 the same, 1 nothing in common) over bins with equal shares of all values."""
    table = table_of(reference, current, bin_count(len(reference), len(current)))
    value = float(jensen_shannon_of_counts(table.reference, table.current))
    return Statistic(value, permutation_p(jensen_shannon_of_counts, table), len(reference), len(current))


def wasserstein(reference: Array, current: Array) -> Statistic:
    """Earth mover's distance in standard deviations of the reference."""
    table = table_of(reference, current, MOST_GROUPS)
    p_value = permutation_p(partial(_wasserstein_of_values, positions=table.positions), table)
    value = _in_deviations(float(stats.wasserstein_distance(reference, current)), reference)
    return Statistic(value, p_value, len(reference), len(current))


def kolmogorov_smirnov(reference: Array, current: Array) -> Statistic:
    """Largest distance between the two cumulative shares, 0-1."""
    method = "exact" if len(reference) + len(current) <= LARGE_SAMPLE else "asymp"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of sizes whose exact distribution it cannot make
        found = stats.ks_2samp(reference, current, method=method)
    return Statistic(float(found.statistic), float(found.pvalue), len(reference), len(current))


def mean_shift(reference: Array, current: Array) -> Statistic:
    """Difference of the means in standard deviations of the reference, signed; the p-value is of Welch's t."""
    change = float(current.mean() - reference.mean())
    if len(reference) + len(current) > LARGE_SAMPLE and np.ptp(reference) and np.ptp(current):
        p_value = float(stats.ttest_ind(reference, current, equal_var=False).pvalue)
    else:
        table = table_of(reference, current, MOST_GROUPS)
        p_value = permutation_p(partial(_welch_t, positions=table.positions), table)
    value = _in_deviations(change, reference)
    return Statistic(value, p_value, len(reference), len(current), change=change)


def variance_ratio(reference: Array, current: Array) -> Statistic:
    """Variance of the current sample over that of the reference; the p-value is Brown and Forsythe's."""
    before, now = float(reference.var(ddof=1)), float(current.var(ddof=1))
    if before == now == 0:
        return Statistic(1.0, 1.0, len(reference), len(current))
    value = now / before if before and now / before < LARGEST else LARGEST
    with np.errstate(divide="ignore", invalid="ignore"):  # every deviation the same: not a number, below
        p_value = float(stats.levene(reference, current, center="median").pvalue)
    return Statistic(max(value, 1 / LARGEST), 1.0 if np.isnan(p_value) else p_value, len(reference), len(current))


def psi_of_counts(reference: Array, current: Array) -> Array:
    """PSI of counts per bin or category, (…, bins) → (…)."""
    sizes = [each.sum(-1, keepdims=True) for each in (reference, current)]
    added = SMOOTHING / np.minimum(*sizes)
    whole = 1 + added * reference.shape[-1]
    before, now = ((each / size + added) / whole for each, size in zip((reference, current), sizes, strict=True))
    index: Array = ((now - before) * np.log(now / before)).sum(-1)
    return index


def jensen_shannon_of_counts(reference: Array, current: Array) -> Array:
    """Jensen-Shannon distance of counts per bin or category, (…, bins) → (…)."""
    # rounding leaves less than nothing below its root where the samples are the same
    with np.errstate(invalid="ignore"):
        distances: Array = np.nan_to_num(distance.jensenshannon(reference, current, base=2, axis=-1))
    return distances


def _psi_of_values(reference: Array, current: Array, bins: int) -> Array:
    """PSI of counts per value, (…, values) → (…)."""
    return psi_of_counts(*_binned(reference, current, bins))


def _binned(reference: Array, current: Array, bins: int) -> tuple[Array, Array]:
    """Counts per value, (…, values), as counts per bin: values go into bins by their rank in the reference."""
    rank = (np.cumsum(reference, -1) - reference / 2) / reference.sum(-1, keepdims=True)
    bin_of = np.minimum(rank * bins, bins - 1).astype(int)
    masks = [bin_of == number for number in range(bins)]
    before, now = (np.stack([np.where(mask, each, 0).sum(-1) for mask in masks], -1) for each in (reference, current))
    return before, now


def _wasserstein_of_values(reference: Array, current: Array, positions: Array) -> Array:
    """Earth mover's distance of counts per value, (…, values) → (…)."""
    before = np.cumsum(reference, -1) / reference.sum(-1, keepdims=True)
    now = np.cumsum(current, -1) / current.sum(-1, keepdims=True)
    cost: Array = (np.abs(before - now)[..., :-1] * np.diff(positions)).sum(-1)
    return cost


def _welch_t(reference: Array, current: Array, positions: Array) -> Array:
    """|t| of counts per value, (…, values) → (…); 0 where nothing differs, infinite where only the means do."""
    span = np.ptp(positions) or 1.0
    scaled = (positions - positions.mean()) / span
    means, errors = [], []
    for counts in (reference, current):
        size = counts.sum(-1)
        mean = counts @ scaled / size
        squares = np.maximum((counts * (scaled - mean[..., None]) ** 2).sum(-1), 0)
        means.append(mean)
        errors.append(squares / np.maximum(size - 1, 1) / size)
    difference, error = np.abs(means[0] - means[1]), errors[0] + errors[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        t: Array = np.where(difference < 1e-12, 0.0, difference / np.sqrt(np.where(error < 1e-24, 0.0, error)))
    return t


def _in_deviations(difference: float, reference: Array) -> float:
    """The difference in standard deviations of the reference, within ±`LARGEST`."""
    deviation = float(reference.std(ddof=1)) if len(reference) > 1 else 0.0
    if difference == 0:
        return 0.0
    if deviation <= abs(difference) / LARGEST:
        return LARGEST if difference > 0 else -LARGEST
    return difference / deviation
