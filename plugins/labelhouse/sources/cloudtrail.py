"""Source `cloudtrail`: CloudTrail's log files, of one or many accounts and regions.

One pass over a log file gives two tables: the points of `BatchPutMetrics` calls (`training_metrics`), and the calls
that change jobs, teams, people or trails (`management_events`). Everything else is counted as filtered, unread.

**How it is read.** A log file is one document of JSON: `{"Records": [...]}`. `trails.log_files` decodes what every
record of ours needs. The regular metric calls of several files go together through `trails.metric_calls`, as columns;
changes and whatever is odd go one by one through `trails.records`. A file that cannot be decoded in one piece is taken
apart into its records, so that one bad record costs nobody else.

**Times.** A file's name says when it was delivered: that is `unit_at`. Its events are older, by minutes or by up to
thirty days, in no order, and may come twice: `event_id` tells.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from labelhouse.sources import Clients, Source, Unit, Window, told_by_bytes
from labelhouse.sources.documents import MAX_RECORD_BYTES, Text, Unreadable, unpack
from labelhouse.sources.objects import key_of, list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.trails import log_files
from labelhouse.sources.trails.callers import Callers
from labelhouse.sources.trails.kinds import ours
from labelhouse.sources.trails.places import places
from labelhouse.sources.trails.records import Delivery, load_change, load_record

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.trails.metric_calls import CallGroup, MetricCalls

#: So much text is parsed at once: enough to make the cost of a query small, little enough for the memory.
GROUP_BYTES = 16 * 1024 * 1024
#: Stored bytes of files that are unpacked ahead of what is parsed.
AHEAD_BYTES = 2 * 1024 * 1024
#: A larger file is read in pieces of at most this size; a record beyond it is one by itself.
PIECE_BYTES = MAX_RECORD_BYTES
_LOG = re.compile(r"(?:^|/)[^/_]+_CloudTrail_[a-z0-9-]+_(?P<time>[0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+\.json(?:\.gz)?\Z")
#: Beside the logs lie digests, and insights: records of another kind.
_OTHER_FOLDERS = re.compile(r"(?:^|/)CloudTrail-(?:Digest|Insight|NetworkActivity|Aggregated)[^/]*/")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A log file, or a run of records of a very large one.

    Args:
        text: of the form `{"Records": [...]}`.
        first_record: its number in the file.
        is_large: it is one record, too large to be decoded with others.
        unreadable: why nothing of it can be read; the text is then the file as it came.
    """

    unit: Unit
    text: Text
    first_record: int = 0
    is_large: bool = False
    unreadable: str | None = None


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
    from labelhouse.sources.trails.metric_calls import MetricCalls  # brings Arrow and DuckDB

    callers = Callers(identities)
    with MetricCalls(callers) as calls:
        begun: _Group | None = None
        for pieces in _groups(units):
            # reads its points while the group before it is gone through
            group = _Group(pieces, calls, Delivery(datetime.now(UTC), callers), identities)
            if begun:
                yield from begun.parsed()
            begun = group
        if begun:
            yield from begun.parsed()


def _unpacked(units: Iterable[tuple[Unit, bytes]]) -> Iterator[tuple[Unit, bytes, Future[Text]]]:
    """The texts of files, unpacked ahead on another core."""
    waiting = deque[tuple[Unit, bytes, Future[Text]]]()
    with ThreadPoolExecutor(1, thread_name_prefix="unpack") as unpacker:
        for unit, data in units:
            waiting.append((unit, data, unpacker.submit(unpack, data)))
            while sum(len(packed) for _, packed, _ in waiting) > AHEAD_BYTES:
                yield waiting.popleft()
        yield from waiting


def _groups(units: Iterable[tuple[Unit, bytes]]) -> Iterator[list[_Piece]]:
    group, size = list[_Piece](), 0
    for unit, data, text in _unpacked(units):
        for piece in _pieces(unit, data, text):
            group.append(piece)
            size += len(piece.text)
            if size >= GROUP_BYTES:
                yield group
                group, size = [], 0
    if group:
        yield group


def _pieces(unit: Unit, data: bytes, unpacked: Future[Text]) -> Iterator[_Piece]:
    """A file in one piece, or in several where it is very large."""
    try:
        text = unpacked.result()
        if len(text) <= PIECE_BYTES:
            yield _Piece(unit, text)
            return
        records = log_files.records(text)
    except Unreadable as reason:
        yield _Piece(unit, data, unreadable=str(reason))
        return
    first = 0
    for run, size in _runs(records):
        piece = b'{"Records":[' + b",".join(run) + b"]}"
        yield _Piece(unit, piece, first, is_large=size > PIECE_BYTES)
        first += len(run)


def _runs(records: list[msgspec.Raw]) -> Iterator[tuple[list[msgspec.Raw], int]]:
    """Records that make a piece together, and their size; at least one run, though of none."""
    run, size = list[msgspec.Raw](), 0
    for record in records:
        length = len(memoryview(record))
        if run and size + length > PIECE_BYTES:
            yield run, size
            run, size = [], 0
        run.append(record)
        size += length
    yield run, size


class _Group:
    """Pieces that are parsed together: their regular metric calls all at once, everything else record by record."""

    def __init__(self, pieces: list[_Piece], calls: MetricCalls, delivery: Delivery, identities: Identities) -> None:
        self._pieces, self._delivery, self._identities = pieces, delivery, identities
        metric_calls = calls.group()
        self._begun = [self._begin(piece, metric_calls) for piece in pieces]
        self._found = calls.begin(metric_calls)

    def _begin(self, piece: _Piece, metric_calls: CallGroup) -> tuple[Parsed, list[int]] | None:
        """What can be said at once of a regular piece, and the places of records that are to be looked at."""
        events = None if piece.is_large or piece.unreadable else log_files.events(piece.text)
        found = ours(events or [])
        metric_calls.add(found.metric_calls)
        if events is None:
            return None
        parsed = Parsed(piece.unit.unit_at, self._identities)
        parsed.filtered(found.foreign_count)
        changes = found.changes.items()
        return parsed, found.unclear + [
            at for at, event in changes if not _is_loaded(parsed, self._delivery, piece.first_record + at, event)
        ]

    def parsed(self) -> Iterator[tuple[Unit, Parsed]]:
        """A chunk of each piece, and at the end one with the points of all of them."""
        found = self._found()
        for place, (piece, begun) in enumerate(zip(self._pieces, self._begun, strict=True)):
            if not begun:
                yield piece.unit, _record_by_record(piece, self._delivery, self._identities)
                continue
            parsed, to_look_at = begun
            clean_count, parsed.parts_filtered = found.clean(place)
            parsed.loaded(clean_count)
            if to_look_at := sorted(to_look_at + found.odd(place)):
                records = log_files.records(piece.text)
                for at in to_look_at:
                    load_record(parsed, self._delivery, piece.first_record + at, records[at])
            yield piece.unit, parsed
        points = Parsed(self._pieces[-1].unit.unit_at, self._identities)
        found.load(points, [piece.unit.uri for piece in self._pieces], [piece.first_record for piece in self._pieces])
        yield self._pieces[-1].unit, points


def _is_loaded(parsed: Parsed, delivery: Delivery, number: int, event: log_files.Event) -> bool:
    try:
        load_change(parsed, delivery, number, event)
    except Unreadable:
        return False
    return True


def _record_by_record(piece: _Piece, delivery: Delivery, identities: Identities) -> Parsed:
    """A file that cannot be read in one go, or not at all."""
    parsed = Parsed(piece.unit.unit_at, identities)
    try:
        if piece.unreadable:
            raise Unreadable(piece.unreadable)
        records = log_files.records(piece.text)
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), piece.text, cleaned=False)
        return parsed
    for at, record in enumerate(records):
        load_record(parsed, delivery, piece.first_record + at, record)
    return parsed


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
