"""What workers answered becomes annotations, whichever crowd element their form had and whatever it was called."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labelhouse.sources.labeling.shapes import EMPTY, EMPTY_FRAME
from labeling_units import EMAIL, IDENTITIES, SUB, UNIT_AT, Result, answer, document, parse

OWNER = {
    "event_at": datetime(2024, 5, 6, 7, 1, 0, 456000, tzinfo=UTC),
    "labeling_job_name": "Pets",
    "dataset_object_id": "17",
    "is_consolidated": False,
    "iteration_number": 2,
    "worker_id": "abcdef0123456789",
    "worker_pseudonym": IDENTITIES.pseudonym(SUB),
}
SIZE = {"inputImageProperties": {"height": 533, "width": 800}}
BOX = {"height": 401, "label": "Dog", "left": 243, "top": 117.5, "width": 187}
BOX_SAID = {
    "geometry_type": "box",
    "category": "Dog",
    "left_px": 243.0,
    "top_px": 117.5,
    "width_px": 187.0,
    "height_px": 401.0,
}
VERTICES = [{"x": 570, "y": 239}, {"x": 603.5, "y": 513}, {"x": 823, "y": 645}]
POINTS = [570.0, 239.0, 603.5, 513.0, 823.0, 645.0]
PIXELS = {"labeledImage": {"pngImageData": "iVBORw0KGgo="}}

#: Name of an element → what it writes → what that says.
ELEMENTS: dict[str, tuple[dict[str, Any], list[dict[str, Any]]]] = {
    "crowd-image-classifier": ({"label": "设备 "}, [{"geometry_type": "class", "category": "设备 "}]),
    "crowd-classifier": ({"label": "sad"}, [{"geometry_type": "class", "category": "sad"}]),
    "crowd-image-classifier-multi-select": (
        {"labels": ["a", "b"]},
        [{"geometry_type": "class", "category": "a"}, {"geometry_type": "class", "category": "b"}],
    ),
    "crowd-classifier-multi-select": ({"labels": []}, []),
    "crowd-bounding-box": (
        {"boundingBoxes": [BOX, BOX | {"label": "Cat"}]} | SIZE,
        [BOX_SAID, BOX_SAID | {"category": "Cat"}],
    ),
    "crowd-entity-annotation": (
        {"entities": [{"endOffset": 4, "label": "verb", "startOffset": 0}]},
        [{"geometry_type": "span", "category": "verb", "start_offset": 0, "end_offset": 4}],
    ),
    "crowd-semantic-segmentation": (
        {"labelMappings": {"Bird": {"color": "#2CA02C"}, "Cat": {"color": "#ff7f0e"}}} | SIZE | PIXELS,
        [
            {"geometry_type": "mask", "category": "Bird", "mask_color": "#2ca02c"},
            {"geometry_type": "mask", "category": "Cat", "mask_color": "#ff7f0e"},
        ],
    ),
    "crowd-instance-segmentation": (
        {"instances": [{"color": "#1f77b4", "label": "Cat"}, {"color": "#2ca02c", "label": "Cat"}]} | SIZE | PIXELS,
        [
            {"geometry_type": "mask", "category": "Cat", "mask_color": "#1f77b4"},
            {"geometry_type": "mask", "category": "Cat", "mask_color": "#2ca02c"},
        ],
    ),
    "crowd-polygon": (
        {"polygons": [{"label": "dog", "vertices": VERTICES}]} | SIZE,
        [{"geometry_type": "polygon", "category": "dog", "points": POINTS}],
    ),
    "crowd-polyline": (
        {"polylines": [{"label": "kerb", "vertices": VERTICES}]} | SIZE,
        [{"geometry_type": "polyline", "category": "kerb", "points": POINTS}],
    ),
    "crowd-line": (
        {"lines": [{"label": "sideline", "vertices": VERTICES[:2]}]} | SIZE,
        [{"geometry_type": "polyline", "category": "sideline", "points": POINTS[:4]}],
    ),
    "crowd-keypoint": (
        {"keypoints": [{"label": "Beak", "x": 155, "y": 275.5}]} | SIZE,
        [{"geometry_type": "keypoint", "category": "Beak", "points": [155.0, 275.5]}],
    ),
}
#: A frame as consolidation spells it, and as the worker's page does.
FRAMES = (
    {
        "frame-no": "7",
        "frame": "frame_0007.jpeg",
        "frame-attributes": {"blurry": "no", "players": 11},
        "annotations": [
            {
                "height": 36,
                "width": 46,
                "top": 178,
                "left": 315,
                "class-id": "0",
                "label-category-attributes": {"moving": "true", "speed": 3},
                "object-id": "480dc450",
                "object-name": "car:1",
            }
        ],
    },
    {
        "frameNumber": 7,
        "frameName": "frame_0007.jpeg",
        "frameAttributes": {"blurry": "no", "players": 11},
        "boundingBoxes": [
            {
                "height": 36,
                "width": 46,
                "top": 178,
                "left": 315,
                "classId": 0,
                "labelCategoryAttributes": {"moving": "true", "speed": 3},
                "objectId": "480dc450",
                "objectName": "car:1",
            }
        ],
    },
)
FRAMED = {
    "frame_number": 7,
    "geometry_type": "box",
    "class_id": "0",
    "object_id": "480dc450",
    "object_name": "car:1",
    "left_px": 315.0,
    "top_px": 178.0,
    "width_px": 46.0,
    "height_px": 36.0,
    "attributes": {"moving": "true", "speed": "3"},
}


def answered(content: Any) -> Result:
    """What one answer gives, which must load whatever its content."""
    result = parse(document(answer(answerContent=content)))
    assert result.counts == {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}
    return result


def annotations(content: Any) -> list[dict[str, Any]]:
    """The annotations of one answer, all of which must load: what they say beyond whose they are."""
    result = answered(content)
    assert result.reasons == []
    owner = {**EMPTY, **OWNER}
    for number, row in enumerate(result.annotations):
        assert row["position"] == f"0/{number}"
        assert row.keys() == owner.keys()
    return [
        {name: value for name, value in row.items() if value != owner[name] and name != "position"}
        for row in result.annotations
    ]


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize(
    "name", [None, "annotatedResult", "what the form's author called it", "polygons", "annotations"]
)
def test_every_built_in_element(element: str, name: str | None) -> None:
    content, said = ELEMENTS[element]
    assert annotations({name or element: content}) == said


@pytest.mark.parametrize("element", ELEMENTS)
@pytest.mark.parametrize("wraps", [1, 2])
def test_an_element_that_is_json_inside_json(element: str, wraps: int) -> None:
    content, said = ELEMENTS[element]
    wrapped: Any = content
    for _ in range(wraps):
        wrapped = json.dumps(wrapped)
    assert annotations({"part": wrapped}) == said
    assert annotations(json.dumps({"part": wrapped})) == said


@pytest.mark.parametrize("folder", ["consolidation-payloads"])
def test_the_content_of_real_consolidation_payloads(real_data: Path, folder: str) -> None:
    payload = json.loads((real_data / folder / "sample_annotation_consolidation_payload.json").read_text())
    contents = [each["annotationData"]["content"] for line in payload for each in line["annotations"]]
    found = [(row["category"], row["left_px"]) for content in contents for row in annotations(content)]
    assert found == [("Red", 116.0), ("Green", 418.0), ("Green", 76.0), ("Red", 414.0)]


def test_the_answers_of_a_real_job(real_data: Path) -> None:
    folder = real_data / "labeling-output/birds-open-images-clone/annotations/worker-response"
    place = "s3://b/birds/annotations/worker-response"
    answers = found = 0
    for file in sorted(folder.rglob("*.json")):
        result = parse(file.read_bytes(), f"{place}/{file.relative_to(folder).as_posix()}")
        answers += len(result.answers)
        found += len(result.annotations)
        assert [row["label"] for row in result.answers] == [row["category"] for row in result.annotations]
        assert [row["worker_id"] for row in result.answers] == [row["worker_id"] for row in result.annotations]
        assert {row["worker_pseudonym"] for row in result.annotations} == {None}
    assert (answers, found) == (1510, 1510)


def test_an_answer_without_a_time_is_at_the_units_time() -> None:
    result = parse(document(answer(submissionTime=...)))
    assert [row["event_at"] for row in result.annotations] == [UNIT_AT]


def test_the_lists_of_an_element_may_stand_in_no_part() -> None:
    others = SIZE | {"lines": ["of", "text"], "tags": [BOX]}
    found = annotations({"boundingBoxes": [BOX]} | others)
    assert found[0] == BOX_SAID
    assert json.loads(found[1]["annotation_json"]) == others


def test_several_elements_of_one_form_are_numbered_through() -> None:
    content = {
        "a": ELEMENTS["crowd-bounding-box"][0],
        "b": ELEMENTS["crowd-entity-annotation"][0],
        "c": {"label": "x"},
    }
    assert [row["geometry_type"] for row in annotations(content)] == ["box", "box", "span", "class"]


def test_what_a_worker_said_beside_a_class_is_kept() -> None:
    part = {"label": "other", "comment": "A bat?"}
    (found,) = annotations({"crowd-image-classifier": part})
    assert json.loads(found.pop("annotation_json")) == part
    assert found == {"geometry_type": "class", "category": "other"}


def test_whether_a_box_was_changed_is_no_reason_to_keep_it_twice() -> None:
    assert annotations({"boxes": {"boundingBoxes": [BOX], "initialValueModified": True} | SIZE}) == [BOX_SAID]


@pytest.mark.parametrize(
    "content",
    [
        {"transcription": "use lambda"},
        {"AWS/Rekognition/DetectModerationLabels/Image/V3": {"moderationLabels": [{"name": "Suggestive"}]}},
        {"form": {"q1": {"on": True}, "q2": 4}, "notes": ["a", 1, None]},
        {"note": '["just", "text"]', "number": 7, "nothing": None},
        {"broken": '{"boundingBoxes": [', "infinite": '{"label": 1e999}'},
    ],
)
def test_a_custom_form_is_one_annotation_with_its_parts(content: dict[str, Any]) -> None:
    (found,) = annotations(content)
    assert json.loads(found.pop("annotation_json")) == content
    assert found == {"geometry_type": "custom"}


def test_a_comment_beside_boxes_is_an_annotation_of_its_own() -> None:
    found = annotations({"boxes": {"boundingBoxes": [BOX]}, "comment": "Dark."})
    assert found == [BOX_SAID, {"geometry_type": "custom", "annotation_json": '{"comment":"Dark."}'}]


@pytest.mark.parametrize(
    "content", [{}, {"c": {}}, {"c": {"label": ""}}, {"c": {"label": None}}, {"c": {"labels": []}}]
)
def test_an_answer_without_a_choice_has_no_annotation(content: dict[str, Any]) -> None:
    assert annotations(content) == []


@pytest.mark.parametrize(
    ("content", "reasons"),
    [
        ({"boundingBoxes": [BOX, {"label": "Dog"}, BOX]}, [("0/1", "left is missing")]),
        ({"boundingBoxes": [BOX, 5, BOX]}, [("0/1", "one of boundingBoxes is a number, not an object")]),
        ({"polygons": [{"label": "dog", "vertices": [{}]}]}, [("0/0", "x is missing")]),
        ({"polygons": "many"}, [("0/0", "polygons is text, not a list")]),
        ({"entities": [{"startOffset": "0", "endOffset": 1}]}, [("0/0", "start_offset is text, not a number")]),
        ({"labels": ["a", 5, "b"]}, [("0/1", "a label is a number, not text")]),
        ({"labelMappings": {"Bird": {}}}, [("0/0", "the colour of a class is null, not text")]),
        ({"labelMappings": {"Bird": {"color": "green"}}}, [("0/0", "a colour is not written as #rrggbb")]),
        ({"instances": [{"label": "Cat"}]}, [("0/0", "color is missing")]),
    ],
)
def test_an_unusable_thing_is_quarantined_alone(content: dict[str, Any], reasons: list[tuple[str, str]]) -> None:
    result = answered({"part": content})
    assert result.reasons == reasons
    assert all(not row["is_encrypted"] for row in result.quarantined)
    bad = {position for position, _ in reasons}
    assert not bad & {row["position"] for row in result.annotations}


# --- sequences


def frames_of(result: Result) -> list[tuple[Any, ...]]:
    names = ("position", "frame_number", "sensor_name", "frame_name", "attributes", "annotation_count")
    return [tuple(row[name] for name in names) for row in result.frames]


@pytest.mark.parametrize("frame", FRAMES, ids=["as consolidated", "as answered"])
@pytest.mark.parametrize(
    "as_entries", [list, lambda frames: {str(n): each for n, each in enumerate(frames)}, json.dumps]
)
def test_the_frames_of_a_video(frame: dict[str, Any], as_entries: Any) -> None:
    empty = {"frame-no": 8, "frame": "frame_0008.jpeg", "annotations": []}
    content = {"trackingAnnotations": {"frameData": {"entries": as_entries([frame, empty])}}}
    assert annotations(content) == [FRAMED]
    attributes = {"blurry": "no", "players": "11"}
    result = answered(content)
    assert frames_of(result) == [
        ("0/frame/0", 7, None, "frame_0007.jpeg", attributes, 1),
        ("0/frame/1", 8, None, "frame_0008.jpeg", None, 0),
    ]
    known = {name: value for name, value in OWNER.items() if name in EMPTY_FRAME}
    assert known.items() <= result.frames[0].items()


def test_the_cuboids_of_a_point_cloud() -> None:
    cuboid = {
        "objectName": "Car:1",
        "label": "Car",
        "centerX": 1,
        "centerY": 2,
        "centerZ": 3,
        "length": 4,
        "width": 5,
        "height": 6,
        "roll": 0,
        "pitch": 0,
        "yaw": 0.5,
    }
    frame = {"frameNumber": 0, "frameName": "0.pcd", "boundingCuboids": [cuboid], "frameAttributes": {}}
    (found,) = annotations({"trackingAnnotations": {"frameData": {"entries": [frame]}}})
    assert (found["geometry_type"], found["category"], found["object_name"]) == ("cuboid", "Car", "Car:1")
    assert [found[name] for name in ("center_x", "center_y", "center_z", "yaw_radians")] == [1.0, 2.0, 3.0, 0.5]


def test_several_sensors() -> None:
    content = {
        "t": {"lidar": {"frameData": {"entries": [FRAMES[0]]}}, "camera-0": {"frameData": {"entries": [FRAMES[1]]}}}
    }
    assert annotations(content) == [FRAMED | {"sensor_name": "lidar"}, FRAMED | {"sensor_name": "camera-0"}]
    assert [frame[:3] for frame in frames_of(answered(content))] == [
        ("0/frame/0", 7, "lidar"),
        ("0/frame/1", 7, "camera-0"),
    ]


def test_a_sequence_without_frames() -> None:
    result = answered({"trackingAnnotations": {"frameData": {"entries": []}}})
    assert (result.frames, result.annotations, result.reasons) == ([], [], [])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frame-no": "seven"}, "the frame's number is no whole number from 0"),
        ({"frame-no": -1}, "the frame's number is no whole number from 0"),
        ({"frame-no": 2**31}, "the frame's number is no whole number from 0"),
        ({"frame-no": True}, "the frame's number is no whole number from 0"),
        ({"frame": 5}, "the frame's name is a number, not text"),
        ({"frame-attributes": [1]}, "frame-attributes is a list, not an object"),
    ],
)
def test_an_unusable_frame_is_quarantined_alone(change: dict[str, Any], words: str) -> None:
    result = answered({"t": {"frameData": {"entries": [FRAMES[0] | change, FRAMES[1], 5]}}})
    assert result.reasons == [("0/frame/0", words), ("0/frame/2", "the frame is a number, not an object")]
    assert [row["position"] for row in result.frames] == ["0/frame/1"]
    assert len(result.annotations) == 1


def test_an_unusable_annotation_counts_in_its_frame() -> None:
    frame = FRAMES[0] | {"annotations": [FRAMES[0]["annotations"][0], {"left": "x"}]}
    result = answered({"t": {"frameData": {"entries": [frame]}}})
    assert result.reasons == [("0/1", "left is text, not a number")]
    assert [row["annotation_count"] for row in result.frames] == [2]


# --- identities


def test_nobody_is_named_in_annotations() -> None:
    hidden = json.dumps({"labels": ["sent by " + EMAIL.replace("example", "\\u0065xample")]}).replace("\\\\", "\\")
    content = {
        "named": {"boundingBoxes": [BOX | {"label": EMAIL, "objectName": f"of {SUB}", "extra": SUB}]},
        "escaped": hidden,
        "custom": [EMAIL, SUB],
    }
    result = answered(content)
    assert len(result.annotations) == 3
    for row in result.annotations:
        assert EMAIL not in str(row)
        assert SUB not in str(row)
    assert result.annotations[1]["category"] == f"sent by {IDENTITIES.pseudonym(EMAIL)}"
