"""From the windows of every subject to what is said of each: statistic, p-value, and what moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from labelhouse.checks import pictures
from labelhouse.checks.drift import relations, series, statistics
from labelhouse.checks.drift.relations import Codes
from labelhouse.checks.drift.statistics import Statistic
from labelhouse.checks.drift.tables import Array
from labelhouse.checks.drift.windows import IS_CURRENT, IS_HIGHER_BETTER, KEY, LOST_COUNT, SUBJECT

if TYPE_CHECKING:
    import pandas as pd

#: Names that are compared; what is rarer goes together under `OTHER_NAMES`, and longer ones are cut.
MOST_NAMES, NAME_LENGTH, OTHER_NAMES = pictures.MOST_NAMES, 100, "(all others)"

_NUMBERS: dict[str, Callable[[Array, Array], Statistic]] = {
    "psi": statistics.psi,
    "kolmogorov_smirnov": statistics.kolmogorov_smirnov,
    "wasserstein": statistics.wasserstein,
    "jensen_shannon": statistics.jensen_shannon,
    "mean_shift": statistics.mean_shift,
    "variance_ratio": statistics.variance_ratio,
}
_CATEGORIES: dict[str, Callable[[Codes, Codes], Statistic]] = {
    "psi": relations.category_psi,
    "jensen_shannon": relations.category_jensen_shannon,
    "share_change": relations.share_change,
    "cramers_v": relations.cramers_v,
}
_SERIES: dict[str, Callable[[Array], Statistic]] = {"kendall_tau": series.trend, "pettitt": series.change_point}
#: Of two columns.
CORRELATION = "correlation_shift"

#: Numbers are kept within this: sums of their squares are finite.
_LARGEST = 1e100

Values: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """The values of one column of one subject, the reference's before the current window's.

    Args:
        values: numbers, or codes of `names`.
        current_from: how many of them are the reference's.
        names: what the codes stand for; None of numbers.
    """

    values: Values
    current_from: int
    names: tuple[str, ...] | None = None

    @property
    def windows(self) -> tuple[Values, Values]:
        """Reference and current window."""
        return self.values[: self.current_from], self.values[self.current_from :]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a statistic says of one subject.

    Args:
        subject: its name; empty where the file has none.
        statistic: None where there were too few values.
        reference_count, current_count: values of each window.
        before, now: what moved, before and now: means, shares, medians or correlations; None where nothing was
            compared.
        moved: what moved besides the value itself: the name of a category, or the key of the first value after a
            change.
        is_better: whether it moved to the better; None where nobody knows what that is.
        lost_count: values that are no numbers.
        picture: both windows; None where there is nothing to draw.
    """

    subject: str
    statistic: Statistic | None
    reference_count: int
    current_count: int
    before: float | None = None
    now: float | None = None
    moved: str | None = None
    is_better: bool | None = None
    lost_count: int = 0
    picture: pictures.Picture | None = None


class Remembered(dict[tuple[Any, ...], list[Comparison]]):
    """Comparisons that were made of a frame, kept among its `attrs`: Great Expectations asks for them again."""

    def __deepcopy__(self, _: Any) -> Remembered:
        return self  # pandas copies attributes with every look at a frame


def compare(
    frame: pd.DataFrame, statistic: str, column: str, other: str | None, least: tuple[int, int]
) -> list[Comparison]:
    """The comparison of every subject of a frame; with another column, of those that have any of it.

    Args:
        frame: as `windows.windows_frame` makes it.
        statistic: its name.
        column: the one that is compared.
        other: the one that it goes with; None where there is none.
        least: the fewest values of the reference and of the current window.
    """
    remembered: Remembered = frame.attrs.setdefault("comparisons", Remembered())
    asked = (statistic, column, other, least)
    if asked not in remembered:
        columns = {name: _Whole(frame, name) for name in (column, other) if name is not None}
        remembered[asked] = [
            _compared(frame, rows, statistic, columns[column], columns[other] if other else None, least)
            for rows in _by_subject(frame)
            if other is None or columns[other].is_present[rows].any()
        ]
    return remembered[asked]


def highest_p_value(p_values: Sequence[float], false_alarm_ratio: float) -> float:
    """The largest p-value of a family that Benjamini and Hochberg let count, at that share of false discoveries.

    Where none counts, what the smallest would have to be.
    """
    if not p_values:
        return false_alarm_ratio
    adjusted = stats.false_discovery_control(p_values, method="bh")
    counting = [p for p, share in zip(p_values, adjusted, strict=True) if share <= false_alarm_ratio]
    return max(counting, default=false_alarm_ratio / len(p_values))


def exceeds(statistic_name: str, value: float, threshold: float) -> bool:
    """Whether a statistic is beyond its threshold, to either side; of a ratio also the inverse counts."""
    return max(value, 1 / value) > threshold if statistic_name == "variance_ratio" else abs(value) > threshold


class _Whole:
    """One column of a frame: its numbers, or its names and their codes, -1 where there is nothing."""

    def __init__(self, frame: pd.DataFrame, name: str) -> None:
        self.names: NDArray[Any] | None = None
        values = frame[name]
        if values.dtype.kind in "iuf":
            numbers = values.to_numpy(float)
            self.values: Values = np.clip(numbers, -_LARGEST, _LARGEST)
            self.is_present = np.isfinite(numbers)
        else:
            self.values, names = values.factorize()
            self.names = np.array([str(name)[:NAME_LENGTH] for name in names], dtype=object)
            self.is_present = self.values >= 0

    def part(self, rows: NDArray[np.intp], current_from: int) -> Column:
        """Some rows; of names the rarest of too many together."""
        values = self.values[rows]
        if self.names is None:
            return Column(values, current_from)
        used, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
        names = self.names[used]
        if len(used) > MOST_NAMES:
            common = np.sort(np.argsort(-counts, kind="stable")[: MOST_NAMES - 1])
            place = np.full(len(used), MOST_NAMES - 1)
            place[common] = np.arange(MOST_NAMES - 1)
            codes, names = place[codes], np.append(names[common], OTHER_NAMES)
        return Column(codes, current_from, tuple(names))


def _by_subject(frame: pd.DataFrame) -> Iterator[slice]:
    """The rows of one subject after the other."""
    subjects = frame[SUBJECT].to_numpy(object)
    starts = np.flatnonzero(np.r_[True, subjects[1:] != subjects[:-1]][: len(subjects)]).tolist()
    return map(slice, starts, [*starts[1:], len(subjects)])


def _compared(
    frame: pd.DataFrame, rows: slice, statistic: str, column: _Whole, other: _Whole | None, least: tuple[int, int]
) -> Comparison:
    is_present = column.is_present[rows] if other is None else column.is_present[rows] & other.is_present[rows]
    present = np.arange(rows.start, rows.stop)[is_present]
    current_count = int(frame[IS_CURRENT].to_numpy(bool)[present].sum())
    current_from = len(present) - current_count
    known: dict[str, Any] = {
        "subject": str(frame[SUBJECT].iat[rows.start]),
        "lost_count": int(frame[LOST_COUNT].to_numpy()[rows.start]),
        "reference_count": current_from,
        "current_count": current_count,
    }
    if current_from < least[0] or current_count < least[1]:
        return Comparison(statistic=None, **known)
    values = column.part(present, current_from)
    if other is not None:
        said = _of_pair(values, other.part(present, current_from))
    elif statistic in _SERIES:
        said = _of_series(statistic, values)
        if (at := said["statistic"].at) is not None and (key := frame[KEY].iat[present[at]]) is not None:
            said["moved"] = str(key)[:NAME_LENGTH]
    elif values.names is not None:
        said = _of_categories(statistic, values)
    else:
        said = _of_numbers(statistic, values)
    is_higher_better: Any = frame[IS_HIGHER_BETTER].iat[present[-1]]
    if statistic == "variance_ratio":
        known["is_better"] = said["statistic"].value < 1
    elif values.names is None and other is None and is_higher_better in (True, False) and said["before"] != said["now"]:
        known["is_better"] = (said["now"] > said["before"]) == bool(is_higher_better)
    return Comparison(**known, **said)


def _of_numbers(name: str, column: Column) -> dict[str, Any]:
    before, now = column.windows
    return {
        "statistic": _NUMBERS[name](before, now),
        "before": float(before.mean()),
        "now": float(now.mean()),
        "picture": pictures.histogram(before, now),
    }


def _of_series(name: str, column: Column) -> dict[str, Any]:
    values = column.values
    statistic = _SERIES[name](values)
    middle = len(values) // 2 if statistic.at is None else statistic.at
    return {
        "statistic": statistic,
        "before": float(np.median(values[:middle])),
        "now": float(np.median(values[middle:])),
        "picture": pictures.series(values, column.current_from, statistic.at),
    }


def _of_categories(name: str, column: Column) -> dict[str, Any]:
    before, now = column.windows
    names = column.names or ()
    statistic = _CATEGORIES[name](before, now)
    shares = [np.bincount(each, minlength=len(names)) / len(each) for each in (before, now)]
    at = statistic.at or 0
    return {
        "statistic": statistic,
        "before": float(shares[0][at]),
        "now": float(shares[1][at]),
        "moved": names[at],
        "picture": pictures.categories(names, shares[0].tolist(), shares[1].tolist()),
    }


def _of_pair(column: Column, other: Column) -> dict[str, Any]:
    """Of two numbers their rank correlation, else Cramér's V, a number cut into parts.

    The picture: for every part or name of `column`, the share of rows in the upper half, or of the commonest name, of
    `other`.
    """
    coded = [each.windows if each.names is not None else relations.parts(*each.windows) for each in (column, other)]
    before, now = zip(*coded, strict=True)
    if column.names is None and other.names is None:
        numbers = list(zip(column.windows, other.windows, strict=True))
        statistic = relations.correlation_shift(*numbers)
        found = [relations.rank_correlation(*window) for window in numbers]
    else:
        statistic = relations.association_shift(before, now)
        found = [relations.association(*window) for window in (before, now)]
    top = None if other.names is None else np.bincount(np.concatenate(coded[1])).argmax()
    size = len(column.names) if column.names else 1 + int(np.concatenate(coded[0]).max())
    shares = [
        np.bincount(codes, weights=others == top if top is not None else others >= relations.PARTS // 2, minlength=size)
        / np.maximum(np.bincount(codes, minlength=size), 1)
        for codes, others in (before, now)
    ]
    names = column.names or tuple(f"part {number + 1} of {size}" for number in range(size))
    return {
        "statistic": statistic,
        "before": found[0],
        "now": found[1],
        "picture": pictures.categories(names, shares[0].tolist(), shares[1].tolist()),
    }
