"""What a comparison comes to: its verdict, and the sentence that people read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from labelhouse.checks.drift.comparisons import CORRELATION, Comparison, exceeds
from labelhouse.checks.results import Verdict

#: Statistic → what people call it.
STATISTIC_NAMES = {
    "psi": "PSI",
    "kolmogorov_smirnov": "Kolmogorov-Smirnov",
    "wasserstein": "Wasserstein",
    "jensen_shannon": "Jensen-Shannon",
    "mean_shift": "mean shift",
    "variance_ratio": "variance ratio",
    "share_change": "change of share",
    "cramers_v": "Cramér's V",
    "kendall_tau": "Kendall's tau",
    "pettitt": "Pettitt's K",
    CORRELATION: "change of correlation",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """How comparisons of one check are judged, and what words speak of them.

    Args:
        statistic, threshold, direction: as in `DriftCheck`.
        highest_p_value: the largest that counts; what is less likely by chance is a drift.
        least: the fewest values of reference and current window.
        noun: what the values are called.
        reference_name: what the reference is called, after "the 20 ".
        other: the column that correlations are with; None otherwise.
    """

    statistic: str
    threshold: float
    highest_p_value: float
    least: tuple[int, int]
    direction: Literal["either", "worse"] = "either"
    noun: str = "values"
    reference_name: str = "before"
    other: str | None = None

    def verdict(self, comparison: Comparison) -> Verdict:
        """A drift is `not_met`: beyond its threshold, too unlikely by chance, and not to the better."""
        statistic = comparison.statistic
        if statistic is None:
            return "not_enough_data"
        is_welcome = self.direction == "worse" and comparison.is_better is True
        is_drift = exceeds(self.statistic, statistic.value, self.threshold) and not is_welcome
        return "not_met" if is_drift and statistic.p_value <= self.highest_p_value else "met"

    def finding(self, comparison: Comparison) -> str:
        """One sentence: what moved, from what to what, by which statistic; names in it are data."""
        statistic, noun = comparison.statistic, self.noun
        subject = comparison.subject or "It"
        lost = f" {comparison.lost_count} {noun} without a number are left out." if comparison.lost_count else ""
        if statistic is None:
            now = f"{comparison.current_count} {noun} in the current window (at least {self.least[1]})"
            before = f"{comparison.reference_count} {self.reference_name} (at least {self.least[0]})"
            return f"{subject}: not enough data: {now}, {before}.{lost}"
        p_value = f"p {statistic.p_value:.2g}" if statistic.p_value >= 0.0001 else "p < 0.0001"
        return (
            f"{subject}{self._state(comparison)}: {self._windows(comparison)}; {STATISTIC_NAMES[self.statistic]} "
            f"{statistic.value:.3g} (threshold {self.threshold:g}), {p_value}.{lost}"
        )

    def details(self, comparison: Comparison) -> dict[str, Any]:
        """All of it as strict JSON."""
        statistic = comparison.statistic
        return {
            "subject": comparison.subject or None,
            "verdict": self.verdict(comparison),
            "statistic_name": self.statistic,
            "statistic_value": None if statistic is None else statistic.value,
            "threshold_value": self.threshold,
            "p_value": None if statistic is None else statistic.p_value,
            "reference_count": comparison.reference_count,
            "current_count": comparison.current_count,
            "finding": self.finding(comparison),
            "picture": comparison.picture,
        }

    def _state(self, comparison: Comparison) -> str:
        """What became of the subject, to stand after its name."""
        statistic = comparison.statistic
        assert statistic is not None
        if not exceeds(self.statistic, statistic.value, self.threshold):
            return " has not moved beyond the threshold"
        if statistic.p_value > self.highest_p_value:
            return " may have moved by chance"
        return f" {self._movement(comparison, statistic.value)}{_judgement(comparison)}"

    def _movement(self, comparison: Comparison, value: float) -> str:
        if self.statistic == CORRELATION:
            return f"goes with {self.other} otherwise"
        if self.statistic == "variance_ratio":
            return f"scatters {'less' if value < 1 else 'more'}"
        if self.statistic == "pettitt":
            return f"changed at {comparison.moved}" if comparison.moved else "changed"
        if comparison.moved is not None:
            return "shifted"
        before, now = comparison.before or 0.0, comparison.now or 0.0
        return "rose" if now > before else "fell" if now < before else "is distributed otherwise"

    def _windows(self, comparison: Comparison) -> str:
        statistic, noun = comparison.statistic, self.noun
        assert statistic is not None
        before, now = _number(comparison.before), _number(comparison.now)
        size = comparison.reference_count + comparison.current_count
        if self.statistic == "kendall_tau":
            change = f"{_number(statistic.change)} from one to the next"
            return f"median {now} in the newer half of {size} {noun} against {before} in the older, {change}"
        if self.statistic == "pettitt":
            since, until = statistic.current_count, statistic.reference_count
            return f"median {now} in the last {since} {noun} against {before} in the {until} before"
        last = f"in the last {comparison.current_count} {noun}"
        reference = f"in the {comparison.reference_count} {self.reference_name}"
        if self.statistic == CORRELATION:
            return f"correlation {now} {last} against {before} {reference}"
        if comparison.moved is not None:
            return f"{comparison.moved} {comparison.now:.0%} {last} against {comparison.before:.0%} {reference}"
        return f"mean {now} {last} against {before} {reference}"


def _judgement(comparison: Comparison) -> str:
    return {True: ", which is better", False: ", which is worse", None: ""}[comparison.is_better]


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.4g}"
