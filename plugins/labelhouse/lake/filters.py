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


def during(ranges: Collection[DayRange], day_column: str = "event_at") -> BooleanExpression:
    """Rows whose timestamp in `day_column` lies in one of the ranges."""
    nothing: BooleanExpression = AlwaysFalse()
    return reduce(Or, (_within(days, day_column) for days in ranges), nothing)


def _within(days: DayRange, day_column: str) -> BooleanExpression:
    return And(
        GreaterThanOrEqual(day_column, f"{days.first}T00:00:00+00:00"),
        LessThan(day_column, f"{days.last + timedelta(days=1)}T00:00:00+00:00"),
    )


def since(day_column: str, moment: datetime) -> BooleanExpression:
    """Rows of that moment and later ones."""
    return GreaterThanOrEqual(day_column, moment.isoformat())


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


def of_validation(build_id: str, suites: Collection[str], started_at: datetime) -> BooleanExpression:
    """What these suites found on one build, which began at `started_at`: that prunes the days before."""
    return And(EqualTo("build_id", build_id), In("suite", set(suites)), since("checked_at", started_at))


def of_definitions(fingerprint: str) -> BooleanExpression:
    """Checks as they stood when all of them together had this fingerprint."""
    return EqualTo("fingerprint", fingerprint)


def of_waivers(build_id: str, moment: datetime) -> BooleanExpression:
    """Releases of this build's hold, and those of any build that last beyond the moment."""
    return Or(EqualTo("build_id", build_id), GreaterThan("until_at", moment.isoformat()))
