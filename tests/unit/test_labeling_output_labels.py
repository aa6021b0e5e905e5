"""Labels of classes, boxes, cuboids and texts become one annotation for each thing that they label."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labelhouse.sources.labeling.shapes import EMPTY_FRAME
from labelled_lines import BOX, BOX_SAID, OWNER, annotations, labelled

CUBOID = {
    "label-category-attributes": {"Occlusion": "Partial", "Doors": 4, "Seen": True, "Note": None, "Parts": ["a"]},
    "object-name": "Car:1",
    "class-id": 0,
    "center-x": -2.5,
    "center-y": 125,
    "center-z": 0.25,
    "length": 3,
    "width": 2,
    "height": 1.5,
    "roll": 0,
    "pitch": 0.5,
    "yaw": 1.625,
}
CUBOID_SAID = {
    "geometry_type": "cuboid",
    "class_id": "0",
    "object_name": "Car:1",
    "center_x": -2.5,
    "center_y": 125.0,
    "center_z": 0.25,
    "cuboid_length": 3.0,
    "cuboid_width": 2.0,
    "cuboid_height": 1.5,
    "roll_radians": 0.0,
    "pitch_radians": 0.5,
    "yaw_radians": 1.625,
    "attributes": {"Occlusion": "Partial", "Doors": "4", "Seen": "true", "Note": None, "Parts": '["a"]'},
}
# --- classes


@pytest.mark.parametrize(
    "task_type",
    ["image-classification", "text-classification", "video-classification", "label-verification", "not-yet-invented"],
)
@pytest.mark.parametrize(("label", "class_id"), [(1, "1"), ("1", "1"), (1.5, "1.5"), (..., None)])
def test_one_class(task_type: str, label: Any, class_id: str | None) -> None:
    said = {"geometry_type": "class", "class_id": class_id, "category": "设备 ", "confidence_ratio": 0.25}
    found = annotations(label, task_type, class_name="设备 ", confidence=0.25)
    assert found == [{name: value for name, value in said.items() if value is not None}]


def test_what_workers_say_of_a_verified_label_is_no_annotation() -> None:
    feedback = [{"comment": "Too wide."}, {"comment": "One is not labelled."}]
    result = labelled("1", "label-verification", class_name="bad", worker_feedback=feedback)
    assert [row["category"] for row in result.annotations] == ["bad"]
    assert json.loads(result.entries[0]["metadata_json"])["worker-feedback"] == feedback


def test_one_of_several_classes_each() -> None:
    assert annotations(
        [1, 0, "8"],
        "image-classification-multilabel",
        class_map={"1": "bicycle", "0": "person"},
        confidence_map={"1": 0.95, "0": 0, "9": 1},
    ) == [
        {"geometry_type": "class", "class_id": "1", "category": "bicycle", "confidence_ratio": 0.95},
        {"geometry_type": "class", "class_id": "0", "category": "person"},
        {"geometry_type": "class", "class_id": "8"},
    ]


@pytest.mark.parametrize("task_type", ["image-classification", "text-classification-multilabel", "new"])
def test_no_class_is_no_annotation(task_type: str) -> None:
    assert annotations([], task_type) == []


def test_a_label_may_change_its_type() -> None:
    """A number, a number as text, a list: each line loads, and says the same class in the same way."""
    found = [annotations(label, "image-classification") for label in (0, "0", [0], [])]
    assert found == [[{"geometry_type": "class", "class_id": "0"}]] * 3 + [[]]


def test_an_unusable_class_is_quarantined_alone() -> None:
    result = labelled([1, None, {"a": 1}, 2], "image-classification-multilabel")
    assert [(row["position"], row["class_id"]) for row in result.annotations] == [("0/it/0", "1"), ("0/it/3", "2")]
    assert result.reasons == [
        ("0/it/1", "the label is null, not a number or text"),
        ("0/it/2", "the label is an object, not a number or text"),
    ]
    assert result.quarantined[1]["raw_bytes"] == b'{"a":1}'


# --- boxes and cuboids


@pytest.mark.parametrize("task_type", ["object-detection", "not-yet-invented"])
def test_boxes(task_type: str) -> None:
    label = {"image_size": [{"width": 500, "height": 400, "depth": 3}], "annotations": [BOX, BOX | {"left": -5}]}
    objects = [{"confidence": 0.09}, {"confidence": 0}]
    assert annotations(label, task_type, objects=objects, class_map={"3": "dog"}) == [
        BOX_SAID | {"confidence_ratio": 0.09},
        BOX_SAID | {"left_px": -5.0},
    ]


@pytest.mark.parametrize("adjusted", ["adjusted", "unadjusted"])
def test_boxes_of_an_adjustment_job(adjusted: str) -> None:
    found = labelled({"annotations": [BOX]}, "object-detection", adjustment_status=adjusted)
    assert found.entries[0]["is_adjusted"] is (adjusted == "adjusted")
    assert [row["left_px"] for row in found.annotations] == [11.0]


def test_an_image_without_boxes() -> None:
    assert annotations({"annotations": [], "image_size": []}, "object-detection", objects=[]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"left": "11"}, "left is text, not a number"),
        ({"top": None}, "top is null, not a number"),
        ({"width": True}, "width is true or false, not a number"),
        ({"height": ...}, "height is missing"),
        ({"class_id": [1]}, "class_id is a list, not a number or text"),
        ({"label": 5}, "label is a number, not text"),
        ({"label-category-attributes": ["a"]}, "label-category-attributes is a list, not an object"),
    ],
)
def test_an_unusable_box_is_quarantined_alone(change: dict[str, Any], words: str) -> None:
    bad = {name: value for name, value in (BOX | change).items() if value is not ...}
    result = labelled({"annotations": [BOX, bad, BOX]}, "object-detection")
    assert [row["position"] for row in result.annotations] == ["0/it/0", "0/it/2"]
    assert result.reasons == [("0/it/1", words)]
    assert json.loads(result.quarantined[0]["raw_bytes"]) == bad


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ({"annotations": [7]}, "one of annotations is a number, not an object"),
        ({"annotations": 7}, "annotations is a number, not a list"),
        ({"annotations": [{}]}, "left is missing"),
        ({"annotations": {"entities": {"a": 1}}}, "entities is an object, not a list"),
    ],
)
def test_what_are_no_boxes_at_all_is_a_quarantined_part(label: Any, words: str) -> None:
    result = labelled(label, "object-detection")
    assert result.annotations == []
    assert result.reasons == [("0/it/0", words)]


@pytest.mark.parametrize("confidence", ["0.5", 1.5, -0.1, True, [0.5]])
def test_an_impossible_confidence_quarantines_its_box(confidence: Any) -> None:
    objects = [{"confidence": 0.5}, {"confidence": confidence}]
    result = labelled({"annotations": [BOX, BOX]}, "object-detection", objects=objects)
    assert [row["confidence_ratio"] for row in result.annotations] == [0.5]
    assert result.quarantined[0]["reason"].startswith("confidence is ")


@pytest.mark.parametrize("objects", [None, [], "x", [{}], [{"confidence": []}], [None]])
def test_boxes_may_have_no_confidence(objects: Any) -> None:
    assert annotations({"annotations": [BOX]}, "object-detection", objects=objects) == [BOX_SAID]


def test_what_no_column_holds_is_kept_beside_them() -> None:
    box = BOX | {"angle": 0.5, "x": 1}
    (found,) = annotations({"annotations": [box]}, "object-detection")
    assert json.loads(found.pop("annotation_json")) == box
    assert found == BOX_SAID


def test_polygons_and_other_drawings_of_any_task() -> None:
    vertices = [{"x": 1, "y": 2}, {"x": 3.5, "y": 4}]
    label = {
        "polygons": [{"class-id": "1", "vertices": vertices}],
        "polylines": [{"class-id": "2", "vertices": vertices}],
        "keypoints": [{"class-id": "3", "x": 5, "y": 6}],
    }
    assert annotations(label, "new") == [
        {"geometry_type": "polygon", "class_id": "1", "points": [1.0, 2.0, 3.5, 4.0]},
        {"geometry_type": "polyline", "class_id": "2", "points": [1.0, 2.0, 3.5, 4.0]},
        {"geometry_type": "keypoint", "class_id": "3", "points": [5.0, 6.0]},
    ]


@pytest.mark.parametrize(
    ("vertices", "words"),
    [
        (None, "vertices is null, not a list"),
        ([5], "a vertex is a number, not an object"),
        ([{"x": 1}], "y is missing"),
        ([{"x": 1, "y": "2"}], "y is text, not a number"),
    ],
)
def test_a_polygon_without_points_is_quarantined(vertices: Any, words: str) -> None:
    assert labelled({"polygons": [{"vertices": vertices}]}, "new").reasons == [("0/it/0", words)]


@pytest.mark.parametrize("task_type", ["point_cloud_object_detection", "new"])
def test_cuboids(task_type: str) -> None:
    assert annotations({"annotations": [CUBOID]}, task_type, objects=[]) == [CUBOID_SAID]


def test_a_point_cloud_is_a_frame_with_attributes() -> None:
    attributes = {"Weather": "rain", "Vehicles": 2}
    result = labelled(
        {"annotations": [CUBOID, {"class-id": 1}]},
        "point_cloud_object_detection",
        dataset_object_attributes=attributes,
    )
    assert result.reasons == [("0/it/1", "center_x is missing")]
    known = {name: value for name, value in OWNER.items() if name in EMPTY_FRAME}
    assert result.frames == [
        {**EMPTY_FRAME, **known}
        | {"position": "0/it", "attributes": {"Weather": "rain", "Vehicles": "2"}, "annotation_count": 2}
    ]


def test_an_empty_point_cloud_is_a_frame_too() -> None:
    result = labelled({"annotations": []}, "point_cloud_object_detection")
    assert (result.annotations, [row["annotation_count"] for row in result.frames]) == ([], [0])


def test_a_point_clouds_attributes_that_are_none_are_quarantined() -> None:
    result = labelled({"annotations": [CUBOID]}, "point_cloud_object_detection", dataset_object_attributes="wet")
    assert (len(result.annotations), result.frames) == (1, [])
    assert result.reasons == [("0/it/frame", "dataset-object-attributes is text, not an object")]


# --- texts


def test_named_entities() -> None:
    label = {
        "annotations": {
            "labels": [{"label": "Date", "shortDisplayName": "dt"}],
            "entities": [
                {"label": "Date", "startOffset": 75, "endOffset": 88},
                {"label": "Person", "startOffset": 0, "endOffset": 4},
            ],
        }
    }
    assert annotations(label, "text-span", entities=[{"confidence": 0}, {"confidence": 0.75}]) == [
        {"geometry_type": "span", "category": "Date", "start_offset": 75, "end_offset": 88},
        {
            "geometry_type": "span",
            "category": "Person",
            "start_offset": 0,
            "end_offset": 4,
            "confidence_ratio": 0.75,
        },
    ]


@pytest.mark.parametrize("offset", [1.5, "3", None, True])
def test_an_impossible_offset_quarantines_its_entity(offset: Any) -> None:
    entities = [{"label": "Date", "startOffset": offset, "endOffset": 88}]
    result = labelled({"annotations": {"entities": entities}}, "text-span")
    assert result.reasons[0][1].startswith("start_offset is ")
