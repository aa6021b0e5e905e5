"""Source `labeling_job_states`: changes of the status of labelling jobs, as EventBridge delivers them to S3.

A rule for "SageMaker Ground Truth Labeling Job State Change" may write its events by Firehose (one after the other,
with or without line feeds between them, packed or not), or one a file; a team may also have saved them indented. Other
events of such a rule are filtered. EventBridge delivers at least once: the id of the event tells.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from labelhouse.sources import Clients, Source, Unit, Window, one_by_one, told_by_bytes
from labelhouse.sources.control_plane import arn_of
from labelhouse.sources.documents import (
    CLOCK_SKEW,
    Text,
    Unreadable,
    decode,
    encode_flawed,
    flaw,
    kind,
    lines,
    shaped,
    time,
    unpack,
)
from labelhouse.sources.objects import list_objects, read_object
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities

DETAIL_TYPE = "SageMaker Ground Truth Labeling Job State Change"
CHUNK_RECORDS = 20_000

#: What decides where a JSON value ends: texts, in which brackets mean nothing, and brackets.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
_SPACE = b" \t\r\n,"


class _Detail(msgspec.Struct, rename="pascal"):
    labeling_job_status: str | None = None


class _Event(msgspec.Struct):
    id: str
    time: str
    account: str | None = None
    region: str | None = None
    resources: list[str] = []
    detail: _Detail | None = None


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """Every object below a folder or prefix: Firehose gives its objects no ending.

    Raises:
        SourceError: the place is missing or unreadable, see `list_objects`.
    """
    return list_objects(uri, clients)


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """Rows, quarantine and counts of one file of events. Data never raises."""
    parsed = Parsed(unit.unit_at, identities)
    latest_at = datetime.now(UTC) + CLOCK_SKEW
    try:
        records = _records(unpack(data))
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), data, cleaned=False)
        yield parsed
        return
    for number, record in enumerate(records):
        _load(parsed, number, record, latest_at, identities)
        if parsed.records_read == CHUNK_RECORDS:
            yield parsed
            parsed = Parsed(unit.unit_at, identities)
    if parsed.records_read:
        yield parsed


def _records(text: Text) -> Iterator[Any]:
    """The records of a file: text that still has to be decoded, or the items of one JSON list.

    Where a line holds whole records, one that is damaged costs no other one. Elsewhere brackets tell records apart.
    """
    try:
        value = decode(text).value
    except Unreadable:
        if any(_is_whole(line) for _, line in lines(text)):
            return (value for _, line in lines(text) for value in _values(line))
        return iter(_values(text))
    return iter([bytes(text)] if not isinstance(value, list) else [encode_flawed(item) for item in value])


def _is_whole(line: Text | memoryview) -> bool:
    """Whether a line is made of whole JSON objects."""
    return all(value.startswith(b"{") and value.endswith(b"}") for value in _values(line))


def _values(text: Text | memoryview) -> list[bytes]:
    """The JSON objects and lists that stand one after the other in a text, and whatever stands between them.

    A value without an end goes to the end of the text. Linear in the length of the text.
    """
    text = bytes(text)
    found, start, depth = list[bytes](), 0, 0
    for token in _TOKEN.finditer(text):
        bracket = token.group()
        if bracket in (b"{", b"["):
            if depth == 0:
                found.append(text[start : token.start()])
                start = token.start()
            depth += 1
        elif bracket in (b"}", b"]") and depth > 0:
            depth -= 1
            if depth == 0:
                found.append(text[start : token.end()])
                start = token.end()
    found.append(text[start:])
    return [value for each in found if (value := each.strip(_SPACE))]


def _load(parsed: Parsed, number: int, record: bytes, latest_at: datetime, identities: Identities) -> None:
    """One record ends: loaded, filtered or quarantined."""
    try:
        event, is_suspect = decode(record)
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), record, cleaned=False)
        return
    event = identities.clean(event)
    try:
        if is_suspect and (found := flaw(event)):
            raise Unreadable(found)
        if not isinstance(event, dict):
            raise Unreadable(f"the event is {kind(event)}, not an object")
        if "detail-type" not in event:
            raise Unreadable("detail-type is missing")
        if event["detail-type"] != DETAIL_TYPE:
            parsed.filtered()
            return
        row = _row(shaped(event, _Event), latest_at)
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), encode_flawed(event), cleaned=True)
        return
    parsed.row("labeling_job_states", str(number), row["changed_at"], **row)
    parsed.key("labeling_job_states", number, row["event_id"])
    parsed.loaded()


def _row(event: _Event, latest_at: datetime) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    job_arn = next((arn for arn in event.resources if arn_of(arn).resource.startswith("labeling-job/")), None)
    status = event.detail and event.detail.labeling_job_status
    changed_at = time(event.time, "time", latest_at)
    if not (event.id and changed_at and job_arn and status):
        raise Unreadable("id, time, the ARN of the job or LabelingJobStatus is empty or missing")
    return {
        "event_id": event.id,
        "labeling_job_name": arn_of(job_arn).resource.removeprefix("labeling-job/"),
        "labeling_job_arn": job_arn,
        "account_id": event.account or arn_of(job_arn).account_id,
        "aws_region": event.region or arn_of(job_arn).region,
        "status": status,
        "changed_at": changed_at,
    }


SOURCE = Source(
    name="labeling_job_states",
    description="Changes of the status of labelling jobs, as EventBridge delivers them. The URI is the folder or s3:// "
    "prefix that holds the events, packed or not.",
    tables=("labeling_job_states",),
    list_units=list_units,
    read_unit=read_object,
    parse=one_by_one(parse),
    same_content=told_by_bytes,
    daily_look_back=timedelta(days=14),
)
