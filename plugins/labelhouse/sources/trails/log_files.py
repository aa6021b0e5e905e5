"""CloudTrail's log files: one JSON document `{"Records": [...]}` each, taken apart into records.

`records` takes any file apart, so that one bad record costs nobody else. A file as CloudTrail writes it, without blanks
and every record beginning alike, is cut into pieces and searched for single records without being taken apart.

`event` decodes what every record of ours needs, and nothing of what it carries: what has parts (parameters, response,
who called, on what) stays text until somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

import msgspec

from labelhouse.sources.documents import Text, Unreadable, decode, encode_flawed, kind

#: The resource type of a trial component.
RUN_TYPE = "AWS::SageMaker::ExperimentTrialComponent"

#: What a file as CloudTrail writes it begins and ends with, and each of its records begins with.
_BEGIN, _END = b'{"Records":[', b"]}"
_RECORD = b'{"eventVersion":'
_NEXT = b"}," + _RECORD
_EVENT_ID = re.compile("[0-9a-f-]{36}")
_NULL = msgspec.Raw(b"null")
Part = TypeVar("Part")


class Identity(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """Who called; an AWS service calls without an ARN."""

    type: str | None = None
    arn: str | None = None
    invoked_by: str | None = None

    @property
    def caller(self) -> str | None:
        """The ARN of the caller, or the name of the service that called."""
        return self.arn or self.invoked_by


class Resource(msgspec.Struct, rename="camel", gc=False, frozen=True):
    """What a call was about."""

    arn: str | None = msgspec.field(default=None, name="ARN")
    type: str | None = None
    account_id: str | None = None


_NOBODY, _NO_RESOURCE = Identity(), Resource()


class Event(msgspec.Struct, rename="camel", kw_only=True, gc=False):
    """One record, as far as it is decoded. Unknown fields are skipped."""

    event_source: str | None = None
    event_name: str | None = None
    event_id: str | None = msgspec.field(default=None, name="eventID")
    event_time: str | None = None
    aws_region: str | None = None
    source_ip_address: str | None = msgspec.field(default=None, name="sourceIPAddress")
    user_agent: str | None = None
    recipient_account_id: str | None = None
    shared_event_id: str | None = msgspec.field(default=None, name="sharedEventID")
    error_code: str | None = None
    error_message: str | None = None
    read_only: bool | str | None = None
    user_identity: msgspec.Raw = _NULL
    request_parameters: msgspec.Raw = _NULL
    response_elements: msgspec.Raw = _NULL
    resources: msgspec.Raw = _NULL

    @property
    def identity(self) -> Identity:
        """Who called.

        Raises:
            Unreadable: that is something else.
        """
        return _part(_IDENTITY, self.user_identity) or _NOBODY

    @property
    def resource(self) -> Resource:
        """The run among the resources of a call, else the first of them.

        Raises:
            Unreadable: they are something else.
        """
        found = _part(_RESOURCES, self.resources) or (_NO_RESOURCE,)
        return found[0] if len(found) == 1 else next((each for each in found if each.type == RUN_TYPE), found[0])


class Parts(msgspec.Struct, rename="camel"):
    """What an event keeps as text although its shape is known."""

    user_identity: Identity | None = None
    resources: tuple[Resource, ...] | None = None


class _Records(msgspec.Struct, rename="pascal", gc=False):
    records: list[msgspec.Raw]


_EVENT = msgspec.json.Decoder(Event)
_IDENTITY = msgspec.json.Decoder(Identity | None)
_RESOURCES = msgspec.json.Decoder(tuple[Resource, ...] | None)
_RECORDS = msgspec.json.Decoder(_Records)


def _part(decoder: msgspec.json.Decoder[Part], raw: msgspec.Raw) -> Part:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("userIdentity or resources is not what it should be") from None


def event(record: msgspec.Raw) -> Event | None:
    """A record, as far as it is decoded; None where it is none, or has anything of another type."""
    try:
        return _EVENT.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def records(text: Text) -> list[msgspec.Raw]:
    """The records of any file, each as it stands there.

    Raises:
        Unreadable: it is no JSON, or holds no list of records.
    """
    try:
        return _RECORDS.decode(text).records
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        document = decode(text).value  # says what is wrong, or reads what only Python's grammar allows
    if not isinstance(document, dict):
        raise Unreadable(f"the document is {kind(document)}, not an object")
    if not isinstance(found := document.get("Records"), list):
        raise Unreadable("the document holds no list of Records")
    return [msgspec.Raw(encode_flawed(record)) for record in found]


def is_plain(text: Text) -> bool:
    """Whether a file is one as CloudTrail writes it, as far as its ends tell."""
    return text.startswith(_BEGIN) and text.endswith(_END)


def plain(found: Sequence[msgspec.Raw]) -> bytes:
    """Records as such a file."""
    return _BEGIN + b",".join(found) + _END


def cuts(text: Text, size_bytes: int) -> list[tuple[int, int]]:
    """Begin and end of pieces of about a size, which hold the records of a plain file, separated by commas.

    Where one was cut within a record (it holds another, and begins as records do), neither that piece nor the next is
    JSON.
    """
    begin, last = len(_BEGIN), len(text) - len(_END)
    found = []
    while (end := text.find(_NEXT, begin + size_bytes, last)) >= 0:
        found.append((begin, end + 1))
        begin = end + 2
    return [*found, (begin, last)]


def records_with(text: Text, ids: Sequence[tuple[str | None, str | None]]) -> list[msgspec.Raw] | None:
    """Single records of a plain file, in order, without a look at the others.

    None where one is not found beyond doubt: one without an id, or that holds others. What looks like it within another
    record is not taken for it: nobody knows, before a file is written, behind which record another will stand.

    Args:
        ids: of each record, and of the one before it ("" where there is none).
    """
    found, at, first, last = list[msgspec.Raw](), len(_BEGIN), len(_BEGIN), len(text) - len(_END)
    for event_id, before in ids:
        if not event_id or before is None or not _EVENT_ID.fullmatch(event_id):
            return None
        place = text.find(_named(event_id), at, last)
        begin = max(text.rfind(_NEXT, at, place) + len(_NEXT) - len(_RECORD), at)
        end = text.find(_NEXT, place, last) + 1 or last
        record = msgspec.Raw(bytes(text[begin:end]))
        if place < 0 or (read := event(record)) is None or read.event_id != event_id:
            return None
        if text.find(_named(before), text.rfind(_NEXT, 0, begin - 1), begin) < 0 if before else begin != first:
            return None
        found.append(record)
        at = end + 1
    return found


def _named(event_id: str) -> bytes:
    return f'"eventID":"{event_id}"'.encode()
