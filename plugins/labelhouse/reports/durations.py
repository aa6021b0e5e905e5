"""Durations as people read them: in words, and on axes in a unit that leaves small numbers."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from labelhouse.reports import Row


class Unit(NamedTuple):
    """A unit of time and its length in seconds."""

    name: str
    seconds: float


_UNITS = (Unit("hours", 3600.0), Unit("minutes", 60.0), Unit("seconds", 1.0))


def in_words(value: Decimal | float) -> str:
    """Seconds in the units that matter: `9.8 s`, `2 min 17 s`, `2 h 03 min`, `1,204 h`."""
    if value < 0:  # a run that started before the one before it had ended
        return f"−{in_words(-value)}"
    seconds = float(value)
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    if minutes >= 6000:
        return f"{round(seconds / 3600):,} h"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def unit_for(largest: Decimal | float) -> Unit:
    """The unit for an axis that ends at `largest` seconds: the largest of which there are two or more."""
    return next((unit for unit in _UNITS if largest >= 2 * unit.seconds), _UNITS[-1])


def with_durations(rows: list[Row], unit: Unit, *columns: str) -> list[Row]:
    """`rows` with every column of seconds again as `<column>_in_unit`, and in words as `<column>_in_words`."""
    drawn = []
    for row in rows:
        known = {name: float(row[name]) for name in columns if row[name] is not None}
        measured = {f"{name}_in_unit": value / unit.seconds for name, value in known.items()}
        drawn.append(row | measured | {f"{name}_in_words": in_words(value) for name, value in known.items()})
    return drawn
