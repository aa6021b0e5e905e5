"""Lines of manifests with one label, and what their annotations say of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from labelhouse.sources.labeling.shapes import EMPTY
from labeling_units import MANIFEST, Result, manifest, parse

BOX = {"class_id": 3, "left": 11, "top": 13.5, "width": 61, "height": 128}
BOX_SAID = {
    "geometry_type": "box",
    "class_id": "3",
    "left_px": 11.0,
    "top_px": 13.5,
    "width_px": 61.0,
    "height_px": 128.0,
}

AT = datetime(2024, 5, 6, 7, 30, tzinfo=UTC)
OWNER = {
    "event_at": AT,
    "labeling_job_name": "things",
    "dataset_object_id": "0",
    "label_attribute_name": "it",
    "is_consolidated": True,
}
LOADED = {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}


def labelled(label: Any, task_type: str, *, key: str = "it", **metadata: Any) -> Result:
    """What one line gives. Underscores of `metadata` stand for hyphens; a label of `...` is left out."""
    about = {
        "job-name": "labeling-job/things",
        "type": f"groundtruth/{task_type}",
        "creation-date": "2024-05-06T07:30:00",
        "human-annotated": "yes",
    } | {name.replace("_", "-"): value for name, value in metadata.items()}
    given = {"source-ref": "s3://i/1.jpg", key: label, "it-metadata": about}
    result = parse(manifest([{name: value for name, value in given.items() if value is not ...}]), MANIFEST)
    assert result.counts == LOADED, "whatever the label, its line loads"
    assert len(result.entries) == 1
    return result


def annotations(label: Any, task_type: str, *, key: str = "it", **metadata: Any) -> list[dict[str, Any]]:
    """The annotations of one label, all of which must load: what they say beyond whose they are."""
    result = labelled(label, task_type, key=key, **metadata)
    assert result.reasons == []
    return [said(row, number, {**EMPTY, **OWNER}) for number, row in enumerate(result.annotations)]


def said(row: dict[str, Any], number: int, owner: dict[str, Any]) -> dict[str, Any]:
    """The columns in which a row differs from one of which only the owner is known."""
    assert row["position"] == f"0/it/{number}"
    assert row.keys() == owner.keys()
    return {name: value for name, value in row.items() if value != owner[name] and name != "position"}
