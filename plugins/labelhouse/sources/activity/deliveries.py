"""What a file of the worker activity log can look like, told from its text and not from its name.

* An **export** (`CreateExportTask`): lines of a time, a space and the record. A record printed over several lines goes
  on in lines without a time.
* A subscription's **deliveries**: objects with `logEvents`, one or many, behind each other as Firehose writes them.
* **Saved answers** of `aws logs filter-log-events`, and their events line by line (so an hour of the API is kept).
* **Bare records**, a line each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec

from labelhouse.sources.activity.records import Origin
from labelhouse.sources.activity.times import EARLIEST
from labelhouse.sources.documents import CLOCK_SKEW, UNIX_EPOCH, Text, Unreadable, decode, encode_flawed, kind, time
from labelhouse.sources.log_groups import ApiEvent

#: What a file is.
Form = Literal["export", "records", "events"]

#: Length of the time and the space before a record.
LEAD_BYTES = len("2019-08-14T16:01:04.000Z ")
_LEAD = re.compile(rb"\s*(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?Z) ")
_ANY_LINE = re.compile(rb"^\s*(?P<lead>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}|\{)", re.MULTILINE)
#: So much of a file tells what it is.
_TOLD_BYTES = 64 * 1024
#: A record is printed over so many lines at most: it has 14 fields.
_MOST_LINES = 100
_LOG_GROUP = "/WorkerActivity"
_CONTROL = "CONTROL_MESSAGE"
_SPACES = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


class Message(NamedTuple):
    """One record on its way.

    Args:
        number: of the record in the file.
        text: the record, as JSON.
        origin: what CloudWatch says about it, or why that cannot be read.
    """

    number: int
    text: bytes
    origin: Origin | Unreadable


@dataclass(slots=True)
class Messages:
    """The records of a delivery.

    Attributes:
        found: those to be loaded.
        broken: number, text and reason of what is no record.
        filtered_count: what AWS wrote to see whether anybody listens, and records of other logs.
    """

    found: list[Message]
    broken: list[tuple[int, bytes, str]]
    filtered_count: int = 0

    def __len__(self) -> int:
        return len(self.found) + len(self.broken) + self.filtered_count


_API_EVENTS = msgspec.json.Decoder(ApiEvent)


def form_of(text: Text) -> Form:
    """What a text is.

    Raises:
        Unreadable: nothing of the kind.
    """
    begin = bytes(text[:_TOLD_BYTES])
    if _LEAD.match(begin):
        return "export"
    if begin.lstrip()[:1] in {b"{", b"["}:
        first = begin.lstrip().partition(b"\n")[0]
        try:
            value = decode(first).value
        except Unreadable:
            return "events"
        return "records" if isinstance(value, dict) and _kind_of(value) == "record" else "events"
    found = _ANY_LINE.search(begin)
    if not found:
        raise Unreadable("the file is no delivery of a log")
    return "records" if found["lead"] == b"{" else "export"


def exported(text: Text, lines: Sequence[tuple[int, int, int]], stream: str | None, now: datetime) -> Iterator[Message]:
    """The records in some lines of an export.

    Args:
        lines: number, start and end of each.
        stream: the log stream of all of them.
    """
    begun: tuple[int, bytes, list[bytes]] | None = None
    last = -1
    for number, start, end in lines:
        line = bytes(text[start:end])
        lead = _LEAD.match(line)
        if begun and (lead or number != last + 1 or len(begun[2]) == _MOST_LINES):
            yield _exported(*begun, stream, now)
            begun = None
        last = number
        if lead:
            begun = number, lead["time"], [line[lead.end() :]]
        elif begun:
            begun[2].append(line)
        elif line.strip():
            yield Message(number, line.strip(), Unreadable("the line does not begin with a time"))
        if begun and _is_whole(begun[2]):
            yield _exported(*begun, stream, now)
            begun = None
    if begun:
        yield _exported(*begun, stream, now)


def _exported(number: int, logged_at: bytes, lines: list[bytes], stream: str | None, now: datetime) -> Message:
    origin: Origin | Unreadable
    try:
        origin = Origin(time(logged_at.decode(), "the time of the line", now + CLOCK_SKEW), stream=stream)
    except Unreadable as reason:
        origin = reason
    return Message(number, b"".join(lines).strip(), origin)


def _is_whole(lines: list[bytes]) -> bool:
    """Whether what was begun is complete: what follows is then something else."""
    if not lines[-1].rstrip().endswith(b"}"):
        return False
    try:
        msgspec.json.decode(b"".join(lines))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def events(text: Text, now: datetime) -> Messages:
    """The records in events, by themselves or in envelopes."""
    try:
        found = _API_EVENTS.decode_lines(text) if text.startswith(b'{"eventId"') else []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = []
    if found and all(event.message is not None for event in found):
        return Messages(
            [
                Message(number, (event.message or "").encode("utf-8", "surrogatepass"), _origin(event, now))
                for number, event in enumerate(found)
            ],
            [],
        )
    messages = Messages([], [])
    for raw in _values(text):
        if isinstance(raw, bytes):
            messages.broken.append((len(messages), raw, _why(raw)))
        else:
            _add(messages, *raw, {}, now)
    return messages


def _values(text: Text) -> Iterator[tuple[Any, bytes] | bytes]:
    """The JSON values of a text with their bytes, and the bytes of what is none: up to the end of its line."""
    letters = text.decode("utf-8", "surrogateescape")
    at = _end_of_spaces(letters, 0)
    while at < len(letters):
        try:
            value, end = _DECODER.raw_decode(letters, at)
            yield value, letters[at:end].encode("utf-8", "surrogateescape")
        except (ValueError, RecursionError):
            end = letters.find("\n", at) + 1 or len(letters)
            yield letters[at:end].strip().encode("utf-8", "surrogateescape")
        at = _end_of_spaces(letters, end)


def _end_of_spaces(letters: str, at: int) -> int:
    found = _SPACES.match(letters, at)
    assert found
    return found.end()


def _why(raw: bytes) -> str:
    try:
        decode(raw)
    except Unreadable as reason:
        return str(reason)
    return "the text is not JSON"


def _kind_of(value: dict[str, Any]) -> Literal["envelope", "answer", "event", "record"]:
    if isinstance(value.get("logEvents"), list):
        return "envelope"
    if isinstance(value.get("events"), list):
        return "answer"
    return "event" if "message" in value else "record"


def _add(messages: Messages, value: Any, raw: bytes, envelope: dict[str, Any], now: datetime) -> None:
    """Adds what a value holds."""
    if isinstance(value, list) and not envelope:
        for each in value:
            _add(messages, each, encode_flawed(each), {"": ""}, now)
        return
    if not isinstance(value, dict):
        messages.broken.append((len(messages), raw, f"the record is {kind(value)}, not an object"))
        return
    form = "event" if "message" in value and envelope else _kind_of(value)
    if form == "record":
        messages.found.append(Message(len(messages), raw, Origin()))
    elif form == "event":
        text = value["message"]
        if not isinstance(text, str | dict):
            messages.broken.append((len(messages), raw, f"message is {kind(text)}, not text"))
            return
        bytes_of = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else encode_flawed(text)
        messages.found.append(Message(len(messages), bytes_of, _origin(_event(value, envelope), now)))
    elif form == "envelope" and _is_foreign(value):
        messages.filtered_count += max(len(value["logEvents"]), 1)
    else:
        for each in value["logEvents" if form == "envelope" else "events"]:
            _add(messages, each, encode_flawed(each), value, now)


def _is_foreign(envelope: dict[str, Any]) -> bool:
    """Whether an envelope holds AWS's word that it can write here, or another log group's lines."""
    group = envelope.get("logGroup")
    return envelope.get("messageType") == _CONTROL or (isinstance(group, str) and not group.endswith(_LOG_GROUP))


def _event(value: dict[str, Any], envelope: dict[str, Any]) -> ApiEvent | Unreadable:
    said = {
        "timestamp": value.get("timestamp"),
        "eventId": value.get("eventId") or value.get("id"),
        "logStreamName": value.get("logStreamName") or envelope.get("logStream"),
    }
    try:
        return msgspec.convert(said, ApiEvent)
    except msgspec.ValidationError:
        return Unreadable("what CloudWatch says about the line is not of its types")


def _origin(event: ApiEvent | Unreadable, now: datetime) -> Origin | Unreadable:
    if isinstance(event, Unreadable):
        return event
    logged_at = None
    if event.timestamp is not None:
        try:
            logged_at = UNIX_EPOCH + timedelta(milliseconds=event.timestamp)
        except OverflowError:
            return Unreadable("timestamp is no epoch in milliseconds")
        if not EARLIEST <= logged_at <= now + CLOCK_SKEW:
            return Unreadable("timestamp lies before 2018 or in the future")
    return Origin(logged_at, event.event_id or None, event.log_stream_name or None)
