"""States of alarms, by the cases that CloudWatch documents, and what holds for all of them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from labelhouse.checks.alarms.evaluation import (
    BAND_COMPARISONS,
    SPARE_PERIODS,
    Comparison,
    Datapoint,
    MissingData,
    State,
    evaluate,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
TREATMENTS: tuple[MissingData, ...] = ("missing", "ignore", "breaching", "notBreaching")
STATES: tuple[State, ...] = ("OK", "ALARM", "INSUFFICIENT_DATA")
#: What stands in a table for the state before.
KEPT = "kept"


@dataclass(frozen=True)
class Rule:
    comparison: Comparison = "GreaterThanThreshold"
    threshold: float | None = 10.0
    evaluation_periods: int = 3
    breaches_to_alarm: int = 3
    treat_missing_data: MissingData = "missing"


def points(drawn: str) -> list[Datapoint]:
    """`0` is in order, `X` is breaching, `-` is missing; the newest is on the right."""
    values = {"0": 1.0, "X": 99.0, "-": None}
    signs = drawn.split()
    return [Datapoint(START + timedelta(minutes=number), values[sign]) for number, sign in enumerate(signs)]


#: Points, M out of 3, and the state for missing, ignore, breaching, notBreaching.
DOCUMENTED = [
    ("0 - X - X", 3, "OK", "OK", "OK", "OK"),
    ("0 - - - -", 3, "OK", "OK", "OK", "OK"),
    ("- - - - -", 3, "INSUFFICIENT_DATA", KEPT, "ALARM", "OK"),
    ("0 X X - X", 3, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("- - X - -", 3, "ALARM", KEPT, "ALARM", "OK"),
    ("0 - X - X", 2, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 0 X 0 X", 2, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("0 - X - -", 2, "OK", "OK", "ALARM", "OK"),
    ("- - - - 0", 2, "OK", "OK", "ALARM", "OK"),
    ("- - - X -", 2, "ALARM", KEPT, "ALARM", "OK"),
    # what is said of alarms that come too early: not while the next point may show that it was nothing
    ("- - - - X", 3, "OK", KEPT, "ALARM", "OK"),
    ("- - - X -", 3, "OK", KEPT, "ALARM", "OK"),
    ("- - - X 0", 3, "OK", "OK", "OK", "OK"),
    ("- - X - 0", 3, "OK", "OK", "OK", "OK"),
    # a datapoint from before the last three stands in for a missing one, and no further back than two periods
    ("X - - X X", 3, "ALARM", "ALARM", "ALARM", "ALARM"),
    ("X X X - - - - -", 3, "INSUFFICIENT_DATA", KEPT, "ALARM", "OK"),
    ("X X 0 0 0", 2, "OK", "OK", "OK", "OK"),
]


@pytest.mark.parametrize("previous", [None, *STATES])
@pytest.mark.parametrize("case", DOCUMENTED, ids=lambda case: f"{case[0]} {case[1]} of 3")
def test_the_documented_cases(case: tuple[str, int, str, str, str, str], previous: State | None) -> None:
    drawn, breaches, *expected = case
    for treatment, state in zip(TREATMENTS, expected, strict=True):
        rule = Rule(breaches_to_alarm=breaches, treat_missing_data=treatment)
        kept = previous or "INSUFFICIENT_DATA"
        assert evaluate(points(drawn), rule, previous).state == (kept if state == KEPT else state), treatment


@pytest.mark.parametrize(
    ("comparison", "is_breaching"),
    [
        ("GreaterThanOrEqualToThreshold", operator.ge),
        ("GreaterThanThreshold", operator.gt),
        ("LessThanThreshold", operator.lt),
        ("LessThanOrEqualToThreshold", operator.le),
    ],
)
@pytest.mark.parametrize("value", [9.0, 10.0, 11.0])
def test_a_threshold_is_compared_as_the_operator_says(
    comparison: Comparison, is_breaching: Callable[[float, float], bool], value: float
) -> None:
    rule = Rule(comparison, evaluation_periods=1, breaches_to_alarm=1)
    state = evaluate([Datapoint(START, value)], rule, None).state
    assert state == ("ALARM" if is_breaching(value, 10.0) else "OK")


@pytest.mark.parametrize(("value", "breached"), [(1.0, "below"), (5.0, ""), (2.0, ""), (8.0, ""), (9.0, "above")])
def test_a_band_is_compared_on_the_sides_that_the_operator_names(value: float, breached: str) -> None:
    sides = dict(zip(BAND_COMPARISONS, ({"below", "above"}, {"below"}, {"above"}), strict=True))
    for comparison, counted in sides.items():
        rule = Rule(comparison, threshold=None, evaluation_periods=1, breaches_to_alarm=1)
        state = evaluate([Datapoint(START, value, 2.0, 8.0)], rule, None).state
        assert state == ("ALARM" if breached in counted else "OK"), comparison


def test_the_reason_says_what_was_seen_and_the_decisive_datapoints_are_the_breaching_ones() -> None:
    found = evaluate(points("0 X X"), Rule(breaches_to_alarm=2), "OK")
    assert found.reason == ("2 of 3 datapoints were above 10 (99 at 2026-03-01 00:01 UTC, 99 at 2026-03-01 00:02 UTC).")
    assert found.decisive == tuple(points("0 X X")[1:])


def test_nothing_at_all_is_as_if_everything_was_missing() -> None:
    assert evaluate([], Rule(), "ALARM").state == "INSUFFICIENT_DATA"
    assert evaluate([], Rule(treat_missing_data="ignore"), "ALARM").state == "ALARM"


# -- what holds for all alarms ---------------------------------------------------------------------------------------

SIGNS = st.lists(st.sampled_from("0X-"), max_size=12).map(" ".join)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    periods = draw(st.integers(1, 6))
    return Rule(
        evaluation_periods=periods,
        breaches_to_alarm=draw(st.integers(1, periods)),
        treat_missing_data=draw(st.sampled_from(TREATMENTS)),
    )


PREVIOUS = st.sampled_from([None, *STATES])


@given(SIGNS, rules(), PREVIOUS)
def test_with_enough_data_the_treatment_of_missing_data_and_the_state_before_do_not_matter(
    drawn: str, rule: Rule, previous: State | None
) -> None:
    seen = drawn.split()[-(rule.evaluation_periods + SPARE_PERIODS) :]
    real = [sign for sign in seen if sign != "-"][-rule.evaluation_periods :]
    if len(real) == rule.evaluation_periods:
        expected = "ALARM" if real.count("X") >= rule.breaches_to_alarm else "OK"
        assert evaluate(points(drawn), rule, previous).state == expected


@given(SIGNS, rules(), PREVIOUS)
def test_what_lies_further_back_than_two_spare_periods_changes_nothing(
    drawn: str, rule: Rule, previous: State | None
) -> None:
    near = points(drawn)[-(rule.evaluation_periods + SPARE_PERIODS) :]
    assert evaluate(points(drawn), rule, previous) == evaluate(near, rule, previous)


@given(SIGNS, rules(), PREVIOUS)
def test_more_breaching_data_never_ends_an_alarm(drawn: str, rule: Rule, previous: State | None) -> None:
    if rule.treat_missing_data != "ignore" and evaluate(points(drawn), rule, previous).state == "ALARM":
        assert evaluate(points(drawn.replace("0", "X")), rule, previous).state == "ALARM"


@given(SIGNS, rules(), PREVIOUS)
def test_an_evaluation_that_is_repeated_finds_the_same_state(drawn: str, rule: Rule, previous: State | None) -> None:
    first = evaluate(points(drawn), rule, previous)
    assert evaluate(points(drawn), rule, first.state).state == first.state


@given(SIGNS, rules(), PREVIOUS)
def test_a_state_needs_what_its_name_says(drawn: str, rule: Rule, previous: State | None) -> None:
    signs = drawn.split()[-(rule.evaluation_periods + SPARE_PERIODS) :]
    found = evaluate(points(drawn), rule, previous)
    if rule.treat_missing_data in ("missing", "notBreaching") and found.state == "ALARM":
        assert "X" in signs
    if found.state == "INSUFFICIENT_DATA" and previous != "INSUFFICIENT_DATA" and previous is not None:
        assert rule.treat_missing_data == "missing"
        assert set(signs) <= {"-"}


class Watched(RuleBasedStateMachine):
    """A metric over time, watched by an alarm of each treatment of missing data."""

    def __init__(self) -> None:
        super().__init__()
        self.signs: list[str] = []
        self.states: dict[MissingData, State] = {}
        self.history: dict[MissingData, list[State]] = {treatment: [] for treatment in TREATMENTS}

    @rule(sign=st.sampled_from("0X-"), count=st.integers(1, 6))
    def time_passes(self, sign: str, count: int) -> None:
        for _ in range(count):
            self.signs.append(sign)
            self.evaluate()

    @precondition(lambda self: self.signs)
    @rule()
    def evaluate(self) -> None:
        for treatment in TREATMENTS:
            rule = Rule(breaches_to_alarm=2, treat_missing_data=treatment)
            found = evaluate(points(" ".join(self.signs)), rule, self.states.get(treatment))
            if found.state != self.states.get(treatment):
                self.history[treatment].append(found.state)
            self.states[treatment] = found.state

    @invariant()
    def a_change_is_a_change(self) -> None:
        for changes in self.history.values():
            assert all(earlier != later for earlier, later in pairwise(changes))

    @invariant()
    def three_breaching_in_a_row_are_an_alarm_and_three_in_order_are_none(self) -> None:
        if self.signs[-3:] == ["X"] * 3:
            assert set(self.states.values()) == {"ALARM"}
        if self.signs[-3:] == ["0"] * 3:
            assert set(self.states.values()) == {"OK"}

    @invariant()
    def long_silence_is_what_each_treatment_takes_it_for(self) -> None:
        if self.signs[-6:] == ["-"] * 6:
            assert self.states["missing"] == "INSUFFICIENT_DATA"
            assert self.states["breaching"] == "ALARM"
            assert self.states["notBreaching"] == "OK"


TestWatched = Watched.TestCase
TestWatched.settings = settings(max_examples=30, stateful_step_count=20)


def test_a_rule_with_one_period_alarms_at_once() -> None:
    rule = replace(Rule(), evaluation_periods=1, breaches_to_alarm=1)
    assert [evaluate(points(drawn), rule, "OK").state for drawn in ("X", "X 0", "0 X")] == ["ALARM", "OK", "ALARM"]
