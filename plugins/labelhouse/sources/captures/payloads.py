"""What went into a model and came out of it, as captured: CSV, JSON or JSON Lines, some of it in base64.

A payload is a list of items: rows of CSV, or what a JSON document says of each of several objects.
"""

from __future__ import annotations

import base64
import binascii
import csv
import math
from typing import TYPE_CHECKING, Any

import msgspec

from labelhouse.sources.documents import Unreadable, decode, encode, flaw

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: Wider inputs (pixels, embeddings) are no features that anybody looks at one by one; they are not kept.
MOST_INPUTS = 1000
#: Names under which a JSON document lists several objects.
_BATCHES = ("instances", "inputs", "predictions", "outputs")
#: Names under which one object holds its features.
_FEATURES = ("features", "values", "data")
_CSV, _JSON, _JSON_LINES = "csv", "json", "jsonlines"


class Payload(msgspec.Struct, rename="camel"):
    """One side of a captured call."""

    data: str | None = None
    encoding: str | None = None
    observed_content_type: str | None = None

    @property
    def content_type(self) -> str | None:
        """`text/csv`, without parameters, in lower case."""
        return (self.observed_content_type or "").partition(";")[0].strip().lower() or None


def items_of(payload: Payload, identities: Identities) -> list[Any] | None:
    """The items of a payload, identities replaced: lists of texts for CSV, JSON values else; None of an image, a sound
    or anything else that is no text.

    Raises:
        Unreadable: it is not what its encoding and content type say.
    """
    form = _form_of(payload)
    if payload.data is None or form is None:
        return None
    text = identities.clean_text(_text_of(payload))
    if form == _CSV:
        return _rows(text)
    if form == _JSON_LINES:
        return [_checked(line) for line in text.splitlines() if line.strip()]
    return _unbatched(_checked(text))


def _form_of(payload: Payload) -> str | None:
    """What the bytes are: the content type says so, else the encoding that SageMaker chose by it."""
    content_type, encoding = payload.content_type or "", (payload.encoding or "").upper()
    if "jsonlines" in content_type or "jsonl" in content_type or "ndjson" in content_type:
        return _JSON_LINES
    if "json" in content_type or encoding == "JSON":
        return _JSON
    if "csv" in content_type or content_type == "text/plain" or encoding == "CSV":
        return _CSV
    return None


def _text_of(payload: Payload) -> str:
    data = payload.data or ""
    if (payload.encoding or "").upper() != "BASE64":
        return data
    try:
        return base64.b64decode(data, validate=True).decode()
    except (binascii.Error, ValueError):  # UnicodeDecodeError is one
        raise Unreadable("the data is not text in base64") from None


def _rows(text: str) -> list[list[str]]:
    try:
        return [[field.strip() for field in row] for row in csv.reader(text.splitlines()) if row]
    except csv.Error:
        raise Unreadable("the data is not CSV") from None


def _checked(text: str) -> Any:
    try:
        value, is_suspect = decode(text.encode())
    except Unreadable:
        raise Unreadable("the data is not JSON") from None
    except UnicodeEncodeError:
        raise Unreadable("a text holds half of a surrogate pair, which is no character") from None
    if is_suspect and (found := flaw(value)):
        raise Unreadable(found)
    return value


def _unbatched(value: Any) -> list[Any]:
    if isinstance(value, dict):
        for name in _BATCHES:
            if isinstance(value.get(name), list):
                rest = {key: item for key, item in value.items() if key != name}
                # what else the document says belongs to all of them
                return [{**rest, **item} if isinstance(item, dict) else item for item in value[name]]
        return [value]
    if isinstance(value, list) and value and all(isinstance(item, list | dict) for item in value):
        return value
    return [value]


def inputs_of(item: Any) -> dict[str, str] | None:
    """An item as texts by name: `input_0`, … where it has no names; None where it is too wide."""
    while isinstance(item, dict) and len(item) == 1 and next(iter(item)) in _FEATURES:
        (item,) = item.values()
    named = item if isinstance(item, dict) else {f"input_{number}": each for number, each in enumerate(_listed(item))}
    found: dict[str, str] = {}
    pending = [(str(name), value) for name, value in reversed(named.items())]
    while pending and len(found) <= MOST_INPUTS:
        name, value = pending.pop()
        if isinstance(value, dict):
            pending += [(f"{name}.{inner}", each) for inner, each in reversed(value.items())]
        elif value is not None:
            found[name] = text_of(value)
    return None if len(found) > MOST_INPUTS else found


def _listed(item: Any) -> list[Any]:
    return item if isinstance(item, list) else [item]


def text_of(value: Any) -> str:
    """A JSON value as text."""
    return value if isinstance(value, str) else encode(value)


def number_of(value: Any) -> float | None:
    """A finite number, also one that is written as text; None of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None
