"""The times of the worker activity log: Java's words for a date, and epochs, by fixed tables and never by locale."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from labelhouse.sources.documents import CLOCK_SKEW, SHORTEST_MILLISECONDS, UNIX_EPOCH, Unreadable, kind

#: Ground Truth began in November 2018.
EARLIEST = datetime(2018, 1, 1, tzinfo=UTC)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_JAVA = re.compile(
    r"(?P<weekday>[A-Z][a-z]{2}) (?P<month>[A-Z][a-z]{2}) (?P<day>[0-9]{1,2}) "
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2}) (?P<zone>[^ ]{1,40}) (?P<year>[0-9]{4})"
)
_UTC_NAMES = frozenset({"UTC", "GMT"})
_EPOCH = re.compile(r"[0-9]{1,16}(?:\.[0-9]{1,9})?")
#: As the log writes it: in seconds.
_REGULAR_EPOCH = re.compile(r"[1-9][0-9]{9}")
_LEAP_SECOND = timedelta(milliseconds=999)


class Moment(NamedTuple):
    """A time, and what tells its text apart.

    Args:
        at: in UTC.
        flag: `leap_second` or `weekday`; None where nothing is odd.
        second: seconds since 1970 where the text is exactly what the log writes for these, else None.
    """

    at: datetime
    flag: str | None
    second: int | None


def java_date(at: datetime) -> str:
    """A time as the log writes it, e.g. `Wed Aug 14 16:00:59 UTC 2019`."""
    return f"{WEEKDAYS[at.weekday()]} {MONTHS[at.month - 1]} {at:%d %H:%M:%S} UTC {at.year:04}"


def task_time(value: Any, name: str, now: datetime) -> Moment | None:
    """The time in a field such as `task_accepted_time`; no text is no time, and never a zero one.

    Raises:
        Unreadable: it is another kind of value, another zone, no time, or out of range; names the field.
    """
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise Unreadable(f"{name} is {kind(value)}, not text")
    found = _JAVA.fullmatch(value)
    if not found or found["month"] not in MONTHS or found["weekday"] not in WEEKDAYS:
        raise Unreadable(f"{name} is not a time such as Wed Aug 14 16:00:59 UTC 2019")
    if found["zone"] not in _UTC_NAMES:
        raise Unreadable(f"{name} is not in UTC")
    second = int(found["second"])
    is_leap = second == 60
    try:
        at = datetime(
            int(found["year"]),
            MONTHS.index(found["month"]) + 1,
            int(found["day"]),
            int(found["hour"]),
            int(found["minute"]),
            59 if is_leap else second,
            tzinfo=UTC,
        )
    except ValueError:
        raise Unreadable(f"{name} is not a time such as Wed Aug 14 16:00:59 UTC 2019") from None
    _check_range(at, name, now)
    flag = "leap_second" if is_leap else "weekday" if found["weekday"] != WEEKDAYS[at.weekday()] else None
    is_regular = not is_leap and java_date(at) == value
    return Moment(at + _LEAP_SECOND if is_leap else at, flag, _seconds(at) if is_regular else None)


def epoch(value: Any, name: str, now: datetime) -> Moment:
    """The time in `event_timestamp`: seconds since 1970 as text; numbers, and milliseconds, are read too.

    Raises:
        Unreadable: it is missing, no epoch, or out of range.
    """
    if value is None or value == "":
        raise Unreadable(f"{name} is missing")
    if isinstance(value, bool | list | dict):
        raise Unreadable(f"{name} is {kind(value)}, not a number")
    text = value if isinstance(value, str) else f"{value:.6f}" if isinstance(value, float) else str(value)
    if not _EPOCH.fullmatch(text):
        raise Unreadable(f"{name} is no epoch in seconds")
    whole, _, fraction = text.partition(".")
    microseconds = int(f"{whole}{fraction[:6]:0<6}")
    if int(whole) >= SHORTEST_MILLISECONDS:
        microseconds //= 1000
    try:
        at = UNIX_EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise Unreadable(f"{name} lies before 2018 or in the future") from None
    _check_range(at, name, now)
    return Moment(at, None, int(text) if isinstance(value, str) and _REGULAR_EPOCH.fullmatch(text) else None)


def _check_range(at: datetime, name: str, now: datetime) -> None:
    if not EARLIEST <= at <= now + CLOCK_SKEW:
        raise Unreadable(f"{name} lies before 2018 or in the future")


def _seconds(at: datetime) -> int:
    return int((at - UNIX_EPOCH).total_seconds())
