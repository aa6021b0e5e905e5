"""The label of a manifest's line, of whatever task type, as rows of `annotations`: one for each labelled thing.

The shape of a label counts, not the name of its type: types that are not known as yet, and lists where one class was
documented, load all the same. Labels of sequences lie in files of their own: what refers to these gives no rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labelhouse.schema.annotations import ANNOTATIONS, FRAMES
from labelhouse.sources.documents import Unreadable, encode, encode_flawed, kind, ratio
from labelhouse.sources.labeling.places import Delivery
from labelhouse.sources.labeling.shapes import (
    EMPTY,
    EMPTY_FRAME,
    attributes_of,
    color_of,
    described,
    holds_things,
    name_of,
    opened,
    things_in,
)
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import traces_in, without_identities

#: Types, without their prefix, of which the label is a sequence of frames in a file of its own.
_SEQUENCES = ("video-object", "point_cloud_object")
#: Types of one point cloud: an object that is a frame.
_SINGLE_FRAMES = ("point_cloud_object_detection", "point_cloud_single_frame")
_CUSTOM = "custom"
#: What the things of a type are taken for where neither their list nor their own keys tell.
_EXPECTED = {
    "object-detection": "box",
    "text-span": "span",
    "point_cloud_object_detection": "cuboid",
}
#: Where the colours of a segmentation stand → what is coloured.
_COLOR_MAPS = {"internal-color-map": "mask", "color-map": "point_class"}


def load_label(
    parsed: Parsed, delivery: Delivery, entry: Mapping[str, Any], position: str, label: Any, metadata: Mapping[str, Any]
) -> None:
    """The annotations of one label attribute, and the frame where its object is one; unusable ones in quarantine.

    Args:
        entry: the attribute's row of `manifest_entries`.
        position: of that row.
        label: the label, identities replaced.
        metadata: the attribute's metadata, identities replaced.
    """
    if entry["is_failed"]:
        return
    owner = {
        **EMPTY,
        "event_at": entry["labeled_at"] or delivery.unit_at,
        "labeling_job_name": entry["labeling_job_name"],
        "dataset_object_id": entry["dataset_object_id"],
        "label_attribute_name": entry["label_attribute_name"],
        "is_consolidated": True,
    }
    if isinstance(label, str) and (found := opened(label)) is not label:
        # what that spelt with escapes may name people after all
        label = without_identities(found, traces_in(label.encode()), delivery.identities)
    count = 0
    for columns in _annotations(entry, label, metadata):
        if isinstance(columns, _Unusable):
            parsed.quarantine_part(f"{position}/{count}", columns.reason, encode_flawed(columns.item), cleaned=True)
        else:
            parsed.rows[ANNOTATIONS.name].append({**owner, "position": f"{position}/{count}", **columns})
        count += 1
    if _type_of(entry).startswith(_SINGLE_FRAMES):
        _load_frame(parsed, owner, position, metadata, count)


class _Unusable:
    """A part of a label that cannot be loaded, and why."""

    def __init__(self, item: Any, reason: Unreadable) -> None:
        self.item, self.reason = item, str(reason)


def _load_frame(
    parsed: Parsed, owner: Mapping[str, Any], position: str, metadata: Mapping[str, Any], count: int
) -> None:
    attributes = metadata.get("dataset-object-attributes")
    try:
        frame = {"attributes": attributes_of(attributes, "dataset-object-attributes"), "annotation_count": count}
    except Unreadable as reason:
        parsed.quarantine_part(f"{position}/frame", str(reason), encode_flawed(attributes), cleaned=True)
        return
    known = {name: owner[name] for name in EMPTY_FRAME if name in owner}
    parsed.rows[FRAMES.name].append({**EMPTY_FRAME, **known, "position": position, **frame})


def _type_of(entry: Mapping[str, Any]) -> str:
    """The task type without its prefix, in small letters."""
    task_type: str = entry["task_type"] or ""
    return task_type.lower().removeprefix("groundtruth/")


def _annotations(
    entry: Mapping[str, Any], label: Any, metadata: Mapping[str, Any]
) -> Iterator[dict[str, Any] | _Unusable]:
    """What a label holds: the columns of each thing, or why it has none."""
    task_type = _type_of(entry)
    for key, coloured in _COLOR_MAPS.items():
        if key in metadata:
            yield from _coloured(metadata[key], key, coloured, label if isinstance(label, str) else None)
            return
    if task_type == _CUSTOM:
        if label is not None:
            yield _as_captured(label)
    elif entry["label_ref"] is not None and entry["label"] is None:
        yield from _referred(task_type, entry["label_ref"])
    elif isinstance(label, dict):
        yield from _things(label, metadata, task_type)
    elif isinstance(label, list):
        yield from _classes(label, entry, metadata)
    elif label is not None or entry["label"] is not None:
        yield _class(label, entry["label"], entry["confidence_ratio"])


def _class(label: Any, category: str | None, confidence: float | None) -> dict[str, Any]:
    return {
        "geometry_type": "class",
        "class_id": name_of(label, "the label"),
        "category": category,
        "confidence_ratio": confidence,
    }


def _classes(
    labels: list[Any], entry: Mapping[str, Any], metadata: Mapping[str, Any]
) -> Iterator[dict[str, Any] | _Unusable]:
    """The classes of a label that may have several; names and confidences are in maps, by number as text."""
    class_map, confidences = entry["class_map"] or {}, metadata.get("confidence-map")
    for label in labels:
        try:
            class_id = name_of(label, "the label")
            if class_id is None:
                raise Unreadable("the label is null, not a number or text")
            confidence = confidences.get(class_id) if isinstance(confidences, dict) else None
            yield _class(class_id, class_map.get(class_id), _confidence(confidence))
        except Unreadable as reason:
            yield _Unusable(label, reason)


def _coloured(colors: Any, key: str, coloured: str, reference: str | None) -> Iterator[dict[str, Any] | _Unusable]:
    """The classes of a segmentation, each with its colour in the mask, the background too."""
    if not isinstance(colors, dict):
        yield _Unusable(colors, Unreadable(f"{key} is {kind(colors)}, not an object"))
        return
    for class_id, each in colors.items():
        try:
            if not isinstance(each, dict):
                raise Unreadable(f"a class of {key} is {kind(each)}, not an object")
            category, color = each.get("class-name"), each.get("hex-color")
            if not isinstance(category, str | None) or not isinstance(color, str | None):
                raise Unreadable(f"class-name or hex-color in {key} is not text")
            yield {
                "geometry_type": coloured,
                "class_id": class_id,
                "category": category,
                "mask_ref": reference,
                "mask_color": color and color_of(color),
                "confidence_ratio": _confidence(each.get("confidence")),
            }
        except Unreadable as reason:
            yield _Unusable(each, reason)


def _referred(task_type: str, reference: str) -> Iterator[dict[str, Any]]:
    """What is known of a label in a file of its own: nothing of sequences, which are read themselves."""
    if "segmentation" in task_type:
        coloured = "point_class" if task_type.startswith("point_cloud") else "mask"
        yield {"geometry_type": coloured, "mask_ref": reference}
    elif not task_type.startswith(_SEQUENCES) and not reference.endswith("/SeqLabel.json"):
        yield _as_captured(reference)


def _as_captured(label: Any) -> dict[str, Any]:
    return {"geometry_type": _CUSTOM, "annotation_json": encode(label)}


def _things(
    label: Mapping[str, Any], metadata: Mapping[str, Any], task_type: str
) -> Iterator[dict[str, Any] | _Unusable]:
    """The boxes, spans, cuboids … of a label; what holds none of the known lists, as captured."""
    if not holds_things(label):
        yield _as_captured(label)
        return
    about = metadata.get("objects") or metadata.get("entities")
    expected = _EXPECTED.get(task_type)
    try:
        for number, (key, item) in enumerate(things_in(label)):
            try:
                confidence = about[number] if isinstance(about, list) and number < len(about) else None
                if isinstance(confidence, dict):
                    confidence = confidence.get("confidence")
                yield {**described(item, key, expected), "confidence_ratio": _confidence(confidence)}
            except Unreadable as reason:
                yield _Unusable(item, reason)
    except Unreadable as reason:
        yield _Unusable(label, reason)


def _confidence(value: Any) -> float | None:
    """A confidence from 0 to 1; 0 stands for one worker, with nothing to compare."""
    if value is None or (isinstance(value, list) and not value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unreadable(f"confidence is {kind(value)}, not a number")
    return ratio(float(value), "confidence") or None
