"""What regular lines of a manifest say, column by column, as rows of `manifest_entries` and of `annotations`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.schema.arrow import ARROW_TYPES, REPEATING, repeated
from labelhouse.sources.documents import EARLIEST
from labelhouse.sources.labeling.manifests import JOB_NAME_PREFIX
from labelhouse.sources.labeling.places import Delivery
from labelhouse.sources.parsed import Parsed

_TIMES = ARROW_TYPES["timestamp"]
#: Numbers of characters of a creation-date: to the second, or with microseconds.
_TIME_LENGTHS = pa.array([19, 26], pa.int32())


class Labels(NamedTuple):
    """Lines with one label each, of one label attribute, as captured; a column that no line has is None.

    Attributes:
        numbers: of the lines.
        source_ref: NULL where the line has the source instead.
        label_json: compact, as is `metadata_json`.
        human_annotated: `yes` or `no`.
        adjustment_status: `adjusted`, `unadjusted` or NULL.
    """

    numbers: pa.Int64Array
    source_ref: pa.StringArray | None
    source_text: pa.StringArray | None
    label_json: pa.StringArray
    metadata_json: pa.StringArray
    job_name: pa.DictionaryArray
    creation_date: pa.StringArray
    task_type: pa.DictionaryArray
    human_annotated: pa.DictionaryArray
    adjustment_status: pa.DictionaryArray | None
    class_map: pa.MapArray | None


class Classes(NamedTuple):
    """The class of each line: its number, as text, its name, and how sure it is."""

    class_id: pa.DictionaryArray
    class_name: pa.DictionaryArray
    confidence: pa.DoubleArray | None


class Boxes(NamedTuple):
    """How many boxes each line has, and the columns of all boxes."""

    counts: list[int]
    columns: dict[str, Any]


def add_labels(parsed: Parsed, delivery: Delivery, name: str, labels: Labels, things: Classes | Boxes) -> None:
    """The rows of regular lines of the label attribute `name`.

    Raises:
        ValueError: a time is none, names a zone, or lies before 2010 or in the future.
    """
    count = len(labels.numbers)
    labeled_at = _times(labels.creation_date, delivery)
    job_names = _job_names(labels.job_name, delivery.place.job_name)
    object_ids = labels.numbers.cast(pa.string())
    positions = pc.binary_join_element_wise(object_ids, name, "/")
    entries = {
        "position": positions,
        "event_at": labeled_at,
        "labeling_job_name": job_names.cast(pa.string()),
        "manifest_labeling_job_name": repeated(delivery.place.job_name, count, pa.string()),
        "dataset_object_id": object_ids,
        "source_ref": labels.source_ref,
        "source_text": labels.source_text,
        "label_attribute_name": repeated(name, count, pa.string()),
        "task_type": labels.task_type.cast(pa.string()),
        "label_json": labels.label_json,
        "metadata_json": labels.metadata_json,
        "is_human_annotated": pc.equal(labels.human_annotated.cast(pa.string()), "yes"),
        "is_adjusted": labels.adjustment_status and pc.equal(labels.adjustment_status.cast(pa.string()), "adjusted"),
        "is_failed": repeated(False, count, pa.bool_()),
        "labeled_at": labeled_at,
        "class_map": labels.class_map,
    }
    owner = {
        "event_at": labeled_at,
        "labeling_job_name": job_names,
        "dataset_object_id": pa.DictionaryArray.from_arrays(pa.array(np.arange(count, dtype=np.int32)), object_ids),
        "label_attribute_name": repeated(name, count, REPEATING),
        "is_consolidated": repeated(True, count, pa.bool_()),
    }
    if isinstance(things, Classes):
        entries |= {"label": things.class_name.cast(pa.string()), "confidence_ratio": things.confidence}
        columns = {
            **owner,
            "position": pc.binary_join_element_wise(positions, "0", "/"),
            "geometry_type": repeated("class", count, REPEATING),
            "class_id": things.class_id,
            "category": things.class_name,
            "confidence_ratio": things.confidence,
        }
    else:
        columns = _of_boxes(owner, positions, things)
    parsed.columns("manifest_entries", {column: values for column, values in entries.items() if values is not None})
    if len(columns["position"]):
        parsed.columns("annotations", {column: values for column, values in columns.items() if values is not None})


def _of_boxes(owner: dict[str, Any], positions: pa.StringArray, boxes: Boxes) -> dict[str, Any]:
    """The columns of boxes; `owner` holds what all boxes of a line share."""
    counts = np.array(boxes.counts, np.int64)
    line_of = np.repeat(np.arange(len(counts)), counts)
    places = pa.array(np.arange(len(line_of)) - (np.cumsum(counts) - counts)[line_of]).cast(pa.string())
    lines = pa.array(line_of)
    return {
        **{column: values.take(lines) for column, values in owner.items()},
        "position": pc.binary_join_element_wise(positions.take(lines), places, "/"),
        "geometry_type": repeated("box", len(line_of), REPEATING),
        **boxes.columns,
    }


def _job_names(captured: pa.DictionaryArray, own: str) -> pa.DictionaryArray:
    names = [name.removeprefix(JOB_NAME_PREFIX) or own for name in captured.dictionary.to_pylist()]
    if len(set(names)) == len(names):
        return pa.DictionaryArray.from_arrays(captured.indices, pa.array(names, pa.string()))
    return pa.array(names, pa.string()).take(captured.indices).dictionary_encode()


def _times(texts: pa.StringArray, delivery: Delivery) -> pa.TimestampArray:
    if not pc.all(pc.is_in(pc.utf8_length(texts), _TIME_LENGTHS)).as_py():
        raise ValueError
    found = texts.cast(pa.timestamp("us")).cast(_TIMES)
    bounds = pc.min_max(found).as_py()
    if bounds["min"] < EARLIEST or bounds["max"] > delivery.latest_at:
        raise ValueError
    return found
