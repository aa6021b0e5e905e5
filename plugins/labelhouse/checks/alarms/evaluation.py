"""Whether an alarm is in ALARM, by CloudWatch's rules: a pure function of its datapoints and its last state.

CloudWatch looks at more periods than `evaluation_periods`, so that a few missing datapoints do not matter: what is
there counts before what is not. Only where too little is there, `treat_missing_data` decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
MissingData = Literal["missing", "notBreaching", "breaching", "ignore"]
Comparison = Literal[
    "GreaterThanOrEqualToThreshold",
    "GreaterThanThreshold",
    "LessThanThreshold",
    "LessThanOrEqualToThreshold",
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
]
#: Comparisons with a band; all others are with a threshold.
BAND_COMPARISONS: tuple[Comparison, ...] = (
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
#: So many periods before the last `evaluation_periods` may stand in for missing ones.
SPARE_PERIODS = 2

_IN_WORDS: dict[Comparison, str] = {
    "GreaterThanOrEqualToThreshold": "at or above {bound}",
    "GreaterThanThreshold": "above {bound}",
    "LessThanThreshold": "below {bound}",
    "LessThanOrEqualToThreshold": "at or below {bound}",
    "LessThanLowerOrGreaterThanUpperThreshold": "outside the band",
    "LessThanLowerThreshold": "below the band",
    "GreaterThanUpperThreshold": "above the band",
}


@dataclass(frozen=True, slots=True)
class Datapoint:
    """The metric's statistic over one period.

    Args:
        at: start of the period, UTC.
        value: None where the period has no data, or no band to compare it with.
        low, high: the band; None where the alarm has a threshold.
    """

    at: datetime
    value: float | None
    low: float | None = None
    high: float | None = None


class Rule(Protocol):
    """What of an alarm's definition decides its state."""

    @property
    def comparison(self) -> Comparison: ...
    @property
    def threshold(self) -> float | None: ...
    @property
    def evaluation_periods(self) -> int: ...
    @property
    def breaches_to_alarm(self) -> int: ...
    @property
    def treat_missing_data(self) -> MissingData: ...


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The state, why as a sentence, and the datapoints that decided it, oldest first."""

    state: State
    reason: str
    decisive: tuple[Datapoint, ...] = ()


def evaluate(datapoints: Sequence[Datapoint], rule: Rule, previous: State | None) -> Evaluation:
    """The state of an alarm.

    Args:
        datapoints: one a period, oldest first; the last `evaluation_periods` and `SPARE_PERIODS` before are looked at.
        rule: threshold, comparison, periods, and how missing data is treated.
        previous: the last state; None before the first evaluation, which stands for INSUFFICIENT_DATA.
    """
    seen = list(datapoints)[-(rule.evaluation_periods + SPARE_PERIODS) :]
    real = [point for point in seen if point.value is not None][-rule.evaluation_periods :]
    missing_count = rule.evaluation_periods - len(real)
    if missing_count == 0:
        return _counted(real, 0, rule)
    if rule.treat_missing_data == "breaching":
        return _counted(real, missing_count, rule)
    if rule.treat_missing_data == "notBreaching":
        return _counted(real, 0, rule) if real else Evaluation("OK", "No data came, which counts as not breaching.")
    return _undecided(seen, real, rule, previous or "INSUFFICIENT_DATA")


def is_breaching(point: Datapoint, rule: Rule) -> bool:
    """Whether a datapoint that has a value is on the wrong side."""
    value = point.value
    assert value is not None
    if rule.comparison in BAND_COMPARISONS:
        assert point.low is not None
        assert point.high is not None
        is_below = value < point.low and rule.comparison != "GreaterThanUpperThreshold"
        return is_below or (value > point.high and rule.comparison != "LessThanLowerThreshold")
    assert rule.threshold is not None
    match rule.comparison:
        case "GreaterThanOrEqualToThreshold":
            return value >= rule.threshold
        case "GreaterThanThreshold":
            return value > rule.threshold
        case "LessThanThreshold":
            return value < rule.threshold
        case _:
            return value <= rule.threshold


def _undecided(seen: list[Datapoint], real: list[Datapoint], rule: Rule, previous: State) -> Evaluation:
    """The state where datapoints are missing that count neither as breaching nor as not breaching."""
    keeps_state = rule.treat_missing_data == "ignore"
    if not real:
        if keeps_state:
            return Evaluation(previous, "No data came, so the state stays as it was.")
        lacking = "data, and enough before it for a band" if rule.comparison in BAND_COMPARISONS else "data"
        return Evaluation("INSUFFICIENT_DATA", f"None of the last {len(seen)} periods has {lacking}.")
    counted = _counted(real, 0, rule)
    if counted.state == "ALARM" or not all(is_breaching(point, rule) for point in real):
        return counted
    # Everything that came is breaching, and it is not enough. Once the first of it is as old as
    # `datapoints_to_alarm` periods, nothing can come any more that would have made it a false alarm.
    age = len(seen) - seen.index(real[0])
    if keeps_state:
        return Evaluation(previous, f"{_told(real, rule)}, too few to tell, so the state stays as it was.", tuple(real))
    if age >= rule.breaches_to_alarm:
        return Evaluation("ALARM", f"{_told(real, rule)}, and nothing has come since.", tuple(real))
    return Evaluation("OK", f"{_told(real, rule)}, too few for an alarm.", tuple(real))


def _counted(real: list[Datapoint], filled_count: int, rule: Rule) -> Evaluation:
    """The state by the count of breaching datapoints, `filled_count` missing ones among them."""
    breaching = [point for point in real if is_breaching(point, rule)]
    reason = _told(real, rule)
    if filled_count:
        reason += f"; {filled_count} missing {'one counts' if filled_count == 1 else 'ones count'} as breaching"
    if len(breaching) + filled_count >= rule.breaches_to_alarm:
        return Evaluation("ALARM", f"{reason}.", tuple(breaching))
    return Evaluation("OK", f"{reason}, fewer than {rule.breaches_to_alarm}.", tuple(real))


def _told(real: list[Datapoint], rule: Rule) -> str:
    """How many datapoints are breaching, and which."""
    if not real:
        return "No data came"
    breaching = [point for point in real if is_breaching(point, rule)]
    bound = "" if rule.threshold is None else f"{rule.threshold:g}"
    words = _IN_WORDS[rule.comparison].format(bound=bound)
    datapoints = "datapoint was" if len(real) == 1 else "datapoints were"
    shown = ", ".join(map(_shown, breaching[-3:]))
    return f"{len(breaching)} of {len(real)} {datapoints} {words}" + (f" ({shown})" if shown else "")


def _shown(point: Datapoint) -> str:
    band = "" if point.low is None or point.high is None else f", band {point.low:.4g} to {point.high:.4g}"
    return f"{point.value:.4g} at {point.at:%Y-%m-%d %H:%M} UTC{band}"
