"""Row filters on Iceberg tables, always typed: string filters are a language, and values come from outside."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from itertools import pairwise

from pyiceberg.expressions import (
    AlwaysFalse,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    In,
    LessThan,
    LessThanOrEqual,
    Or,
)


@dataclass(frozen=True, slots=True)
class DayRange:
    """UTC days from `first` to `last`, both included."""

    first: date
    last: date


def day_ranges(days: Collection[date]) -> list[DayRange]:
    """Sorted, gapless ranges over `days`."""
    ordered = sorted(set(days))
    if not ordered:
        return []
    gaps = [(earlier, later) for earlier, later in pairwise(ordered) if later - earlier > timedelta(days=1)]
    firsts = [ordered[0], *(later for _, later in gaps)]
    lasts = [*(earlier for earlier, _ in gaps), ordered[-1]]
    return [DayRange(first, last) for first, last in zip(firsts, lasts, strict=True)]


def during(ranges: Collection[DayRange]) -> BooleanExpression:
    """Rows whose `event_at` lies in one of the ranges."""
    nothing: BooleanExpression = AlwaysFalse()
    return reduce(Or, map(_within, ranges), nothing)


def _within(days: DayRange) -> BooleanExpression:
    return And(
        GreaterThanOrEqual("event_at", f"{days.first}T00:00:00+00:00"),
        LessThan("event_at", f"{days.last + timedelta(days=1)}T00:00:00+00:00"),
    )


def of_units(unit_uris: Collection[str]) -> BooleanExpression:
    """Rows of these units. The bounds prune files where the set is too long for pyiceberg to look into."""
    return And(In("unit_uri", set(unit_uris)), between_units(unit_uris))


def between_units(unit_uris: Collection[str]) -> BooleanExpression:
    """Rows of these units and of all between them: pyiceberg takes long over sets of thousands, Arrow does not."""
    return And(GreaterThanOrEqual("unit_uri", min(unit_uris)), LessThanOrEqual("unit_uri", max(unit_uris)))


def of_records(key_column: str, keys: Collection[str]) -> BooleanExpression:
    """Rows of the records with these keys."""
    return In(key_column, set(keys))


def loaded(at: datetime) -> BooleanExpression:
    """Rows of one load."""
    return EqualTo("loaded_at", at.isoformat())


def loaded_before(moment: datetime) -> BooleanExpression:
    """Rows of earlier loads."""
    return LessThan("loaded_at", moment.isoformat())


def loaded_after(moment: datetime) -> BooleanExpression:
    """Rows of later loads."""
    return GreaterThan("loaded_at", moment.isoformat())


def of_days(day_column: str, days: Collection[date]) -> BooleanExpression:
    """Rows of these days, where the table has a date column for them."""
    return In(day_column, {day.isoformat() for day in days})


def of_validation(build_id: str, suite: str) -> BooleanExpression:
    """Check results of one suite on one build."""
    return And(EqualTo("build_id", build_id), EqualTo("suite", suite))
