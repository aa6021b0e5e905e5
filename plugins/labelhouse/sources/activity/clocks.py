"""Times as rows of bytes → numbers, for all rows at once; whatever is not exactly as it should be is no time.

Bytes are taken two by two: a table of all 65,536 pairs says what each means at its place, or that it means nothing.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import UTC, datetime

import numpy as np

from labelhouse.sources.activity.times import MONTHS, WEEKDAYS

#: Added for a pair that means nothing: the sum stays below zero whatever the others are.
_NOTHING = -(2**40)
_DAY_SECONDS = 86_400
#: On which 1970 began; Mondays are 0.
_THURSDAY = 3
_LAST_YEAR = 2099
#: By (year - 1970) * 12 + month - 1: the day since 1970 that it begins with, and how many it has.
_MONTH_COUNT = (_LAST_YEAR + 1 - 1970) * 12
_MONTH_STARTS = np.array(
    [(datetime(1970 + at // 12, at % 12 + 1, 1, tzinfo=UTC)).timestamp() // _DAY_SECONDS for at in range(_MONTH_COUNT)],
    np.int64,
)
_MONTH_DAYS = np.array([monthrange(1970 + at // 12, at % 12 + 1)[1] for at in range(_MONTH_COUNT)], np.int64)


def _table(meanings: Mapping[str, int]) -> np.ndarray:
    """What each pair of bytes means."""
    table = np.full(2**16, _NOTHING, np.int64)
    for text, meaning in meanings.items():
        table[np.frombuffer(text.encode(), np.uint16)[0]] = meaning
    return table


def _two_digits(times: int, most: int) -> np.ndarray:
    return _table({f"{number:02}": number * times for number in range(most + 1)})


def _codes(texts: list[str]) -> dict[str, int]:
    return {text: at for at, text in enumerate(dict.fromkeys(texts))}


#: The codes of `Au` and `g ` together tell the month, August.
_MONTH_BEGINS, _MONTH_ENDS = _codes([month[:2] for month in MONTHS]), _codes([month[2] for month in MONTHS])
_MONTH_OF = np.full(len(_MONTH_BEGINS) * len(_MONTH_ENDS), _NOTHING, np.int64)
for _at, _month in enumerate(MONTHS):
    _MONTH_OF[_MONTH_BEGINS[_month[:2]] * len(_MONTH_ENDS) + _MONTH_ENDS[_month[2]]] = _at
#: The weekday is known from the date: its letters are only compared.
_WEEKDAY_ENDS = _codes([day[2] for day in WEEKDAYS])
_WEEKDAY_END = np.array([_WEEKDAY_ENDS[day[2]] for day in WEEKDAYS])

_JAVA_DATE = (
    _table({day[:2]: at for at, day in enumerate(WEEKDAYS)}),
    _table({f"{text} ": code for text, code in _WEEKDAY_ENDS.items()}),
    _table({text: code * len(_MONTH_ENDS) for text, code in _MONTH_BEGINS.items()}),
    _table({f"{text} ": code for text, code in _MONTH_ENDS.items()}),
    _two_digits(1, 31),
    _table({f" {digit}": digit * 36_000 for digit in range(3)}),
    _table({f"{digit}:": digit * 3600 for digit in range(10)}),
    _two_digits(60, 59),
    _table({f":{digit}": digit * 10 for digit in range(6)}),
    _table({f"{digit} ": digit for digit in range(10)}),
    _table({"UT": 0}),
    _table({"C ": 0}),
    _table({"20": 2000 * 12}),
    _two_digits(12, 99),
)
_ISO_DATE = (
    _table({"20": 2000 * 12}),
    _two_digits(12, 99),
    _table({f"-{digit}": digit * 10 for digit in range(2)}),
    _table({f"{digit}-": digit for digit in range(10)}),
    _two_digits(1, 31),
    _table({f"T{digit}": digit * 36_000 for digit in range(3)}),
    _table({f"{digit}:": digit * 3600 for digit in range(10)}),
    _two_digits(60, 59),
    _table({f":{digit}": digit * 10 for digit in range(6)}),
    _table({f"{digit}.": digit for digit in range(10)}),
    _two_digits(10, 99),
    _table({f"{digit}Z": digit for digit in range(10)}),
)
#: The clock begins at this pair of either.
_CLOCK = 5
_EPOCH = tuple(_two_digits(100**power, 99) for power in (4, 3, 2, 1, 0))
NO_TIME = -1


def _meanings(texts: np.ndarray, tables: tuple[np.ndarray, ...]) -> list[np.ndarray]:
    pairs = np.ascontiguousarray(texts).view(np.uint16)
    return [table[pairs[:, at]] for at, table in enumerate(tables)]


def java_seconds(texts: np.ndarray) -> np.ndarray:
    """Rows such as `Wed Aug 14 16:00:59 UTC 2019` → seconds since 1970; `NO_TIME` where a row is no such time."""
    found = _meanings(texts, _JAVA_DATE)
    month_code, year_months = found[2] + found[3], found[12] + found[13] - 1970 * 12
    months = year_months + _MONTH_OF[np.where(month_code < 0, 0, month_code)]
    is_known = (month_code >= 0) & (months >= 0)
    days, is_day = _days(np.where(is_known, months, 0), found[4])
    clock = found[5] + found[6] + found[7] + found[8] + found[9] + found[10] + found[11]
    weekday = (days + _THURSDAY) % 7
    is_known &= is_day & (clock >= 0) & (clock < _DAY_SECONDS)
    is_known &= (found[0] == weekday) & (found[1] == _WEEKDAY_END[weekday])
    return np.where(is_known, days * _DAY_SECONDS + clock, NO_TIME)


def iso_milliseconds(texts: np.ndarray) -> np.ndarray:
    """Rows such as `2019-08-14T16:01:04.000Z` → milliseconds since 1970; `NO_TIME` where a row is no such time."""
    found = _meanings(texts, _ISO_DATE)
    month = found[2] + found[3]
    months = found[0] + found[1] - 1970 * 12 + month - 1
    is_known = (month >= 1) & (month <= 12) & (months >= 0)
    days, is_day = _days(np.where(is_known, months, 0), found[4])
    clock = sum(found[at] for at in range(_CLOCK, _CLOCK + 5))
    milliseconds = found[10] + found[11]
    is_known &= is_day & (clock >= 0) & (clock < _DAY_SECONDS) & (milliseconds >= 0)
    return np.where(is_known, (days * _DAY_SECONDS + clock) * 1000 + milliseconds, NO_TIME)


def epoch_seconds(texts: np.ndarray) -> np.ndarray:
    """Rows of ten digits → the number; `NO_TIME` where a row is none."""
    seconds = sum(_meanings(texts, _EPOCH))
    return np.where(seconds < 0, NO_TIME, seconds)


def _days(months: np.ndarray, day: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days since 1970, and which of them there are."""
    return _MONTH_STARTS[months] + day - 1, (day >= 1) & (day <= _MONTH_DAYS[months])
