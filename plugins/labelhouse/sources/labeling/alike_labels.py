"""The classes of lines of a manifest that are alike, as columns: no line but the first is decoded.

Values that repeat are looked at once a distinct value, by the very types of `regular_shapes`; a number must be written
as it would be written again, since its line's JSON is kept as it stands. What fits not, or may name somebody, is left.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import numpy as np
import pyarrow as pa
from msgspec.structs import fields

from labelhouse.sources.labeling.alike_lines import Block, Booleans, Form, Int64s, Path
from labelhouse.sources.labeling.label_columns import Classes, Labels, add_labels
from labelhouse.sources.labeling.manifests import METADATA
from labelhouse.sources.labeling.places import Delivery
from labelhouse.sources.labeling.regular_shapes import OBJECT_KEYS, ClassLabel, ClassMetadata, Share
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import traces_in

_Columns = TypeVar("_Columns", Labels, Classes)


def add_alike(parsed: Parsed, delivery: Delivery, name: str, form: Form, block: Block, first: int) -> Int64s:
    """The rows of the lines of a block that are of a form; gives the numbers of these in the block.

    Args:
        name: of the label attribute.
        form: of a regular line with a class.
        first: number of the block's first line.

    Raises:
        ValueError: a creation-date is no time, names a zone, or lies before 2010 or in the future.
    """
    numbers, spans = block.alike(form)
    own, about, created = (name,), (name + METADATA,), (name + METADATA, "creation-date")
    shapes: dict[Path, Any] = {(*about, each.encode_name): each.type for each in fields(ClassMetadata)}
    shapes[own] = ClassLabel
    captured = {path: block.texts(span) for path, span in zip(form.names, spans, strict=True)}
    texts = {path: captured[path].dictionary_encode() for path in captured.keys() & shapes.keys() - {created}}
    is_usable = np.ones(len(numbers), np.bool_)
    for path, is_text in zip(form.names, form.are_texts, strict=True):
        if path in texts:
            is_usable &= _are_fitting(texts[path], shapes[path], is_text=is_text)
        elif path != created:
            is_usable &= _name_nobody(captured[path])
    labels = Labels(
        numbers=pa.array(numbers + first),
        source_ref=captured.get(OBJECT_KEYS[:1]),
        source_text=captured.get(OBJECT_KEYS[1:]),
        label_json=block.texts(form.whole(own, spans)),
        metadata_json=block.texts(form.whole(about, spans)),
        job_name=texts[*about, "job-name"],
        creation_date=captured[created],
        task_type=texts[*about, "type"],
        human_annotated=texts[*about, "human-annotated"],
        adjustment_status=texts.get((*about, "adjustment-status")),
        class_map=None,
    )
    classes = Classes(texts[own], texts[*about, "class-name"], _shares(texts.get((*about, "confidence"))))
    if not is_usable.all():
        labels, classes = _only(labels, is_usable), _only(classes, is_usable)
    if is_usable.any():
        add_labels(parsed, delivery, name, labels, classes)
    return numbers[is_usable]


def _are_fitting(texts: pa.DictionaryArray, shape: Any, *, is_text: bool) -> Booleans:
    fits = np.array([_is_fitting(text, shape, is_text=is_text) for text in texts.dictionary.to_pylist()], np.bool_)
    found: Booleans = fits[texts.indices]
    return found


def _is_fitting(text: str, shape: Any, *, is_text: bool) -> bool:
    try:
        value = text if is_text else msgspec.json.decode(text)
        msgspec.convert(value, shape)
    except (msgspec.DecodeError, RecursionError):
        return False
    if is_text:
        return not any(traces_in(text.encode()))
    return value is not None and msgspec.json.encode(value).decode() == text


def _name_nobody(texts: pa.StringArray) -> Booleans:
    if not any(traces_in(texts.buffers()[2].to_pybytes())):
        return np.ones(len(texts), np.bool_)
    return np.array([not any(traces_in(text.encode())) for text in texts.to_pylist()], np.bool_)


def _shares(texts: pa.DictionaryArray | None) -> pa.DoubleArray | None:
    """Numbers; 0, which stands for one worker with nothing to compare, is NULL, and so is what is none."""
    if texts is None:
        return None
    numbers = [
        float(text) or None if _is_fitting(text, Share, is_text=False) else None
        for text in texts.dictionary.to_pylist()
    ]
    return pa.array(numbers, pa.float64()).take(texts.indices)


def _only(columns: _Columns, keep: Booleans) -> _Columns:
    mask = pa.array(keep)
    return type(columns)(*(None if each is None else each.filter(mask) for each in columns))
