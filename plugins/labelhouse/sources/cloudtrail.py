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
from labelhouse.sources.trails.places import places
from labelhouse.sources.trails.records import Delivery, load_record

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.trails.log_columns import LogReader
    from labelhouse.sources.trails.metric_calls import MetricCalls

#: So much text is gone through at once: enough to make the cost of a query small, little enough for the memory.
GROUP_BYTES = 16 * 1024 * 1024
#: Stored bytes of files that are unpacked ahead of what is parsed.
AHEAD_BYTES = 2 * 1024 * 1024
#: A larger file is taken apart first, and so is a smaller one that does not look as CloudTrail writes it.
DOCUMENT_BYTES = MAX_RECORD_BYTES
_LOG = re.compile(r"(?:^|/)[^/_]+_CloudTrail_[a-z0-9-]+_(?P<time>[0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+\.json(?:\.gz)?\Z")
#: Beside the logs lie digests, and insights: records of another kind.
_OTHER_FOLDERS = re.compile(r"(?:^|/)CloudTrail-(?:Digest|Insight|NetworkActivity|Aggregated)[^/]*/")


@dataclass(frozen=True, slots=True)
class _Document:
    """A log file, or a run of records of one that was taken apart.

    Args:
        text: a plain file (`log_files.is_plain`).
        first_record: the number in the file of its first one.
        unreadable: why nothing of it can be read; the text is then the file as it came.
    """

    unit: Unit
    text: Text
    first_record: int = 0
    unreadable: str | None = None

    @property
    def is_odd(self) -> bool:
        """Whether it is not read with others: one record too large for that, or nothing at all."""
        return bool(self.unreadable) or len(self.text) > DOCUMENT_BYTES

    def records(self) -> list[msgspec.Raw]:
        """All of them, taken apart.

        Raises:
            Unreadable: they cannot be.
        """
        if self.unreadable:
            raise Unreadable(self.unreadable)
        return log_files.records(self.text)


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
        for documents in _groups(units):
            # is read while the group before it is gone through
            group = _Group(documents, reader, Delivery(datetime.now(UTC), callers), identities)
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


def _groups(units: Iterable[tuple[Unit, bytes]]) -> Iterator[list[_Document]]:
    group, size = list[_Document](), 0
    for unit, data, text in _unpacked(units):
        for document in _documents(unit, data, text):
            group.append(document)
            size += len(document.text)
            if size >= GROUP_BYTES:
                yield group
                group, size = [], 0
    if group:
        yield group


def _documents(unit: Unit, data: bytes, unpacked: Future[Text]) -> Iterator[_Document]:
    """A file as it is, or in several runs of its records."""
    text: Text = data
    try:
        text = unpacked.result()
        if text.endswith(b"\n"):
            text = text.rstrip()
        if len(text) <= DOCUMENT_BYTES and log_files.is_plain(text):
            yield _Document(unit, text)
            return
        records = log_files.records(text)
    except Unreadable as reason:
        yield _Document(unit, text, unreadable=str(reason))
        return
    first = 0
    for run in _runs(records):
        yield _Document(unit, log_files.plain(run), first)
        first += len(run)


def _runs(records: list[msgspec.Raw]) -> Iterator[list[msgspec.Raw]]:
    """Records that make a document together; at least one run, though of none."""
    run, size = list[msgspec.Raw](), 0
    for record in records:
        length = memoryview(record).nbytes
        if run and size + length > DOCUMENT_BYTES:
            yield run
            run, size = [], 0
        run.append(record)
        size += length
    yield run


class _Group:
    """Documents read together: their regular metric calls all at once, whatever else is ours record by record."""

    def __init__(
        self, documents: list[_Document], reader: LogReader, delivery: Delivery, identities: Identities
    ) -> None:
        self._documents, self._delivery, self._identities = documents, delivery, identities
        self._read = reader.begin([None if document.is_odd else document.text for document in documents])

    def parsed(self) -> Iterator[tuple[Unit, Parsed]]:
        """A chunk of each document, and at the end one with the points of all of them."""
        from labelhouse.sources.trails.metric_calls import MetricCalls

        documents, columns = self._documents, self._read()
        chunks = [Parsed(document.unit.unit_at, self._identities) for document in documents]
        apart = dict[int, list[msgspec.Raw]]()
        odd = [place for place, count in enumerate(columns.counts) if count is None]
        while True:
            apart |= {place: _taken_apart(documents[place], chunks[place]) for place in odd}
            calls = MetricCalls(*columns.records({at: len(each) for at, each in apart.items()}), self._delivery.callers)
            unclear = [_unclear(at, each, calls, apart.get(at)) for at, each in enumerate(documents)]
            odd = [place for place, found in enumerate(unclear) if found is None]
            if not odd:
                break
        for place, (document, parsed) in enumerate(zip(documents, chunks, strict=True)):
            parsed.filtered(calls.foreign_count(place))
            parsed.loaded(calls.clean_count(place))
            parsed.parts_filtered = calls.refused_count(place)
            for number, record in unclear[place] or ():
                load_record(parsed, self._delivery, document.first_record + number, record)
            yield document.unit, parsed
        points = Parsed(documents[-1].unit.unit_at, self._identities)
        calls.load(points, [each.unit.uri for each in documents], [each.first_record for each in documents])
        yield documents[-1].unit, points


def _taken_apart(document: _Document, parsed: Parsed) -> list[msgspec.Raw]:
    """The records of a document that columns do not take; none where it cannot be read at all, which ends it."""
    try:
        return document.records()
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), document.text, cleaned=False)
        return []


def _unclear(
    place: int, document: _Document, calls: MetricCalls, apart: list[msgspec.Raw] | None
) -> list[tuple[int, msgspec.Raw]] | None:
    """The records of a document that are to be looked at, by their numbers; None where it has to be taken apart."""
    numbers, ids = calls.unclear(place)
    if apart is None and (found := log_files.records_with(document.text, ids)) is not None:
        return list(zip(numbers, found, strict=True))
    try:
        records = document.records() if apart is None else apart
    except Unreadable:  # read too leniently
        return None
    return [(number, records[number]) for number in numbers]


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
