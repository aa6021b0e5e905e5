"""The lines of a manifest: a dataset object with its labels, as rows of `manifest_entries` and of `annotations`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from labelhouse.sources.documents import (
    Text,
    Unreadable,
    decode,
    encode,
    encode_flawed,
    flaw,
    kind,
    ratio,
    shaped,
    time,
    word,
)
from labelhouse.sources.labeling.labels import load_label
from labelhouse.sources.labeling.places import Delivery
from labelhouse.sources.labeling.shapes import name_of
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import traces_in, without_identities

METADATA = "-metadata"
_REFERENCE = "-ref"
#: Keys that only the metadata of a label has: users' own metadata may well have a type or a creation date.
_LABEL_METADATA_KEYS = ("job-name", "job_name", "human-annotated", "failure-reason")
#: Names the key that holds the id of a streaming job's object.
_OWN_ID = "dataset-objectid-attribute-name"
_TASK_TYPE_PREFIX = "groundtruth/"
JOB_NAME_PREFIX = "labeling-job/"
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_ADJUSTED = {"adjusted": True, "unadjusted": False}


class _LabelMetadata(msgspec.Struct, rename="kebab"):
    """What Ground Truth says about a label; the underscores are those of custom jobs without consolidation."""

    type: str | None = None
    job_name: str | None = None
    job_name_with_underscore: str | None = msgspec.field(default=None, name="job_name")
    creation_date: str | None = None
    creation_date_with_underscore: str | None = msgspec.field(default=None, name="creation_date")
    class_name: Any = None
    confidence: float | None = None
    human_annotated: str | bool | None = None
    adjustment_status: str | None = None
    failure_reason: str | None = None
    class_map: dict[str, Any] | None = None
    class_map_with_underscore: dict[str, Any] | None = msgspec.field(default=None, name="class_map")


def load_line(parsed: Parsed, delivery: Delivery, number: int, raw: Text | memoryview) -> None:
    """One record of a manifest: a dataset object with the labels of one or several jobs, or none as yet."""
    try:
        line, is_suspect = decode(raw)
        if not isinstance(line, dict):
            raise Unreadable(f"the line is {kind(line)}, not an object")
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), raw, cleaned=False)
        return
    line = without_identities(line, traces_in(bytes(raw)), delivery.identities)
    if is_suspect and (found := flaw(line)):
        parsed.quarantine(str(number), found, encode_flawed(line), cleaned=True)
        return
    names = [
        key.removesuffix(METADATA)
        for key, value in line.items()
        if key.endswith(METADATA) and key != METADATA and _is_label_metadata(value)
    ]
    if not names:
        parsed.filtered()
        return
    rows: dict[str, dict[str, Any]] = {}
    unusable: dict[str, str] = {}
    for name in names:
        try:
            rows[name] = _entry(line, name, delivery)
        except Unreadable as reason:
            unusable[name] = str(reason)
    if rows:
        _keep_line(parsed, delivery, number, line, rows, unusable)
        parsed.loaded()
    else:
        parsed.quarantine(str(number), unusable[names[0]], encode_flawed(line), cleaned=True)


def _keep_line(
    parsed: Parsed,
    delivery: Delivery,
    number: int,
    line: Mapping[str, Any],
    rows: Mapping[str, dict[str, Any]],
    unusable: dict[str, str],
) -> None:
    """The rows of a line by label attribute, and the parts of it that are no use with their reasons."""
    origin: dict[str, str | None] = {}
    for column, key in (("source_ref", "source-ref"), ("source_text", "source")):
        value = line.get(key)
        origin[column] = value if isinstance(value, str) else None
        if value is not None and not isinstance(value, str):
            unusable[key] = f"{key} is {kind(value)}, not text"
    try:
        dataset_object_id = _own_id(line) or str(number)
    except Unreadable as problem:
        dataset_object_id, unusable[_OWN_ID] = str(number), str(problem)
    for name, row in rows.items():
        position, labeled_at = f"{number}/{name}", row["labeled_at"]
        row["dataset_object_id"] = dataset_object_id
        parsed.row("manifest_entries", position, labeled_at, **origin, **row)
        load_label(parsed, delivery, row, position, line.get(_label_key(line, name)), line[name + METADATA])
    for name, reason in unusable.items():
        part = {key: line[key] for key in (_label_key(line, name), name + METADATA) if key in line}
        parsed.quarantine_part(f"{number}/{name}", reason, encode(part).encode(), cleaned=True)


def _own_id(line: Mapping[str, Any]) -> str | None:
    """The id that the line of a streaming job gives its object; None in other jobs.

    Raises:
        Unreadable: the line names a key for it that holds no text or number, or that it does not have.
    """
    named = line.get(_OWN_ID)
    if named is None:
        return None
    if not isinstance(named, str):
        raise Unreadable(f"{_OWN_ID} is {kind(named)}, not text")
    own_id = name_of(line.get(named), "the object's own key")
    if not own_id:
        raise Unreadable("the line does not have the object's own key that it names")
    return own_id


def _label_key(line: Mapping[str, Any], name: str) -> str:
    """Under which key a line holds the label of an attribute, or a reference to it."""
    return name if name in line else f"{name}{_REFERENCE}"


def _is_label_metadata(value: Any) -> bool:
    """Whether the value of a `…-metadata` key is a label's: users have keys such as `camera-metadata` of their own."""
    if not isinstance(value, dict):
        return False
    task_type = value.get("type")
    return any(name in value for name in _LABEL_METADATA_KEYS) or (
        isinstance(task_type, str) and task_type.lower().startswith(_TASK_TYPE_PREFIX)
    )


def _entry(line: Mapping[str, Any], name: str, delivery: Delivery) -> dict[str, Any]:
    """The row of one label attribute.

    Raises:
        Unreadable: a known field of its metadata is not what it should be.
    """
    label = line.get(_label_key(line, name))
    metadata = shaped(line[name + METADATA], _LabelMetadata)
    job_name = (metadata.job_name or metadata.job_name_with_underscore or "").removeprefix(JOB_NAME_PREFIX)
    is_failed = bool(metadata.failure_reason)
    class_map = metadata.class_map or metadata.class_map_with_underscore or {}
    class_name = metadata.class_name if isinstance(metadata.class_name, str) and not is_failed else None
    # the verification of a referenced label is named after it, yet its own is a class
    is_reference = isinstance(label, str) and not class_name and (name.endswith(_REFERENCE) or name not in line)
    return {
        "labeling_job_name": job_name or delivery.place.job_name,
        "manifest_labeling_job_name": delivery.place.job_name,
        "label_attribute_name": name,
        "task_type": metadata.type or None,
        "label": class_name or None,
        "label_json": None if label is None else encode(label),
        "metadata_json": encode(line[name + METADATA]),
        "confidence_ratio": ratio(metadata.confidence, "confidence") or None,  # 0: one worker, nothing to compare
        "is_human_annotated": word(metadata.human_annotated, "human-annotated", _YES_NO),
        "is_adjusted": word(metadata.adjustment_status, "adjustment-status", _ADJUSTED),
        "is_failed": is_failed,
        "failure_reason": metadata.failure_reason or None,
        "labeled_at": time(
            metadata.creation_date or metadata.creation_date_with_underscore, "creation-date", delivery.latest_at
        ),
        "class_map": {number: each for number, each in class_map.items() if isinstance(each, str)} or None,
        "label_ref": label if is_reference else None,
    }
