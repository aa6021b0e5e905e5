"""How categories shift, and how two columns of the same rows come to belong together otherwise than before."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from labelhouse.checks.drift.statistics import Statistic, jensen_shannon_of_counts, psi_of_counts
from labelhouse.checks.drift.tables import Array, Table, TableStatistic, permutation_p, table_of

Codes = NDArray[np.int64]

#: Variance of Fisher's z of a rank correlation, times (n - 3): Fieller, Hartley and Pearson (1957).
FIELLER = 1.06
#: Numbers beside a category are cut into so many parts of equal size.
PARTS = 4


def category_psi(reference: Codes, current: Codes) -> Statistic:
    """PSI over categories; at: the one whose share moved most, change: by how much."""
    return _of_categories(psi_of_counts, reference, current)


def category_jensen_shannon(reference: Codes, current: Codes) -> Statistic:
    """Jensen-Shannon distance (base 2) over categories; at, change: as in `category_psi`."""
    return _of_categories(jensen_shannon_of_counts, reference, current)


def share_change(reference: Codes, current: Codes) -> Statistic:
    """Largest change of a category's share, 0-1; at, change: as in `category_psi`."""
    return _of_categories(_largest_change, reference, current)


def cramers_v(reference: Codes, current: Codes) -> Statistic:
    """Cramér's V between window and category: the root of chi-square over the number of values, 0-1."""
    return _of_categories(_windows_v, reference, current)


def correlation_shift(reference: tuple[Array, Array], current: tuple[Array, Array]) -> Statistic:
    """Change of Spearman's rank correlation of two numbers; p-value by Fisher's z.

    Args:
        reference, current: the two columns of each window, of one length and at least 4 rows.
    """
    before, now = (rank_correlation(*window) for window in (reference, current))
    sizes = len(reference[0]), len(current[0])
    if before is None or now is None:
        return Statistic(0.0, 1.0, *sizes)
    error = np.sqrt(sum(FIELLER / (size - 3) for size in sizes))
    z = (np.arctanh(_inside(now)) - np.arctanh(_inside(before))) / error
    return Statistic(now - before, float(2 * stats.norm.sf(abs(z))), *sizes)


def association_shift(reference: tuple[Codes, Codes], current: tuple[Codes, Codes]) -> Statistic:
    """Change of Cramér's V of two categories; p-value by permutation of which rows are current.

    Args:
        reference, current: the codes (from 0) of the two columns of each window, of one length.
    """
    rows = 1 + max(int(window[0].max()) for window in (reference, current))
    columns = 1 + max(int(window[1].max()) for window in (reference, current))
    joint = [window[0] * columns + window[1] for window in (reference, current)]
    counts = [np.bincount(each, minlength=rows * columns).astype(float) for each in joint]
    before, now = (float(_association(each, rows, columns)) for each in counts)

    def moved(reference: Array, current: Array) -> Array:
        return np.abs(_association(current, rows, columns) - _association(reference, rows, columns))

    p_value = permutation_p(moved, Table(np.arange(rows * columns, dtype=float), *counts))
    return Statistic(now - before, p_value, len(reference[0]), len(current[0]))


def rank_correlation(one: Array, other: Array) -> float | None:
    """Spearman's; None where one of them is a constant, which correlates with nothing."""
    return float(stats.spearmanr(one, other).statistic) if np.ptp(one) and np.ptp(other) else None


def association(one: Codes, other: Codes) -> float:
    """Cramér's V of two columns of codes, 0-1."""
    columns = 1 + int(other.max())
    rows = 1 + int(one.max())
    counts = np.bincount(one * columns + other, minlength=rows * columns).astype(float)
    return float(_association(counts, rows, columns))


def parts(reference: Array, current: Array) -> tuple[Codes, Codes]:
    """Both windows' numbers as codes of `PARTS` parts that hold equal shares of all of them."""
    table = table_of(reference, current, PARTS)
    edges = (table.positions[1:] + table.positions[:-1]) / 2
    return np.searchsorted(edges, reference), np.searchsorted(edges, current)


def _of_categories(measure: TableStatistic, reference: Codes, current: Codes) -> Statistic:
    size = 1 + int(max(reference.max(), current.max()))
    before, now = (np.bincount(each, minlength=size).astype(float) for each in (reference, current))
    change = now / len(current) - before / len(reference)
    at = int(np.abs(change).argmax())
    p_value = permutation_p(measure, Table(np.arange(size, dtype=float), before, now))
    return Statistic(
        float(measure(before, now)), p_value, len(reference), len(current), at=at, change=float(change[at])
    )


def _largest_change(reference: Array, current: Array) -> Array:
    change = current / current.sum(-1, keepdims=True) - reference / reference.sum(-1, keepdims=True)
    largest: Array = np.abs(change).max(-1)
    return largest


def _windows_v(reference: Array, current: Array) -> Array:
    return _association(np.concatenate([reference, current], -1), 2, reference.shape[-1])


def _association(counts: Array, rows: int, columns: int) -> Array:
    """Cramér's V of joint counts, (…, rows x columns) → (…); 0 where either has but one value."""
    table = counts.reshape(*counts.shape[:-1], rows, columns)
    total = table.sum((-2, -1))
    by_row, by_column = table.sum(-1), table.sum(-2)
    expected = by_row[..., :, None] * by_column[..., None, :] / total[..., None, None]
    squares = np.divide((table - expected) ** 2, expected, out=np.zeros_like(table), where=expected > 0)
    kinds = np.minimum((by_row > 0).sum(-1), (by_column > 0).sum(-1)) - 1
    v: Array = np.sqrt(squares.sum((-2, -1)) / total / np.maximum(kinds, 1))
    return np.minimum(v, 1.0)


_inside = partial(np.clip, a_min=-1 + 1e-6, a_max=1 - 1e-6)
