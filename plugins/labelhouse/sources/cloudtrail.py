"""Source `cloudtrail`: CloudTrail's log files, of one or many accounts and regions.

One pass over a log file gives two tables: the points of `BatchPutMetrics` calls (`training_metrics`), and the calls
that change jobs, teams, people or trails (`management_events`). Everything else is counted as filtered, unread.

**How it is read.** A log file is one document of JSON: `{"Records": [...]}`. `trails.log_columns` reads several of them
together, as columns, which tell foreign records apart and give the rows of regular metric calls
(`trails.metric_calls`). Changes and whatever is odd go one by one through `trails.records`; where columns cannot be had
of a file, all of its records do, so that one bad record costs nobody else.

**Times.** A file's name says when it was delivered: that is `unit_at`. Its events are older, by minutes or by up to
thirty days, in no order, and may come twice: `event_id` tells.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain, groupby
from typing import TYPE_CHECKING

import msgspec

from labelhouse.sources import Clients, Source, Unit, Window, told_by_bytes
from labelhouse.sources.documents import Text, Unreadable, unpack
from labelhouse.sources.objects import key_of, list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.trails import log_files
from labelhouse.sources.trails.callers import Callers
from labelhouse.sources.trails.places import places
from labelhouse.sources.trails.records import Delivery, load_record

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.trails.log_columns import LogReader

#: So much text is gone through at once: enough to make the cost of a query small, little enough for the memory.
GROUP_BYTES = 16 * 1024 * 1024
#: Stored bytes of files that are unpacked ahead of what is parsed.
AHEAD_BYTES = 2 * 1024 * 1024
#: A larger file is read in pieces: what becomes of so much text while it is read fits into a processor's own cache,
#: which makes it twice as fast.
PIECE_BYTES = 512 * 1024
_LOG = re.compile(r"(?:^|/)[^/_]+_CloudTrail_[a-z0-9-]+_(?P<time>[0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+\.json(?:\.gz)?\Z")
#: Beside the logs lie digests, and insights: records of another kind.
_OTHER_FOLDERS = re.compile(r"(?:^|/)CloudTrail-(?:Digest|Insight|NetworkActivity|Aggregated)[^/]*/")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A log file, or a run of its records.

    Args:
        first_record: the number in the file of the first of them.
        size_bytes: of their texts.
        unreadable: why nothing of the file can be read.
        text: of the file, where it is unreadable; as it came, where it cannot even be unpacked.
    """

    unit: Unit
    records: list[msgspec.Raw]
    first_record: int = 0
    size_bytes: int = 0
    unreadable: str | None = None
    text: Text = b""


def delivered_at(unit_uri: str) -> datetime | None:
    """When CloudTrail delivered the log file at that URI (UTC, to the minute); None where it is no log file."""
    key = key_of(unit_uri)
    found = _LOG.search(key)
    if not found or _OTHER_FOLDERS.search(key):
        return None
    try:
        return datetime.strptime(found["time"], "%Y%m%dT%H%MZ").replace(tzinfo=UTC)
    except ValueError:  # digits of no day or hour
        return None


def list_units(uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
    """The log files below a folder or prefix.

    In a bucket, only the days of a short window are listed: a trail has hundreds of files a day, kept for years.

    Raises:
        SourceError: the place is missing or unreadable, see `list_objects`.
    """
    for place in places(uri, clients, window, {"CloudTrail"}):
        for unit in list_objects(place, clients):
            if unit_at := delivered_at(unit.uri):
                yield replace(unit, unit_at=unit_at)


def parse(units: Iterable[tuple[Unit, bytes]], identities: Identities) -> Iterator[tuple[Unit, Parsed]]:
    """Rows, quarantine and counts of log files. Data never raises."""
    from labelhouse.sources.trails.log_columns import LogReader  # brings Arrow and DuckDB

    callers = Callers(identities)
    with LogReader() as reader:
        begun: _Group | None = None
        for pieces in _groups(units):
            # is read while the group before it is gone through
            group = _Group(pieces, reader, Delivery(datetime.now(UTC), callers), identities)
            if begun:
                yield from begun.parsed()
            begun = group
        if begun:
            yield from begun.parsed()


def _groups(units: Iterable[tuple[Unit, bytes]]) -> Iterator[list[_Piece]]:
    group, size = list[_Piece](), 0
    for piece in _pieces(units):
        group.append(piece)
        size += piece.size_bytes
        if size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def _pieces(units: Iterable[tuple[Unit, bytes]]) -> Iterator[_Piece]:
    """The pieces of all files, which are unpacked ahead on another core."""
    waiting = deque[tuple[int, Future[list[_Piece]]]]()
    with ThreadPoolExecutor(1, thread_name_prefix="unpack") as unpacker:
        for unit, data in units:
            waiting.append((len(data), unpacker.submit(_pieces_of, unit, data)))
            while sum(size for size, _ in waiting) > AHEAD_BYTES:
                yield from waiting.popleft()[1].result()
        for _, pieces in waiting:
            yield from pieces.result()


def _pieces_of(unit: Unit, data: bytes) -> list[_Piece]:
    """A file in one piece or several; at least one, though it may be of no records."""
    text: Text = data
    try:
        text = unpack(data)
        records = log_files.records(text)
    except Unreadable as reason:
        return [_Piece(unit, [], unreadable=str(reason), text=text)]
    pieces, first, before = list[_Piece](), 0, 0
    ends = list(accumulate(memoryview(record).nbytes for record in records))
    while first < len(records) or not pieces:
        end = max(bisect_right(ends, before + PIECE_BYTES), first + 1)
        size = ends[end - 1] - before if records else 0
        pieces.append(_Piece(unit, records[first:end], first, size))
        first, before = end, before + size
    return pieces


class _Group:
    """Pieces that are read together: their regular metric calls all at once, whatever else is ours record by record."""

    def __init__(self, pieces: list[_Piece], reader: LogReader, delivery: Delivery, identities: Identities) -> None:
        self._files = [list(of_file) for _, of_file in groupby(pieces, lambda piece: piece.unit)]
        self._read = reader.begin([piece.records for piece in pieces])
        self._delivery, self._identities = delivery, identities

    def parsed(self) -> Iterator[tuple[Unit, Parsed]]:
        """A chunk of each file, and at the end one with the points of all of them."""
        from labelhouse.sources.trails.metric_calls import MetricCalls

        counts = [sum(len(piece.records) for piece in pieces) for pieces in self._files]
        calls = MetricCalls(self._read(), counts, self._delivery.callers)
        for place, (first, *more) in enumerate(self._files):
            parsed = Parsed(first.unit.unit_at, self._identities)
            if first.unreadable:
                parsed.quarantine("0", first.unreadable, first.text, cleaned=False)
            parsed.filtered(calls.foreign_count(place))
            parsed.loaded(calls.clean_count(place))
            parsed.parts_filtered = calls.refused_count(place)
            records = list(chain(first.records, *(piece.records for piece in more)))
            for at in calls.unclear(place):
                load_record(parsed, self._delivery, first.first_record + at, records[at])
            yield first.unit, parsed
        units, first_records = zip(*((pieces[0].unit, pieces[0].first_record) for pieces in self._files), strict=True)
        points = Parsed(units[-1].unit_at, self._identities)
        calls.load(points, [unit.uri for unit in units], first_records)
        yield units[-1], points


SOURCE = Source(
    name="cloudtrail",
    description="Log files of CloudTrail trails. The URI is the bucket or prefix that holds AWSLogs/, anything above "
    "or below it, or a local copy of it.",
    tables=("training_metrics", "management_events"),
    list_units=list_units,
    read_unit=read_object,
    parse=parse,
    same_content=told_by_bytes,
    daily_look_back=timedelta(days=30),
)
