"""Which times CloudWatch is asked about, and in which periods: what is older is there in coarser ones only.

CloudWatch keeps values of 60 s for 15 days, of 300 s for 63 and of 3600 s for 455. A unit is an hour of the last two
weeks, or a UTC day of the time before. An hour is never closed: what is published late is found by asking again. A day
older than two weeks is, because CloudWatch takes nothing that old; and it must not be asked for again, because series
that have been idle for two weeks are not listed any more: the second answer would hold less. So it has a version.

The period stands in the URI of a unit: what was loaded in fine periods stays, whatever coarser ones come beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from labelhouse.errors import SourceError
from labelhouse.sources import Window

SCHEME = "cloudwatch://"
#: Periods of metrics of high resolution, which are kept for so long.
HIGH_RESOLUTION_SECONDS = (1, 5, 10, 30)
HIGH_RESOLUTION_KEPT = timedelta(hours=3)
#: In these many days a series that is idle is still listed, and CloudWatch takes values.
OPEN = timedelta(days=14)
#: Period of older days → how long CloudWatch keeps it.
COARSE = {300: timedelta(days=63), 3600: timedelta(days=455)}

_AN_HOUR, _A_DAY = timedelta(hours=1), timedelta(days=1)
_FORM = "cloudwatch://REGION, or cloudwatch://REGION?period_seconds=1 (5, 10 or 30) for metrics of high resolution"
_PLACE = re.compile(
    r"cloudwatch://(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})/?(?:\?period_seconds=(?P<period>[0-9]{1,2}))?"
)
_UNIT = re.compile(
    r"cloudwatch://(?P<region>[a-z0-9-]+)(?::(?P<account>[0-9]{12}))?/(?P<namespace>.+)/"
    r"(?P<start>[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9]{2}Z)?)/(?P<period>[0-9]+)"
)
_HOUR, _DAY = "%Y-%m-%dT%HZ", "%Y-%m-%d"


class Metrics(NamedTuple):
    """The metrics of a region, as a URI names them.

    Args:
        high_resolution_seconds: the one period that is read, of the last hours; None for those of all other metrics.
    """

    region: str
    high_resolution_seconds: int | None

    @classmethod
    def parse(cls, uri: str) -> Self:
        """What a place's URI names.

        Raises:
            SourceError: no region, or no period of high resolution.
        """
        found = _PLACE.fullmatch(uri)
        period = int(found["period"]) if found and found["period"] else None
        if not found or period not in (None, *HIGH_RESOLUTION_SECONDS):
            raise SourceError("this place is not understood", value=uri, allowed=f"{_FORM}, a folder, or s3://…")
        return cls(found["region"], period)


class Stretch(NamedTuple):
    """An hour or a day, and the period that it is asked in.

    Args:
        is_closed: its values do not change any more.
    """

    start: datetime
    length: timedelta
    period_seconds: int
    is_closed: bool = False

    @property
    def end(self) -> datetime:
        """The first moment behind it."""
        return self.start + self.length


class UnitName(NamedTuple):
    """What the URI of a unit says.

    Args:
        account_id: None where nobody could say.
    """

    region: str
    account_id: str | None
    namespace: str
    stretch: Stretch

    @property
    def uri(self) -> str:
        """`cloudwatch://us-east-1:111122223333/AWS/SageMaker/2024-05-06T07Z/60`; namespaces as they are."""
        account = f":{self.account_id}" if self.account_id else ""
        start = f"{self.stretch.start:{_HOUR if self.stretch.length == _AN_HOUR else _DAY}}"
        return f"{SCHEME}{self.region}{account}/{self.namespace}/{start}/{self.stretch.period_seconds}"

    @classmethod
    def parse(cls, uri: str) -> Self:
        """What a unit's URI says.

        Raises:
            SourceError: it is of no unit.
        """
        found = _UNIT.fullmatch(uri)
        if not found:
            raise SourceError("this is no unit of CloudWatch's metrics", value=uri)
        is_hour = "T" in found["start"]
        start = datetime.strptime(found["start"], _HOUR if is_hour else _DAY).replace(tzinfo=UTC)
        stretch = Stretch(start, _AN_HOUR if is_hour else _A_DAY, int(found["period"]))
        return cls(found["region"], found["account"], found["namespace"], stretch)


def stretches(high_resolution_seconds: int | None, window: Window, now: datetime) -> Iterator[Stretch]:
    """Hours and days that begin in a window, oldest first, each in the finest period that CloudWatch still has.

    Args:
        high_resolution_seconds: see `Metrics`.
        now: the present (UTC).
    """
    if high_resolution_seconds:
        begin = _up(now - HIGH_RESOLUTION_KEPT, _AN_HOUR)
        yield from _cut(Stretch(begin, _AN_HOUR, high_resolution_seconds), now, window)
        return
    fine, five_minutes, hours = (_up(now - age, _A_DAY) for age in (OPEN, *_kept()))
    yield from _cut(Stretch(hours, _A_DAY, 3600, is_closed=True), five_minutes, window)
    yield from _cut(Stretch(five_minutes, _A_DAY, 300, is_closed=True), fine, window)
    yield from _cut(Stretch(fine, _AN_HOUR, 60), now, window)


def oldest(now: datetime) -> datetime:
    """The first moment of which CloudWatch is asked."""
    return _up(now - max(_kept()), _A_DAY)


def _kept() -> tuple[timedelta, ...]:
    # a day less: what is listed now is read later
    return tuple(kept - _A_DAY for kept in COARSE.values())


def _cut(first: Stretch, end: datetime, window: Window) -> Iterator[Stretch]:
    stretch = first
    while stretch.start < end:
        if stretch.start in window:
            yield stretch
        stretch = stretch._replace(start=stretch.end)


def _up(moment: datetime, unit: timedelta) -> datetime:
    """The next whole hour or day."""
    since = moment - datetime.min.replace(tzinfo=UTC)
    return moment + (-since % unit)
