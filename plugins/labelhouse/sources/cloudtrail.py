"""Source `cloudtrail`: CloudTrail's log files, of one or many accounts and regions.

One pass over a log file gives two tables: the points of `BatchPutMetrics` calls (`training_metrics`), and the calls
that change jobs, teams, people or trails (`management_events`). Everything else is counted as filtered, unread.

**How it is read.** A log file is one line of JSON: `{"Records": [...]}`. Several files at once go through
`metric_calls`, which keeps the regular metric calls as columns and says of every other record whether it is none of
ours or has to be looked at; these go one by one through `trail_records`. A file that cannot be read in one piece is
taken apart into its records, so that one bad record costs nobody else.

**Times.** A file's name says when it was delivered: that is `unit_at`. Its events are older, by minutes or by up to
thirty days, in no order, and may come twice: `event_id` tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from labelhouse.sources import Clients, Source, Unit, Window
from labelhouse.sources.callers import Callers
from labelhouse.sources.documents import CLOCK_SKEW, Text, Unreadable, decode, encode_flawed, kind, unpack
from labelhouse.sources.objects import key_of, list_folders, list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.trail_records import Delivery, load_record

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.metric_calls import MetricCalls

#: So much text is parsed at once: enough to make the cost of a query small, little enough for the memory.
GROUP_BYTES = 32 * 1024 * 1024
#: Longer windows are listed in one go, since asking for every day would be slower.
MOST_LISTED_DAYS = 62

_LOG = re.compile(r"(?:^|/)[^/_]+_CloudTrail_[a-z0-9-]+_(?P<time>[0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+\.json(?:\.gz)?\Z")
#: Beside the logs lie digests, and insights: records of another kind.
_OTHER_FOLDERS = re.compile(r"(?:^|/)CloudTrail-(?:Digest|Insight|NetworkActivity|Aggregated)[^/]*/")
_LOGS_FOLDER = "CloudTrail"
#: `AWSLogs/[organisation/]account/CloudTrail`, below wherever the URI points.
_DEEPEST_LOGS_FOLDER = 5


class _LogFile(msgspec.Struct, rename="pascal"):
    """A log file, its records unread."""

    records: list[msgspec.Raw]


_LOG_FILE = msgspec.json.Decoder(_LogFile)


@dataclass(frozen=True, slots=True)
class _Piece:
    """A text of the form `{"Records": [...]}`: a log file, or a run of records of a very large one."""

    unit: Unit
    text: Text
    first_record: int = 0


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
    for place in _places(uri, clients, window):
        for unit in list_objects(place, clients):
            if unit_at := delivered_at(unit.uri):
                yield replace(unit, unit_at=unit_at)


def _places(uri: str, clients: Clients, window: Window) -> Iterator[str]:
    """Where to list: the whole place, or the folders of the window's days."""
    days = _days(window)
    folders = list(_logs_folders(uri, clients)) if days and uri.startswith("s3://") else []
    if not folders:
        yield uri
    for folder in folders:
        for region in list_folders(folder, clients):
            yield from (f"{region}/{day:%Y/%m/%d}" for day in days)


def _logs_folders(uri: str, clients: Clients, depth: int = 0) -> Iterator[str]:
    for folder in list_folders(uri, clients):
        if folder.rpartition("/")[2] == _LOGS_FOLDER:
            yield folder
        elif depth < _DEEPEST_LOGS_FOLDER and not _OTHER_FOLDERS.search(f"{folder}/"):
            yield from _logs_folders(folder, clients, depth + 1)


def _days(window: Window) -> list[datetime]:
    """The UTC days of a window; none where it is open or long."""
    if window.start is None:
        return []
    first = window.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    last = min(window.end or datetime.max.replace(tzinfo=UTC), datetime.now(UTC) + CLOCK_SKEW)
    count = (last - first) // timedelta(days=1) + 1
    return [first + timedelta(days=number) for number in range(count)] if count <= MOST_LISTED_DAYS else []


def parse(units: Iterable[tuple[Unit, bytes]], identities: Identities) -> Iterator[tuple[Unit, Parsed]]:
    """Rows, quarantine and counts of log files. Data never raises."""
    from labelhouse.sources.metric_calls import MetricCalls  # brings Arrow and DuckDB

    callers = Callers(identities)
    with MetricCalls(callers) as calls:
        group: list[_Piece] = []
        for unit, data in units:
            try:
                group += _pieces(unit, unpack(data))
            except Unreadable as reason:
                yield unit, _unreadable(unit, str(reason), data, identities)
            if sum(len(piece.text) for piece in group) >= GROUP_BYTES:
                yield from _parse_group(group, calls, callers, identities)
                group = []
        yield from _parse_group(group, calls, callers, identities)


def _pieces(unit: Unit, text: Text) -> list[_Piece]:
    """A file in one piece, or in several where it is very large."""
    if len(text) <= GROUP_BYTES:
        return [_Piece(unit, text)]
    pieces, run, size, first = [], list[msgspec.Raw](), 0, 0
    records = _records(text)
    for number, record in enumerate(records):
        run.append(record)
        size += len(memoryview(record))
        if size >= GROUP_BYTES // 2 or number == len(records) - 1:
            pieces.append(_Piece(unit, b'{"Records":[' + b",".join(run) + b"]}", first))
            run, size, first = [], 0, number + 1
    return pieces or [_Piece(unit, b'{"Records":[]}')]


def _parse_group(
    group: list[_Piece], calls: MetricCalls, callers: Callers, identities: Identities
) -> Iterator[tuple[Unit, Parsed]]:
    found = calls.parse([(piece.unit, piece.text, piece.first_record) for piece in group], identities)
    for piece, (parsed, to_look_at) in zip(group, found, strict=True):
        if to_look_at is None or to_look_at:
            try:
                records = _records(piece.text)
            except Unreadable as reason:
                yield piece.unit, _unreadable(piece.unit, str(reason), piece.text, identities)
                continue
            delivery = Delivery(datetime.now(UTC), callers)
            looked_at = Parsed(piece.unit.unit_at, identities)
            for number in range(len(records)) if to_look_at is None else to_look_at:
                load_record(looked_at, delivery, piece.first_record + number, records[number])
            yield piece.unit, looked_at
        yield piece.unit, parsed


def _records(text: Text) -> list[msgspec.Raw]:
    """The records of a log file, each as it stands there.

    Raises:
        Unreadable: it is no JSON, or holds no list of records.
    """
    try:
        return _LOG_FILE.decode(text).records
    except (msgspec.DecodeError, RecursionError):
        document = decode(text).value  # says what is wrong, or reads what only Python's grammar allows
    if not isinstance(document, dict):
        raise Unreadable(f"the document is {kind(document)}, not an object")
    if not isinstance(records := document.get("Records"), list):
        raise Unreadable("the document holds no list of Records")
    return [msgspec.Raw(encode_flawed(record)) for record in records]


def _unreadable(unit: Unit, reason: str, data: Text, identities: Identities) -> Parsed:
    parsed = Parsed(unit.unit_at, identities)
    parsed.quarantine("0", reason, data, cleaned=False)
    return parsed


def _same_content(_unit_uri: str) -> str:
    return "log"  # a copied log file is a copy wherever it lies


SOURCE = Source(
    name="cloudtrail",
    description="Log files of CloudTrail trails. The URI is the bucket or prefix that holds AWSLogs/, anything above "
    "or below it, or a local copy of it.",
    tables=("training_metrics", "management_events"),
    list_units=list_units,
    read_unit=read_object,
    parse=parse,
    same_content=_same_content,
    daily_look_back=timedelta(days=30),
)
