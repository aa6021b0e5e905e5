"""What holds of every statistic, whatever the values: bounds, symmetry, invariance, and no crash."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from labelhouse.checks import pictures
from labelhouse.checks.drift import relations, series, statistics
from labelhouse.checks.drift.comparisons import highest_p_value
from labelhouse.checks.drift.statistics import Statistic

Array = NDArray[np.float64]

FEW = settings(max_examples=40)
FINITE = st.floats(-1e12, 1e12) | st.sampled_from([0.0, 1.0, 1.0 + 1e-15, 5e-324, 1e100, -1e100])


def windows(least: int = 3, most: int = 40) -> st.SearchStrategy[Array]:
    """Samples of anything: ties, constants and few values among them."""
    return st.lists(FINITE, min_size=least, max_size=most).map(np.array) | st.builds(
        np.full, st.integers(least, most), FINITE
    )


CODES = st.lists(st.integers(0, 5), min_size=3, max_size=40).map(np.array)

NUMBERS: dict[Callable[[Array, Array], Statistic], tuple[float, float]] = {
    statistics.psi: (0, math.inf),
    statistics.kolmogorov_smirnov: (0, 1),
    statistics.wasserstein: (0, statistics.LARGEST),
    statistics.jensen_shannon: (0, 1),
    statistics.mean_shift: (-statistics.LARGEST, statistics.LARGEST),
    statistics.variance_ratio: (1 / statistics.LARGEST, statistics.LARGEST),
}
CATEGORIES: dict[Callable[..., Statistic], tuple[float, float]] = {
    relations.category_psi: (0, math.inf),
    relations.category_jensen_shannon: (0, 1),
    relations.share_change: (0, 1),
    relations.cramers_v: (0, 1),
}


def is_sound(found: Statistic, bounds: tuple[float, float]) -> bool:
    return math.isfinite(found.value) and bounds[0] <= found.value <= bounds[1] + 1e-9 and 0 <= found.p_value <= 1


@pytest.mark.parametrize("statistic", NUMBERS)
@FEW
@given(windows(), windows())
def test_numbers_stay_in_bounds(statistic: Callable[[Array, Array], Statistic], before: Array, now: Array) -> None:
    found = statistic(before, now)
    assert is_sound(found, NUMBERS[statistic])
    assert (found.reference_count, found.current_count) == (len(before), len(now))


@pytest.mark.parametrize("statistic", NUMBERS)
@FEW
@given(windows(5, 30))
def test_a_sample_does_not_drift_from_itself(statistic: Callable[[Array, Array], Statistic], values: Array) -> None:
    assert statistic(values, values.copy()).p_value > 0.2


@pytest.mark.parametrize("statistic", NUMBERS)
@FEW
@given(st.lists(st.integers(-50, 50), min_size=5, max_size=30), st.lists(st.integers(-50, 50), min_size=5, max_size=30))
def test_units_and_order_do_not_matter(
    statistic: Callable[[Array, Array], Statistic], before: list[int], now: list[int]
) -> None:
    one, other = np.array(before, float), np.array(now, float)
    found = statistic(one, other)
    moved = statistic(one[::-1] * 8 + 16, other[::-1] * 8 + 16)  # powers of two: no rounding
    assert moved.value == pytest.approx(found.value, rel=1e-6, abs=1e-9)
    assert moved.p_value == pytest.approx(found.p_value, abs=0.01)


@pytest.mark.parametrize("statistic", [statistics.kolmogorov_smirnov, statistics.jensen_shannon])
@FEW
@given(windows(), windows())
def test_distances_are_symmetric(statistic: Callable[[Array, Array], Statistic], before: Array, now: Array) -> None:
    assert statistic(before, now).value == pytest.approx(statistic(now, before).value)


@pytest.mark.parametrize("statistic", CATEGORIES)
@FEW
@given(CODES, CODES)
def test_categories_stay_in_bounds(statistic: Callable[..., Statistic], before: Array, now: Array) -> None:
    found = statistic(before, now)
    assert is_sound(found, CATEGORIES[statistic])
    assert found.at in {*before, *now} or found.change == 0


@FEW
@given(CODES, CODES)
def test_shifts_of_shares_are_symmetric(before: Array, now: Array) -> None:
    for statistic in CATEGORIES:
        assert statistic(before, now).value == pytest.approx(statistic(now, before).value)


@FEW
@given(windows(3, 60))
def test_series_stay_in_bounds_and_turn_round(values: Array) -> None:
    trend, change = series.trend(values), series.change_point(values)
    assert is_sound(trend, (-1, 1))
    assert is_sound(change, (0, 1.01))
    assert 0 < (change.at or 0) < len(values)
    assert series.trend(values[::-1]).value == pytest.approx(-trend.value)
    assert series.change_point(-values).value == pytest.approx(change.value)


@FEW
@given(st.data(), st.integers(4, 30), st.integers(4, 30))
def test_relations_stay_in_bounds(data: st.DataObject, first: int, second: int) -> None:
    numbers = [tuple(data.draw(windows(size, size)) for _ in range(2)) for size in (first, second)]
    assert is_sound(relations.correlation_shift(*numbers), (-2, 2))
    codes = [
        tuple(data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size).map(np.array)) for _ in range(2))
        for size in (first, second)
    ]
    assert is_sound(relations.association_shift(*codes), (-1, 1))


@FEW
@given(st.lists(st.floats(0, 1), max_size=50), st.floats(0.001, 0.5))
def test_a_family_never_gets_more_than_alone(p_values: list[float], ratio: float) -> None:
    assert highest_p_value(p_values, ratio) <= ratio


@FEW
@given(windows(1, 200), windows(1, 200))
def test_pictures_count_everything_and_are_small(before: Array, now: Array) -> None:
    picture = pictures.histogram(before, now)
    assert (sum(picture["reference"]), sum(picture["current"])) == (len(before), len(now))
    assert len(picture["edges"]) == len(picture["reference"]) + 1 <= pictures.MOST_BINS + 1
    assert picture["edges"] == sorted(picture["edges"])
    line = pictures.series(np.concatenate([before, now]), len(before), len(before))
    assert len(line["values"]) <= pictures.MOST_VALUES
    assert line["current_from"] >= 0
