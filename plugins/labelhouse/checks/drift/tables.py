"""Two samples as one table of counts, and how a statistic of it falls out when nobody moved.

Permuting which value belongs to which window leaves the pooled counts as they are: the counts of the current window
are then drawn without replacement, multivariate hypergeometric. That is exact for any distribution, ties included,
as long as values do not depend on each other, and costs the same for twenty values as for twenty thousand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
#: Counts of the reference and of the current window, each (…, groups) → one value for every row.
TableStatistic: TypeAlias = Callable[[Array, Array], Array]

#: The same draws in every build: a p-value is no lottery ticket.
SEED = 1901
#: Draws for everyone, and for those that so few of them exceed: a family of hundreds needs small p-values.
FEW_DRAWS, MANY_DRAWS, TOO_FEW = 199, 9_999, 5
#: Groups that are drawn; more values than that share a group with their neighbours.
MOST_GROUPS = 32


@dataclass(frozen=True, slots=True)
class Table:
    """Groups of equal or neighbouring values, ascending.

    Args:
        positions: (groups,) mean of the values of each.
        reference, current: (groups,) how many of each window lie in it.
    """

    positions: Array
    reference: Array
    current: Array


def table_of(reference: Array, current: Array, most_groups: int | None = None) -> Table:
    """Both samples in groups of about equal size; equal values are never parted.

    Args:
        reference, current: finite numbers, in any order, at least one in all.
        most_groups: None gives every value its own.
    """
    pooled = np.concatenate([reference, current])
    values, inverse, counts = np.unique(pooled, return_inverse=True, return_counts=True)
    if most_groups is not None and len(values) > most_groups:
        smaller = np.cumsum(counts) - counts
        group = smaller * most_groups // len(pooled)
        inverse = np.unique(group, return_inverse=True)[1][inverse]
    sizes = np.bincount(inverse)
    first = np.bincount(inverse[: len(reference)], minlength=len(sizes))
    low = pooled.min()  # sums of what is large and of one size lose digits
    positions = low + np.bincount(inverse, weights=pooled - low) / sizes
    return Table(positions, first.astype(float), (sizes - first).astype(float))


def permutation_p(statistic: TableStatistic, table: Table) -> float:
    """How often the statistic is at least as large when the windows are drawn at random: at least 1 / 10,000.

    Args:
        statistic: greater where the windows differ more.
        table: of at most `MOST_GROUPS` groups, else it is slow.
    """
    pooled = table.reference + table.current
    observed = statistic(table.reference, table.current)
    sizes = tuple(int(size) for size in pooled)
    p_value = 1.0
    for draws in (FEW_DRAWS, MANY_DRAWS):
        current = _drawn(sizes, int(table.current.sum()), draws)
        exceeding = int(np.count_nonzero(statistic(pooled - current, current) >= observed * (1 - 1e-9)))
        p_value = (1 + exceeding) / (1 + draws)
        if exceeding >= TOO_FEW:
            break
    return p_value


@lru_cache(maxsize=32)
def _drawn(sizes: tuple[int, ...], count: int, draws: int) -> Array:
    """(draws, groups): how many of `count` values, drawn without replacement, lie in each group."""
    random = np.random.default_rng(SEED)
    return random.multivariate_hypergeometric(sizes, count, size=draws, method="marginals").astype(float)
