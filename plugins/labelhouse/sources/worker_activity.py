"""Source `worker_activity`: what workers of private teams accepted, submitted, returned and declined, and when.

The log is the same by four routes: the log group itself, asked hour by hour (`log_groups`); its exports to S3;
a subscription's deliveries to S3; saved answers (`activity.deliveries`). What a file is, its text says, so one folder
may hold all of them, and a record that comes by several routes is one (`activity.records`).

**How it is read.** The regular lines of a file go together through `activity.columns`; whatever is odd goes one by one
through `activity.records`, which says in words what is wrong with it. Both ways give the same rows.

**Times.** `event_timestamp` says when it happened. CloudWatch takes lines two weeks late, and the same line twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from labelhouse.sources import Clients, Source, Unit, Window, told_by_bytes
from labelhouse.sources.activity.deliveries import LEAD_BYTES, Message, Messages, events, exported, form_of
from labelhouse.sources.activity.records import TABLE, Origin, Workers, load_record
from labelhouse.sources.documents import Text, Unreadable, unpack
from labelhouse.sources.log_groups import SCHEME, LogGroups, encoded
from labelhouse.sources.objects import key_of, list_objects, read_object
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.activity.columns import Columns, Lines

_LOG_GROUPS = LogGroups(
    form="logs://REGION/aws/sagemaker/groundtruth/WorkerActivity",
    made_when="when a private team of August 2019 or later takes a task",
)
#: What CloudWatch writes to see whether it may, and what consoles leave for a folder.
_NO_DELIVERY = re.compile(r"(?:^|/)(?:aws-logs-write-test)?\Z")
#: `<stream with - for />/000000.gz` in an export.
_STREAM = re.compile(r"(?:^|/)(?P<stream>[^/]+)/[0-9]{6}(?:\.gz)?\Z")


def list_units(uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
    """The hours of a log group, or the files below a folder or prefix.

    Raises:
        SourceError: the place is missing or unreadable.
    """
    if uri.startswith(SCHEME):
        return _LOG_GROUPS.list_hours(uri, clients, window)
    return (unit for unit in list_objects(uri, clients) if not _NO_DELIVERY.search(key_of(unit.uri)))


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """The bytes of a file, or the events of an hour.

    Raises:
        UnitGone, UnitReplaced, SourceError: it cannot be had.
    """
    return encoded(_LOG_GROUPS.hour(unit, clients)) if _is_hour(unit) else read_object(unit, clients)


def _is_hour(unit: Unit) -> bool:
    return unit.uri.startswith(SCHEME)


def parse(units: Iterable[tuple[Unit, bytes]], identities: Identities) -> Iterator[tuple[Unit, Parsed]]:
    """Rows, quarantine and counts. Data never raises."""
    from labelhouse.sources.activity.columns import Columns  # brings Arrow and DuckDB

    workers = Workers(identities)
    with Columns(workers) as columns:
        for unit, data in units:
            delivery = _Delivery(unit, columns, workers, identities)
            for parsed in delivery.parse(data):
                yield unit, parsed


class _Delivery:
    """One unit: its regular records, and all others."""

    def __init__(self, unit: Unit, columns: Columns, workers: Workers, identities: Identities) -> None:
        self._unit, self._columns, self._workers, self._identities = unit, columns, workers, identities
        self._now = datetime.now(UTC)
        self._others = self._chunk()

    def _chunk(self) -> Parsed:
        return Parsed(self._unit.unit_at, self._identities)

    def parse(self, data: bytes) -> Iterator[Parsed]:
        """Everything, the regular records first."""
        try:
            if _is_hour(self._unit):
                text: Text = data
                form = "events"
            else:
                text = unpack(data)
                form = form_of(text)
        except Unreadable as reason:
            self._others.quarantine("0", str(reason), data, cleaned=False)
        else:
            yield from self._lines(text, form) if form != "events" else self._messages(events(text, self._now))
        yield self._others

    def _lines(self, text: Text, form: str) -> Iterator[Parsed]:
        """A text whose lines are records, behind a time or not."""
        from labelhouse.sources.activity.columns import Lines

        found = _STREAM.search(key_of(self._unit.uri)) if form == "export" else None
        stream = found["stream"] if found else None
        lead = LEAD_BYTES if form == "export" else 0
        chunks, others = self._regular(Lines(text, lead, stream=stream), None)
        yield from chunks
        if form == "export":
            for message in exported(text, others, stream, self._now):
                self._load(message)
        else:
            for number, start, end in others:
                if line := bytes(text[start:end]).strip():
                    self._load(Message(number, line, Origin()))

    def _messages(self, messages: Messages) -> Iterator[Parsed]:
        """Records that came each by itself."""
        from labelhouse.sources.activity.columns import Lines

        found = messages.found
        # one that cannot be a line of its own is an empty one here
        is_line = [isinstance(message.origin, Origin) and b"\n" not in message.text for message in found]
        origins = [message.origin if isinstance(message.origin, Origin) else Origin() for message in found]
        text = b"".join(
            [message.text + b"\n" if is_one else b"\n" for message, is_one in zip(found, is_line, strict=True)]
        )
        lines = Lines(
            text,
            0,
            logged=[origin.logged_at for origin in origins],
            event_ids=[origin.event_id for origin in origins],
            streams=[origin.stream for origin in origins],
        )
        chunks, others = self._regular(lines, [message.number for message in found])
        yield from chunks
        for place, _, _ in others:
            self._load(found[place])
        for number, raw, reason in messages.broken:
            self._others.quarantine(str(number), reason, raw, cleaned=False)
        self._others.filtered(messages.filtered_count)

    def _regular(self, lines: Lines, numbers: list[int] | None) -> tuple[list[Parsed], list[tuple[int, int, int]]]:
        """The regular lines as chunks, and (place, start, end) of all others."""
        regular, others = self._columns.parse(lines, self._now)
        chunks = []
        for found in regular:
            chunk = self._chunk()
            records = found.numbered(numbers)
            chunk.columns(TABLE, found.columns, records, found.columns["activity_id"])
            chunk.loaded(len(records))
            chunks.append(chunk)
        return chunks, others

    def _load(self, message: Message) -> None:
        def origin() -> Origin:
            if isinstance(message.origin, Unreadable):
                raise message.origin
            return message.origin

        load_record(self._others, message.number, message.text, origin, self._workers, self._now)


SOURCE = Source(
    name="worker_activity",
    description="The worker activity log of private teams. The URI is the log group (logs://REGION/aws/sagemaker/"
    "groundtruth/WorkerActivity), or a folder or prefix with exports of it, deliveries of a subscription or saved "
    "answers.",
    tables=(TABLE,),
    list_units=list_units,
    read_unit=read_unit,
    parse=parse,
    same_content=told_by_bytes,
    daily_look_back=timedelta(days=14),
)
