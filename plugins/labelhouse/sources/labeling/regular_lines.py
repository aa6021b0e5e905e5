"""The lines of a manifest, many at a time: regular ones as columns, all others one by one.

A regular line has an object and one label of it, a class or boxes, and nothing that is not documented. Nearly all
lines of most manifests are such: a library written in C decodes and checks them all at once, and their rows come
column by column. Any other line goes to `manifests`, which says in words what is wrong with it, and gives the same
rows for what is regular.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Annotated, Any, Literal, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.schema.arrow import ARROW_TYPES, REPEATING, repeated
from labelhouse.sources.documents import EARLIEST, Text, lines
from labelhouse.sources.labeling.manifests import JOB_NAME_PREFIX, METADATA, load_line
from labelhouse.sources.labeling.places import Delivery
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import traces_in

#: Lines are looked at together up to so many, or so many bytes: decoded, the worst of them take thirty times as much.
GROUP_LINES = 10_000
GROUP_BYTES = 4 * 1024 * 1024
#: Decoded are so many at a time, in memory that is still warm from the last ones: a third of the time for all at once.
_DECODED_LINES = 200

_TIMES = ARROW_TYPES["timestamp"]
_LINES = msgspec.json.Decoder(dict[str, Any])
_ENCODER = msgspec.json.Encoder()
#: What may say what the object is.
_OBJECT_KEYS = ("source-ref", "source")
#: Numbers of characters of a creation-date: to the second, or with microseconds.
_TIME_LENGTHS = pa.array([19, 26], pa.int32())

_Name = Annotated[str, msgspec.Meta(min_length=1)]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
#: Far from where whole numbers are beyond 64 bits.
_Number = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)]
_ClassNumber = Annotated[int, msgspec.Meta(ge=-(10**15), le=10**15)]
_Digits = Annotated[str, msgspec.Meta(pattern="^[0-9]+$", max_length=15)]


class _Metadata(msgspec.Struct, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    job_name: str
    creation_date: str
    human_annotated: Literal["yes", "no"]
    adjustment_status: Literal["adjusted", "unadjusted"] | None = None
    class_map: dict[str, str] | None = None


class _ClassMetadata(_Metadata, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    type: Literal["groundtruth/image-classification", "groundtruth/text-classification"]
    class_name: _Name
    confidence: _Share | None = None


class _Confidence(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    confidence: _Share


class _BoxMetadata(_Metadata, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    type: Literal["groundtruth/object-detection"]
    objects: list[_Confidence]


class _Box(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    class_id: _ClassNumber
    left: _Number
    top: _Number
    width: _Number
    height: _Number


class _Size(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    width: _ClassNumber
    height: _ClassNumber
    depth: _ClassNumber | None = None


class _Boxes(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    annotations: list[_Box]
    image_size: list[_Size] = []


class _Line(NamedTuple):
    """A regular line: what it says, and its label and metadata, as JSON too."""

    number: int
    source_ref: str | None
    source_text: str | None
    label: Any
    label_json: str
    metadata: Any
    metadata_json: str


class _Form(NamedTuple):
    """What the regular lines of a group have in common: their label attribute, and whether it is a class or boxes."""

    name: str
    is_class: bool

    @property
    def shapes(self) -> tuple[Any, Any]:
        """Of the label and of its metadata."""
        return (_ClassNumber | _Digits, _ClassMetadata) if self.is_class else (_Boxes, _BoxMetadata)


def load_manifest(delivery: Delivery, text: Text) -> Iterator[Parsed]:
    """All lines of a manifest, in chunks of regular ones and of others. Data never raises."""
    group: list[tuple[int, Text | memoryview]] = []
    size = 0
    for number, line in lines(text):
        group.append((number, line))
        size += len(line)
        if len(group) == GROUP_LINES or size >= GROUP_BYTES:
            yield from _load_group(delivery, group)
            group, size = [], 0
    if group:
        yield from _load_group(delivery, group)


def _load_group(delivery: Delivery, group: list[tuple[int, Text | memoryview]]) -> Iterator[Parsed]:
    form, regular = _regular(group)
    parsed = delivery.chunk()
    if form and regular:
        try:
            _add_columns(parsed, delivery, form, regular)
        except ValueError:
            parsed, regular = delivery.chunk(), []  # a date that is none, or a year no label was made in
        else:
            parsed.loaded(len(regular))
            yield parsed
            parsed = delivery.chunk()
    taken = {line.number for line in regular}
    for number, raw in group:
        if number not in taken:
            load_line(parsed, delivery, number, raw)
    if parsed.records_read:
        yield parsed


def _regular(group: Sequence[tuple[int, Text | memoryview]]) -> tuple[_Form | None, list[_Line]]:
    """The form of a group's regular lines, which is that of the first labelled one, and these."""
    form, found = None, list[_Line]()
    for start in range(0, len(group), _DECODED_LINES):
        decoded = _decoded(group[start : start + _DECODED_LINES])
        form = form or _form(decoded)
        if form:
            found += _lines_of(form, decoded)
    return form, found


def _form(decoded: list[tuple[int, dict[str, Any]]]) -> _Form | None:
    for _, line in decoded:
        for key, value in line.items():
            name = key.removesuffix(METADATA)
            if name not in {key, "", *_OBJECT_KEYS} and isinstance(value, dict):
                return _Form(name, "class-name" in value)
    return None


def _lines_of(form: _Form, decoded: list[tuple[int, dict[str, Any]]]) -> Iterator[_Line]:
    """Those of some lines that are regular."""
    key, keys = form.name + METADATA, [{form.name, form.name + METADATA, own} for own in _OBJECT_KEYS]
    alike = [
        (number, line)
        for number, line in decoded
        if line.keys() in keys and type(line.get("source-ref") or line.get("source")) is str
    ]
    labels, metadata = [line[form.name] for _, line in alike], [line[key] for _, line in alike]
    for (number, line), label, label_json, about, about_json in zip(
        alike,
        _fitting(labels, form.shapes[0]),
        _as_json(labels),
        _fitting(metadata, form.shapes[1]),
        _as_json(metadata),
        strict=True,
    ):
        if label is None or about is None or not (form.is_class or len(label.annotations) == len(about.objects)):
            continue
        yield _Line(number, line.get("source-ref"), line.get("source"), label, label_json, about, about_json)


def _decoded(group: Sequence[tuple[int, Text | memoryview]]) -> list[tuple[int, dict[str, Any]]]:
    """The lines that are JSON objects and in which nobody can be named, decoded."""
    # between such lines a value ends and another begins, so that each holds one or is odd
    given = [
        (number, line)
        for number, line in group
        if not isinstance(line, memoryview) and line.startswith(b"{") and line.endswith(b"}")
    ]
    text = b"\n".join([line for _, line in given])
    if any(traces_in(text)):
        given = [(number, line) for number, line in given if not any(traces_in(line))]
        text = b"\n".join([line for _, line in given])
    try:
        found = _LINES.decode_lines(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = []
    if len(found) != len(given):
        return [(number, line) for number, raw in given for line in _decoded_alone(raw)]
    return [(number, line) for (number, _), line in zip(given, found, strict=True)]


def _decoded_alone(raw: Text) -> list[dict[str, Any]]:
    try:
        return [_LINES.decode(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _fitting(values: list[Any], shape: Any) -> list[Any]:
    """The values in a shape, None for those that do not fit it."""
    try:
        found: list[Any] = msgspec.convert(values, list[shape])
    except msgspec.ValidationError:
        return [each for value in values for each in _fitting_alone(value, shape)]
    return found


def _fitting_alone(value: Any, shape: Any) -> list[Any]:
    try:
        return [msgspec.convert(value, shape)]
    except msgspec.ValidationError:
        return [None]


# --- columns


def _add_columns(parsed: Parsed, delivery: Delivery, form: _Form, regular: list[_Line]) -> None:
    name, metadata = form.name, [line.metadata for line in regular]
    numbers = [line.number for line in regular]
    count = len(regular)
    labeled_at = _times([each.creation_date for each in metadata], delivery)
    job_name = delivery.place.job_name
    job_names = _texts([each.job_name.removeprefix(JOB_NAME_PREFIX) or job_name for each in metadata])
    object_ids = list(map(str, numbers))
    entries = {
        "position": [f"{number}/{name}" for number in numbers],
        "event_at": labeled_at,
        "labeling_job_name": job_names.cast(pa.string()),
        "manifest_labeling_job_name": repeated(job_name, count, pa.string()),
        "dataset_object_id": object_ids,
        "source_ref": [line.source_ref for line in regular],
        "source_text": [line.source_text for line in regular],
        "label_attribute_name": repeated(name, count, pa.string()),
        "task_type": [each.type for each in metadata],
        "label_json": [line.label_json for line in regular],
        "metadata_json": [line.metadata_json for line in regular],
        "is_human_annotated": [each.human_annotated == "yes" for each in metadata],
        "is_adjusted": [each.adjustment_status and each.adjustment_status == "adjusted" for each in metadata],
        "is_failed": repeated(False, count, pa.bool_()),
        "labeled_at": labeled_at,
        "class_map": _class_maps([each.class_map for each in metadata]),
    }
    owner = {
        "event_at": labeled_at,
        "labeling_job_name": job_names,
        "dataset_object_id": _texts(object_ids),
        "label_attribute_name": repeated(name, count, REPEATING),
        "is_consolidated": repeated(True, count, pa.bool_()),
    }
    if form.is_class:
        class_names, confidences = (
            [each.class_name for each in metadata],
            [each.confidence or None for each in metadata],
        )
        entries |= {"label": class_names, "confidence_ratio": confidences}
        things = {
            **owner,
            "position": [f"{number}/{name}/0" for number in numbers],
            "geometry_type": repeated("class", count, REPEATING),
            "class_id": _texts([str(line.label) for line in regular]),
            "category": _texts(class_names),
            "confidence_ratio": confidences,
        }
    else:
        things = _boxes(owner, name, regular)
    parsed.columns("manifest_entries", entries)
    if things["position"]:
        parsed.columns("annotations", things)


def _boxes(owner: dict[str, Any], name: str, regular: list[_Line]) -> dict[str, Any]:
    """The columns of the boxes of lines of which `owner` holds what all boxes of a line share."""
    counts = [len(line.label.annotations) for line in regular]
    lines_of = pa.array(np.repeat(np.arange(len(counts)), counts), pa.int64())
    boxes = list(chain.from_iterable(line.label.annotations for line in regular))
    prefixes = [f"{line.number}/{name}/" for line in regular]
    objects = chain.from_iterable(line.metadata.objects for line in regular)
    return {
        **{column: values.take(lines_of) for column, values in owner.items()},
        "position": [
            f"{prefix}{number}" for prefix, count in zip(prefixes, counts, strict=True) for number in range(count)
        ],
        "geometry_type": repeated("box", len(boxes), REPEATING),
        "class_id": _texts([str(box.class_id) for box in boxes]),
        "left_px": [box.left for box in boxes],
        "top_px": [box.top for box in boxes],
        "width_px": [box.width for box in boxes],
        "height_px": [box.height for box in boxes],
        "confidence_ratio": [each.confidence or None for each in objects],
    }


def _as_json(values: list[Any]) -> list[str]:
    """Each value as compact JSON, which has no line feeds."""
    return _ENCODER.encode_lines(values).decode().split("\n")[:-1]


def _texts(values: list[str]) -> pa.DictionaryArray:
    return pa.array(values, pa.string()).dictionary_encode()


def _times(texts: list[str], delivery: Delivery) -> pa.Array:
    """Times in UTC.

    Raises:
        ValueError: one is no time, names a zone, or lies before 2010 or in the future.
    """
    given = pa.array(texts, pa.string())
    if not pc.all(pc.is_in(pc.utf8_length(given), _TIME_LENGTHS)).as_py():
        raise ValueError
    found = given.cast(pa.timestamp("us")).cast(_TIMES)
    bounds = pc.min_max(found).as_py()
    if bounds["min"] < EARLIEST or bounds["max"] > delivery.latest_at:
        raise ValueError
    return found


def _class_maps(maps: list[dict[str, str] | None]) -> pa.Array:
    """Maps, of which there are few different ones."""
    distinct: dict[tuple[tuple[str, str], ...], int] = {}
    numbers = [distinct.setdefault(tuple(each.items()), len(distinct)) if each else None for each in maps]
    return pa.array(map(list, distinct), ARROW_TYPES["attributes"]).take(pa.array(numbers, pa.int64()))
