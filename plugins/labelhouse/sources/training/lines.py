"""Lines of the logs of trainings: whose they are, when they were written, and what tells them apart."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from labelhouse.sources.documents import EARLIEST, Unreadable, time

#: `<job>/<host>-<epoch in ms or s>` in the log group; the `/` is a `-` in an export.
_STREAM = re.compile(r"(?P<job>[^/]+)/(?P<host>algo-[0-9]{1,4})(?:-[0-9]{6,16})?")
_EXPORTED = re.compile(r"(?:^|/)(?P<job>[^/]+?)-(?P<host>algo-[0-9]{1,4})-(?P<epoch>[0-9]{6,16})/[0-9]{6}(?:\.gz)?\Z")
_ENDING = re.compile(r"(?i)(?:\.(?:log|txt|out|json))?(?:\.gz)?\Z")
_LEAD = re.compile(rb"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z) ")
#: Colours, by which the SDK tells instances apart on a terminal.
_COLOUR = re.compile(rb"\x1b\[[0-9;]{0,20}m")
#: How programmes begin their lines: `2022-04-18 00:27:32`, `[2022-04-18:00:31:00:INFO]`, `[05/19/2023 21:07:04 INFO`.
_BEGUN = re.compile(
    rb"\[?(?:(?P<year>[0-9]{4})-(?P<month>[0-9]{2})-(?P<day>[0-9]{2})"
    rb"|(?P<month_us>[0-9]{2})/(?P<day_us>[0-9]{2})/(?P<year_us>[0-9]{4}))"
    rb"[T: ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]{1,6}))?(?![0-9])"
)
_ID_LETTERS = 32


class Stream(NamedTuple):
    """Who writes: a training job, on one of its instances.

    Args:
        name: as in the log group; None where lines of all instances stand together.
        host: e.g. `algo-1`.
    """

    job: str
    name: str | None = None
    host: str | None = None


class Line(NamedTuple):
    """One line.

    Args:
        number: in its unit.
        text: without colours, and without the time that an export puts before it.
        at: when it was written, as far as it is known.
    """

    number: int
    stream: Stream
    text: bytes
    at: datetime | None


def stream_named(name: str) -> Stream:
    """The stream of that name in the log group."""
    found = _STREAM.fullmatch(name)
    return Stream(found["job"], name, found["host"]) if found else Stream(name.partition("/")[0], name)


def stream_of(key: str) -> Stream:
    """The stream of a saved log: of an export by its folder; of any other file by its name, which is the job's."""
    if found := _EXPORTED.search(key):
        return Stream(found["job"], f"{found['job']}/{found['host']}-{found['epoch']}", found["host"])
    return Stream(_ENDING.sub("", key.rpartition("/")[2], count=1) or key)


def plain(line: bytes) -> bytes:
    """A line without colours and the space around it."""
    return (_COLOUR.sub(b"", line) if b"\x1b" in line else line).strip()


def without_lead(line: bytes, latest_at: datetime) -> tuple[datetime | None, bytes]:
    """The time of a line, and the line without the one that an export puts before it.

    A time that lies before 2010 or in the future is none: many things begin a line that look like one.
    """
    if lead := _LEAD.match(line):
        try:
            return time(lead["time"].decode(), "", latest_at), line[lead.end() :].strip()
        except Unreadable:
            return None, line
    found = _BEGUN.match(line)
    if not found:
        return None, line
    year, month, day = (int(found[name] or found[f"{name}_us"]) for name in ("year", "month", "day"))
    hour, minute, second = (int(found[name]) for name in ("hour", "minute", "second"))
    microsecond = int((found["fraction"] or b"0").ljust(6, b"0"))
    try:
        at = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    except ValueError:
        return None, line
    return (at if EARLIEST <= at <= latest_at else None), line


class Ids:
    """Names lines by what they hold, so that a line has one name by whichever way it comes."""

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def of(self, line: Line) -> str:
        """The id of a line; of equal ones each has its own, by their order."""
        at = "" if line.at is None else str(round(line.at.timestamp() * 1000))
        who = "\0".join((line.stream.job, line.stream.host or "", at))
        digest = sha256(who.encode(errors="surrogatepass") + b"\0" + line.text).digest()
        number = self._seen[digest]
        self._seen[digest] += 1
        return sha256(digest + number.to_bytes(8, "big")).hexdigest()[:_ID_LETTERS]
