"""Source `model_predictions`: what endpoints predicted, and from what, as SageMaker's data capture writes it to S3.

A unit is an object `<endpoint>/<variant>/YYYY/MM/DD/hh/<minute>-<second>-<millisecond>-<id>.jsonl`, plain or gzipped,
at any depth below the source's URI; the time is that in its name. Everything else is no unit.

A record is a line, one captured call → a row of `model_predictions` for each prediction in it. A record's key is its
`eventId`: a call that comes again is a duplicate. CSV, JSON and JSON Lines are read, also in base64.

**What is not kept.** Inputs that are no text (an image, say) or wider than a thousand values: the row is there without
them. Where one side of a call cannot be read as what it should be, the row has what is known, and that side is in
quarantine at `<line>/input` or `<line>/output`; so is an input where the numbers of inputs and predictions differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from labelhouse.errors import SourceError
from labelhouse.sources import Clients, Source, Unit, Window, one_by_one
from labelhouse.sources.captures.payloads import Payload, inputs_of, items_of
from labelhouse.sources.captures.predictions import Prediction, predictions_of
from labelhouse.sources.documents import (
    CLOCK_SKEW,
    Text,
    Unreadable,
    decode,
    encode,
    encode_flawed,
    flaw,
    kind,
    lines,
    shaped,
    time,
    unpack,
)
from labelhouse.sources.objects import key_of, list_objects, read_object
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities

TABLE = "model_predictions"
_FILE = re.compile(
    r"(?:^|/)(?P<endpoint>[^/]+)/(?P<variant>[^/]+)/"
    r"(?P<tail>(?P<day>[0-9]{4}/[0-9]{2}/[0-9]{2})/(?P<hour>[0-9]{2})/(?P<name>[^/]+)\.jsonl)(?:\.gz)?\Z"
)
_NAME = re.compile(r"(?P<minute>[0-9]{2})-(?P<second>[0-9]{2})-(?P<millisecond>[0-9]{3})(?:-|\Z)")
#: A chunk ends after so many records.
_CHUNK_RECORDS = 10_000


class _Place(NamedTuple):
    endpoint_name: str
    variant_name: str
    tail: str
    at: datetime | None


class _Calls(msgspec.Struct, rename="camel"):
    endpoint_input: Payload | None = None
    endpoint_output: Payload | None = None


class _Event(msgspec.Struct, rename="camel"):
    event_id: str
    inference_time: str | None = None
    inference_id: str | None = None


class _Record(msgspec.Struct, rename="camel"):
    capture_data: _Calls
    event_metadata: _Event


def _place_of(unit_uri: str) -> _Place | None:
    """None where the object is no captured data."""
    if not (found := _FILE.search(key_of(unit_uri))):
        return None
    named = _NAME.match(found["name"])
    clock = f"{named['minute']}:{named['second']}.{named['millisecond']}" if named else "00:00"
    try:
        at = datetime.fromisoformat(f"{found['day'].replace('/', '-')}T{found['hour']}:{clock}+00:00")
    except ValueError:
        at = None  # digits of no day or hour
    return _Place(found["endpoint"], found["variant"], found["tail"], at)


def _known_place_of(unit_uri: str) -> _Place:
    """The place of what was listed as a unit."""
    if place := _place_of(unit_uri):
        return place
    raise SourceError("not an object of captured data", value=unit_uri)


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The objects of captured data below a folder or prefix, by key.

    Raises:
        SourceError: the place is missing or unreadable, see `list_objects`.
    """
    for unit in list_objects(uri, clients):
        if place := _place_of(unit.uri):
            yield Unit(unit.uri, unit.version, place.at or unit.unit_at, unit.size_bytes)


def same_content(unit_uri: str) -> str:
    """Copies are of the same variant of the same endpoint, with the same name."""
    place = _known_place_of(unit_uri)
    return f"{place.endpoint_name}/{place.variant_name}/{place.tail}"


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The unit's rows, quarantine and counts, in chunks; the module says what is quarantined. Data never raises."""
    place, latest_at = _known_place_of(unit.uri), datetime.now(UTC) + CLOCK_SKEW
    place = place._replace(
        endpoint_name=identities.clean_text(place.endpoint_name), variant_name=identities.clean_text(place.variant_name)
    )
    parsed = Parsed(unit.unit_at, identities)
    try:
        text = unpack(data)
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), data, cleaned=False)
        yield parsed
        return
    for number, line in lines(text):
        _load(parsed, place, number, line, identities, latest_at)
        if parsed.records_read == _CHUNK_RECORDS:
            yield parsed
            parsed = Parsed(unit.unit_at, identities)
    if parsed.records_read:
        yield parsed


def _load(
    parsed: Parsed, place: _Place, number: int, line: Text | memoryview, identities: Identities, latest_at: datetime
) -> None:
    """One record."""
    try:
        value, is_suspect = decode(line)
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), line, cleaned=False)
        return
    value = identities.clean(value)
    try:
        if is_suspect and (found := flaw(value)):
            raise Unreadable(found)
        if not isinstance(value, dict):
            raise Unreadable(f"the record is {kind(value)}, not an object")
        record = shaped(value, _Record)
        event = record.event_metadata
        if not event.event_id:
            raise Unreadable("eventMetadata.eventId is empty")
        event_at = time(event.inference_time, "inferenceTime", latest_at)
    except Unreadable as reason:
        # data in base64 has not been looked into
        parsed.quarantine(str(number), str(reason), bytes(line), cleaned=False)
        return
    sides = record.capture_data
    inputs = _items(parsed, number, "input", sides.endpoint_input, identities)
    outputs = _items(parsed, number, "output", sides.endpoint_output, identities)
    predictions = predictions_of(outputs, len(inputs) if inputs else None) if outputs else []
    parsed.key(TABLE, number, event.event_id)
    for index, (prediction, given) in enumerate(_pairs(parsed, number, predictions, inputs)):
        parsed.row(
            TABLE,
            f"{number}/{index}",
            event_at,
            event_id=event.event_id,
            prediction_index=index,
            inference_id=event.inference_id or None,
            endpoint_name=place.endpoint_name,
            variant_name=place.variant_name,
            input_content_type=sides.endpoint_input and sides.endpoint_input.content_type,
            output_content_type=sides.endpoint_output and sides.endpoint_output.content_type,
            prediction_label=prediction.label,
            prediction_value=prediction.value,
            confidence_ratio=prediction.confidence_ratio,
            inputs=given,
            other_json=None if prediction.other is None else encode(prediction.other),
        )
    parsed.loaded()


def _items(parsed: Parsed, number: int, side: str, payload: Payload | None, identities: Identities) -> list[Any] | None:
    """The items of one side of a call; None where it was not captured, holds no text or is quarantined."""
    if payload is None:
        return None
    try:
        return items_of(payload, identities)
    except Unreadable as reason:
        raw = (payload.data or "").encode("utf-8", "surrogatepass")
        parsed.quarantine_part(f"{number}/{side}", f"{side}: {reason}", raw, cleaned=False)
        return None


def _pairs(
    parsed: Parsed, number: int, predictions: list[Prediction], inputs: list[Any] | None
) -> Iterator[tuple[Prediction, dict[str, str] | None]]:
    """Predictions with what they were made from; at least one, so that no call is lost."""
    given = [inputs_of(each) for each in inputs or ()]
    if not predictions:
        yield from ((Prediction(), each) for each in given or [None])
    elif len(given) in (0, len(predictions)):
        yield from zip(predictions, given or [None] * len(predictions), strict=True)
    elif len(given) == 1:  # several things found in one object: it is counted once
        yield from zip(predictions, [given[0], *[None] * (len(predictions) - 1)], strict=True)
    else:
        reason = "input: there are not as many inputs as predictions"
        parsed.quarantine_part(f"{number}/input", reason, encode_flawed(inputs), cleaned=True)
        yield from ((each, None) for each in predictions)


SOURCE = Source(
    name="model_predictions",
    description="What endpoints predicted, and from what: files of SageMaker's data capture. The URI is the capture's "
    "S3 prefix, anything above it, or a local copy of it.",
    tables=(TABLE,),
    list_units=list_units,
    read_unit=read_object,
    parse=one_by_one(parse),
    same_content=same_content,
    daily_look_back=timedelta(days=7),
)
