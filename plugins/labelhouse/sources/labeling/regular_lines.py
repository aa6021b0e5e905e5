"""The lines of a manifest, many at a time: regular ones as columns, all others one by one.

A regular line has an object and one label of it, a class or boxes, and nothing that is not documented. Nearly all
lines of most manifests are such. Those with a class that are written all alike are not even decoded, see
`alike_labels`; a library written in C decodes and checks the others all at once, and their rows come column by column.
Any other line goes to `manifests`, which says in words what is wrong with it, and gives the same rows for what is
regular.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from labelhouse.schema.arrow import ARROW_TYPES
from labelhouse.sources.documents import MAX_RECORD_BYTES, Text, as_json
from labelhouse.sources.labeling.alike_labels import add_alike
from labelhouse.sources.labeling.alike_lines import Block, Form
from labelhouse.sources.labeling.label_columns import Boxes, Classes, Labels, add_labels
from labelhouse.sources.labeling.manifests import METADATA, load_line
from labelhouse.sources.labeling.places import Delivery
from labelhouse.sources.labeling.regular_shapes import (
    OBJECT_KEYS,
    BoxesLabel,
    BoxMetadata,
    ClassLabel,
    ClassMetadata,
    fitting,
)
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import traces_in

#: Lines are looked at together up to so many, or so many bytes: decoded, the worst of them take thirty times as much.
GROUP_LINES = 10_000
GROUP_BYTES = 4 * 1024 * 1024
#: Decoded are so many at a time, in memory that is still warm from the last ones: a third of the time for all at once.
_DECODED_LINES = 200

_LINES = msgspec.json.Decoder(dict[str, Any])

#: So many lines are looked at for one that others may be like.
_TRIED_LINES = 20


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
        return (ClassLabel, ClassMetadata) if self.is_class else (BoxesLabel, BoxMetadata)


def load_manifest(delivery: Delivery, text: Text) -> Iterator[Parsed]:
    """All lines of a manifest, in chunks of regular ones and of others. Data never raises."""
    start = first = 0
    while start < len(text):
        end = _end_of_block(text, start)
        size = end - start - text.endswith(b"\n", start, end)
        if size > MAX_RECORD_BYTES:  # one line, too large to be a record, so that it is never copied
            yield from _load_group(delivery, [(first, memoryview(text)[start : start + size])])
            first += 1
        else:
            block = Block(text[start:end])
            yield from _load_block(delivery, first, block)
            first += len(block)
        start = end


def _end_of_block(text: Text, start: int) -> int:
    """Where the last of some whole lines ends; of one alone where they are large."""
    if len(text) - start <= GROUP_BYTES:
        return len(text)
    return text.rfind(b"\n", start, start + GROUP_BYTES) + 1 or text.find(b"\n", start) + 1 or len(text)


def _load_block(delivery: Delivery, first: int, block: Block) -> Iterator[Parsed]:
    is_left = np.ones(len(block), np.bool_)
    if found := _class_in(block):
        parsed = delivery.chunk()
        try:
            numbers = add_alike(parsed, delivery, *found, block, first)
        except ValueError:
            numbers = np.array([], np.int64)  # a date that is none, or a year no label was made in
        if len(numbers):
            parsed.loaded(len(numbers))
            yield parsed
            is_left[numbers] = False
    left = [(first + number, line) for number in np.flatnonzero(is_left).tolist() if (line := block.line(number))]
    for start in range(0, len(left), GROUP_LINES):
        yield from _load_group(delivery, left[start : start + GROUP_LINES])


def _class_in(block: Block) -> tuple[str, Form] | None:
    """The label attribute and the form of the first regular line, where that has a class that others may have too."""
    for number in range(min(len(block), _TRIED_LINES)):
        form, regular = _regular([(number, line := block.line(number))])
        if form and regular:
            written = Form.of(line) if form.is_class and regular[0].metadata.class_map is None else None
            return written and (form.name, written)
    return None


def _load_group(delivery: Delivery, group: Sequence[tuple[int, Text | memoryview]]) -> Iterator[Parsed]:
    """Lines that are not alike."""
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
            if name not in {key, "", *OBJECT_KEYS} and isinstance(value, dict):
                return _Form(name, "class-name" in value)
    return None


def _lines_of(form: _Form, decoded: list[tuple[int, dict[str, Any]]]) -> Iterator[_Line]:
    """Those of some lines that are regular."""
    key, keys = form.name + METADATA, [{form.name, form.name + METADATA, own} for own in OBJECT_KEYS]
    alike = [
        (number, line)
        for number, line in decoded
        if line.keys() in keys and type(line.get("source-ref") or line.get("source")) is str
    ]
    labels, metadata = [line[form.name] for _, line in alike], [line[key] for _, line in alike]
    for (number, line), label, label_json, about, about_json in zip(
        alike,
        fitting(labels, form.shapes[0]),
        as_json(labels),
        fitting(metadata, form.shapes[1]),
        as_json(metadata),
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


# --- columns


def _add_columns(parsed: Parsed, delivery: Delivery, form: _Form, regular: list[_Line]) -> None:
    metadata = [line.metadata for line in regular]
    labels = Labels(
        numbers=pa.array([line.number for line in regular], pa.int64()),
        source_ref=pa.array([line.source_ref for line in regular], pa.string()),
        source_text=pa.array([line.source_text for line in regular], pa.string()),
        label_json=pa.array([line.label_json for line in regular], pa.string()),
        metadata_json=pa.array([line.metadata_json for line in regular], pa.string()),
        job_name=_texts([each.job_name for each in metadata]),
        creation_date=pa.array([each.creation_date for each in metadata], pa.string()),
        task_type=_texts([each.type for each in metadata]),
        human_annotated=_texts([each.human_annotated for each in metadata]),
        adjustment_status=_texts([each.adjustment_status for each in metadata]),
        class_map=_class_maps([each.class_map for each in metadata]),
    )
    if form.is_class:
        classes = Classes(
            class_id=_texts([str(line.label) for line in regular]),
            class_name=_texts([each.class_name for each in metadata]),
            confidence=pa.array([each.confidence or None for each in metadata], pa.float64()),
        )
        add_labels(parsed, delivery, form.name, labels, classes)
    else:
        add_labels(parsed, delivery, form.name, labels, _boxes(regular))


def _boxes(regular: list[_Line]) -> Boxes:
    boxes = [box for line in regular for box in line.label.annotations]
    columns = {
        "class_id": _texts([str(box.class_id) for box in boxes]),
        "left_px": [box.left for box in boxes],
        "top_px": [box.top for box in boxes],
        "width_px": [box.width for box in boxes],
        "height_px": [box.height for box in boxes],
        "confidence_ratio": [each.confidence or None for line in regular for each in line.metadata.objects],
    }
    return Boxes([len(line.label.annotations) for line in regular], columns)


def _texts(values: list[str | None]) -> pa.DictionaryArray:
    return pa.array(values, pa.string()).dictionary_encode()


def _class_maps(maps: list[dict[str, str] | None]) -> pa.MapArray:
    """Maps, of which there are few different ones."""
    distinct: dict[tuple[tuple[str, str], ...], int] = {}
    numbers = [distinct.setdefault(tuple(each.items()), len(distinct)) if each else None for each in maps]
    return pa.array(map(list, distinct), ARROW_TYPES["attributes"]).take(pa.array(numbers, pa.int64()))
