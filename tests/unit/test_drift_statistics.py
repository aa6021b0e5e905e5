"""Every statistic against published examples, against scipy's own way to it, and where there is nothing to find."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from labelhouse.checks.drift import relations, series, statistics
from labelhouse.checks.drift.comparisons import exceeds, highest_p_value
from labelhouse.checks.drift.statistics import Statistic
from labelhouse.checks.drift.tables import table_of

Array = NDArray[np.float64]

#: Flow of the Nile at Aswan, 1871-1970 (Cobb 1978, table 1): it fell after 1898.
NILE = np.fromstring(
    """
    1120 1160 963 1210 1160 1160 813 1230 1370 1140 995 935 1110 994 1020 960 1180 799 958 1140 1100 1210 1150 1250
    1260 1220 1030 1100 774 840 874 694 940 833 701 916 692 1020 1050 969 831 726 456 824 702 1120 1100 832 764 821
    768 845 864 862 698 845 744 796 1040 759 781 865 845 944 984 897 822 1010 771 676 649 846 812 742 801 1040 860 874
    848 890 744 749 838 1050 918 986 797 923 975 815 1020 906 901 1170 912 746 919 718 714 740
    """,
    sep=" ",
)
#: Pettitt (1979), table 1: K = 232, p = 0.0146, a change after the 17th.
PETTITT = np.fromstring(
    """
    -1.05 0.96 1.22 0.58 -0.98 -0.03 -1.54 -0.71 -0.35 0.66 0.44 0.91 -0.02 -1.42 1.26 -1.02 -0.81 1.66 1.05 0.97 2.14
    1.22 -0.24 1.60 0.72 -0.12 0.44 0.03 0.66 0.56 1.37 1.66 0.10 0.80 1.29 0.49 -0.07 1.18 3.29 1.84
    """,
    sep=" ",
)
NUMBERS: list[Callable[[Array, Array], Statistic]] = [
    statistics.psi,
    statistics.kolmogorov_smirnov,
    statistics.wasserstein,
    statistics.jensen_shannon,
    statistics.mean_shift,
    statistics.variance_ratio,
]
LOCATION = [each for each in NUMBERS if each is not statistics.variance_ratio]


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(5)


def test_pettitt_finds_what_pettitt_found() -> None:
    found = series.change_point(PETTITT)
    assert found.value * len(PETTITT) ** 2 / 4 == pytest.approx(232)
    assert found.p_value == pytest.approx(0.0146, abs=5e-5)
    assert found.at == 17


def test_the_nile_fell_after_1898() -> None:
    found = series.change_point(NILE)
    assert 1871 + (found.at or 0) - 1 == 1898
    assert found.p_value < 1e-6
    assert found.change == pytest.approx(np.median(NILE[28:]) - np.median(NILE[:28]))
    assert (found.reference_count, found.current_count) == (28, 72)


def test_a_trend_is_kendalls_and_theils() -> None:
    # Sen (1968) and Theil: the slope of a line with an outlier is that of the line
    values = 2.0 * np.arange(20)
    values[7] = 1000
    assert series.trend(values).change == pytest.approx(2.0)
    found = series.trend(NILE)
    assert (found.value, found.p_value) == pytest.approx(stats.kendalltau(np.arange(100), NILE))


def test_psi_of_a_table() -> None:
    # shares of 10% each against 20% once and 5% twice, without smoothing: 0.1 ln 2 + 2 (-0.05 ln 0.5)
    reference = np.full(10, 1e6)
    current = np.array([2e6, 5e5, 5e5, *[1e6] * 7])
    assert statistics.psi_of_counts(reference, current) == pytest.approx(0.2 * np.log(2), rel=1e-4)


def test_psi_bins_hold_equal_shares_of_the_reference(random: np.random.Generator) -> None:
    reference = random.normal(size=1000)
    current = np.repeat(np.quantile(reference, 0.05), 500)  # all in the lowest tenth
    shares = np.array([1.0, *[0.0] * 9])
    added = statistics.SMOOTHING / 500
    before, now = (0.1 + added) / (1 + 10 * added), (shares + added) / (1 + 10 * added)
    expected = ((now - before) * np.log(now / before)).sum()
    assert statistics.psi(reference, current).value == pytest.approx(expected, rel=0.01)


def test_jensen_shannon_of_nothing_in_common_is_one(random: np.random.Generator) -> None:
    assert statistics.jensen_shannon(random.random(40), 5 + random.random(40)).value == pytest.approx(1)


def test_wasserstein_is_in_deviations_of_the_reference(random: np.random.Generator) -> None:
    reference = random.normal(10, 2, size=60)
    found = statistics.wasserstein(reference, reference + 3)
    assert found.value == pytest.approx(3 / reference.std(ddof=1))
    assert statistics.wasserstein(reference, reference).value == 0


def test_kolmogorov_smirnov_is_scipys(random: np.random.Generator) -> None:
    reference, current = random.normal(size=30), random.normal(1, size=12)
    expected = stats.ks_2samp(reference, current)
    found = statistics.kolmogorov_smirnov(reference, current)
    assert (found.value, found.p_value) == pytest.approx((expected.statistic, expected.pvalue))


def test_a_mean_shift_is_welchs_by_permutation(random: np.random.Generator) -> None:
    reference, current = random.normal(size=20), random.normal(1.5, size=8)

    def welch(one: Array, other: Array, axis: int) -> Array:
        return np.abs(stats.ttest_ind(one, other, axis=axis, equal_var=False).statistic)

    expected = stats.permutation_test(
        (reference, current), welch, vectorized=True, alternative="greater", n_resamples=9999, rng=3
    )
    found = statistics.mean_shift(reference, current)
    assert found.value == pytest.approx((current.mean() - reference.mean()) / reference.std(ddof=1))
    assert found.p_value == pytest.approx(expected.pvalue, abs=0.01)


def test_a_mean_shift_of_many_is_welchs(random: np.random.Generator) -> None:
    reference, current = random.normal(size=300), random.normal(0.2, 2, size=200)
    assert statistics.mean_shift(reference, current).p_value == pytest.approx(
        stats.ttest_ind(reference, current, equal_var=False).pvalue
    )


def test_variances_are_compared_by_brown_and_forsythe(random: np.random.Generator) -> None:
    reference, current = random.normal(size=40), random.normal(0, 3, size=20)
    found = statistics.variance_ratio(reference, current)
    assert found.value == pytest.approx(current.var(ddof=1) / reference.var(ddof=1))
    assert found.p_value == pytest.approx(stats.levene(reference, current, center="median").pvalue)
    assert exceeds("variance_ratio", 0.1, 6)
    assert not exceeds("variance_ratio", 0.2, 6)


def test_large_numbers_of_one_size_keep_their_digits() -> None:
    reference, current = 1e9 + np.arange(20) * 1e-3, 1e9 + 0.5 + np.arange(8) * 1e-3
    assert statistics.mean_shift(reference, current).p_value < 0.001
    table = table_of(reference, current)
    assert np.ptp(table.positions) == pytest.approx(0.507, rel=1e-3)


@pytest.mark.parametrize("statistic", LOCATION)
def test_constants_that_differ_are_found_and_stay_finite(statistic: Callable[[Array, Array], Statistic]) -> None:
    found = statistic(np.ones(20), np.full(8, 2.0))
    assert found.p_value < 0.001
    assert 0 < abs(found.value) <= statistics.LARGEST


@pytest.mark.parametrize("statistic", NUMBERS)
def test_the_same_constant_is_no_drift(statistic: Callable[[Array, Array], Statistic]) -> None:
    found = statistic(np.ones(20), np.ones(8))
    assert found.p_value == 1
    assert found.value in (0, 1)  # no difference; a ratio of one


@pytest.mark.parametrize("statistic", NUMBERS)
@pytest.mark.parametrize("kind", ["normal", "lognormal", "tied"])
@pytest.mark.parametrize("sizes", [(24, 8), (300, 100)])
def test_p_values_hold_what_they_say(
    statistic: Callable[[Array, Array], Statistic], kind: str, sizes: tuple[int, int], random: np.random.Generator
) -> None:
    draw = {
        "normal": lambda size: random.normal(size=size),
        "lognormal": lambda size: random.lognormal(size=size),
        "tied": lambda size: random.integers(0, 6, size=size).astype(float),
    }[kind]
    p_values = np.array([statistic(draw(sizes[0]), draw(sizes[1])).p_value for _ in range(200)])
    # of 200, 10 are expected at 0.05; 20 or more come once in a thousand times
    assert np.count_nonzero(p_values <= 0.05) < 20
    assert np.count_nonzero(p_values <= 0.005) < 6


def test_the_category_that_moved_most_is_named_by_its_code() -> None:
    reference, current = np.repeat([0, 1, 2], [60, 60, 80]), np.repeat([0, 1, 2], [10, 60, 30])
    for statistic in (relations.category_psi, relations.category_jensen_shannon, relations.share_change):
        found = statistic(reference, current)
        assert (found.at, found.change) == (1, pytest.approx(0.3))
        assert found.p_value < 0.01


def test_cramers_v_is_the_root_of_chi_square() -> None:
    reference, current = np.repeat([0, 1, 2], [60, 60, 80]), np.repeat([0, 1, 2], [10, 60, 30])
    counts = np.array([[60, 60, 80], [10, 60, 30]])
    found = relations.cramers_v(reference, current)
    assert found.value == pytest.approx(stats.contingency.association(counts, method="cramer"))
    assert stats.chi2_contingency(counts).pvalue < 0.001
    assert found.p_value == pytest.approx(0.0001)


def test_a_correlation_shift_is_fishers(random: np.random.Generator) -> None:
    x, y = random.normal(size=80), random.normal(size=50)
    before, now = (x, x + random.normal(size=80)), (y, random.normal(size=50))
    found = relations.correlation_shift(before, now)
    r = [stats.spearmanr(*window).statistic for window in (before, now)]
    z = (np.arctanh(r[1]) - np.arctanh(r[0])) / np.sqrt(1.06 / 77 + 1.06 / 47)
    assert found.value == pytest.approx(r[1] - r[0])
    assert found.p_value == pytest.approx(2 * stats.norm.sf(abs(z)))
    assert found.p_value < 0.01


def test_a_constant_correlates_with_nothing() -> None:
    x = np.arange(20.0)
    assert relations.correlation_shift((x, x), (x, np.ones(20))) == Statistic(0.0, 1.0, 20, 20)


def test_an_association_that_is_lost_is_found(random: np.random.Generator) -> None:
    before, now = random.integers(0, 3, size=200), random.integers(0, 3, size=120)
    found = relations.association_shift((before, before), (now, random.integers(0, 3, size=120)))
    assert found.value < -0.7
    assert found.p_value < 0.001


def test_benjamini_and_hochberg() -> None:
    # their own example (1995): 15 p-values, of which the first four count at 0.05
    p_values = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
    p_values += [0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert highest_p_value(p_values, 0.05) == 0.0095
    assert highest_p_value([0.4, 0.9], 0.05) == 0.025
    assert highest_p_value([], 0.05) == 0.05
