"""Labels in files of their own, custom ones and those of unknown types; and whose an annotation is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from labelhouse.sources.labeling.shapes import EMPTY
from labeling_units import EMAIL, IDENTITIES, MANIFEST, UNIT_AT, line, manifest, parse
from labelled_lines import BOX, BOX_SAID, OWNER, annotations, labelled, said

COLORS = {
    "0": {"class-name": "BACKGROUND", "hex-color": "#ffffff", "confidence": 0},
    "1": {"class-name": "road", "hex-color": "#F28333", "confidence": 0.9},
}

# --- segmentations and sequences


@pytest.mark.parametrize(
    ("task_type", "key", "kind", "frames"),
    [
        ("semantic-segmentation", "internal_color_map", "mask", 0),
        ("point_cloud_single_frame_semantic_segmentation", "color_map", "point_class", 1),
    ],
)
def test_a_segmentation_has_a_class_for_each_colour(task_type: str, key: str, kind: str, frames: int) -> None:
    reference = "s3://out/job/annotations/consolidated-annotation/output/0_2024.png"
    result = labelled(reference, task_type, key="it-ref", **{key: COLORS})
    assert result.reasons == []
    assert [said(row, number, {**EMPTY, **OWNER}) for number, row in enumerate(result.annotations)] == [
        {
            "geometry_type": kind,
            "class_id": "0",
            "category": "BACKGROUND",
            "mask_ref": reference,
            "mask_color": "#ffffff",
        },
        {
            "geometry_type": kind,
            "class_id": "1",
            "category": "road",
            "mask_ref": reference,
            "mask_color": "#f28333",
            "confidence_ratio": 0.9,
        },
    ]
    assert [row["annotation_count"] for row in result.frames] == [2] * frames


@pytest.mark.parametrize(
    ("colors", "reasons"),
    [
        ([], [("0/it/0", "internal-color-map is a list, not an object")]),
        ({"0": "red"}, [("0/it/0", "a class of internal-color-map is text, not an object")]),
        ({"0": {"hex-color": "red"}}, [("0/it/0", "a colour is not written as #rrggbb")]),
        ({"0": {"class-name": 5}}, [("0/it/0", "class-name or hex-color in internal-color-map is not text")]),
    ],
)
def test_an_unusable_colour_is_quarantined(colors: Any, reasons: list[tuple[str, str]]) -> None:
    result = labelled("s3://m/1.png", "semantic-segmentation", key="it-ref", internal_color_map=colors)
    assert (result.annotations, result.reasons) == ([], reasons)


@pytest.mark.parametrize(
    ("task_type", "kind"), [("semantic-segmentation", "mask"), ("point_cloud_x_segmentation", "point_class")]
)
def test_a_segmentation_without_colours_is_one_annotation(task_type: str, kind: str) -> None:
    assert annotations("s3://m/1.png", task_type, key="it-ref") == [{"geometry_type": kind, "mask_ref": "s3://m/1.png"}]


@pytest.mark.parametrize(
    ("task_type", "reference"),
    [
        ("video-object-detection", "s3://b/SeqLabel.json"),
        ("video-object-tracking", "s3://b/x"),
        ("point_cloud_object_tracking", "s3://b/0/SeqLabel.json"),
        ("not-yet-invented", "s3://b/0/SeqLabel.json"),
    ],
)
def test_the_labels_of_a_sequence_are_in_its_own_file(task_type: str, reference: str) -> None:
    result = labelled(reference, task_type, key="it-ref", class_map={"0": "car"})
    assert (result.annotations, result.frames, result.reasons) == ([], [], [])
    assert result.entries[0]["label_ref"] == reference


# --- custom and unknown


@pytest.mark.parametrize("task_type", ["groundtruth/custom", "groundTruth/custom"])
@pytest.mark.parametrize("label", [{}, {"annotation-ref": "s3://b/x.json"}, [1], "word", 7, {"annotations": [BOX]}])
def test_a_custom_label_is_kept_whole(task_type: str, label: Any) -> None:
    (found,) = annotations(label, "custom", type=task_type)
    assert found == {"geometry_type": "custom", "annotation_json": found["annotation_json"]}
    assert json.loads(found["annotation_json"]) == label


def test_a_custom_job_without_consolidation() -> None:
    metadata = {"job_name": "texts", "type": "groundTruth/custom", "creation_date": "2021-03-08T23:06:49.111000"}
    result = parse(manifest([{"source": "The train is late.", "it": {}, "it-metadata": metadata}]), MANIFEST)
    (row,) = result.annotations
    assert (row["labeling_job_name"], row["geometry_type"], row["annotation_json"]) == ("texts", "custom", "{}")
    assert row["event_at"] == result.entries[0]["labeled_at"]


@pytest.mark.parametrize("label", [{"transcription": "words"}, {"a": [BOX]}])
def test_an_unknown_shape_is_kept_whole(label: Any) -> None:
    (found,) = annotations(label, "not-yet-invented")
    assert found["geometry_type"] == "custom"
    assert json.loads(found["annotation_json"]) == label


def test_an_unknown_thing_says_where_it_was_held() -> None:
    thing = {"class_id": 2, "radius": 5}
    (found,) = annotations({"annotations": [thing]}, "circles")
    assert json.loads(found.pop("annotation_json")) == thing
    assert found == {"geometry_type": "annotations", "class_id": "2"}


def test_an_unknown_label_in_a_file_of_its_own() -> None:
    assert annotations("s3://b/new.bin", "not-yet-invented", key="it-ref") == [
        {"geometry_type": "custom", "annotation_json": '"s3://b/new.bin"'}
    ]


@pytest.mark.parametrize("wraps", [1, 2])
def test_a_label_that_is_json_inside_json_is_opened(wraps: int) -> None:
    label: Any = {"annotations": [BOX]}
    for _ in range(wraps):
        label = json.dumps(label)
    assert annotations(label, "object-detection") == [BOX_SAID]


@pytest.mark.parametrize("label", ['{"annotations": ', "[1, 2", '{"a": 1e999}', "[NaN]"])
def test_text_that_is_no_json_is_a_class(label: str) -> None:
    assert annotations(label, "text-classification") == [{"geometry_type": "class", "class_id": label}]


# --- whose they are


def test_failed_and_unlabelled_objects_have_no_annotations() -> None:
    failed = {"it-metadata": {"retry-count": 1, "failure-reason": "expired", "human-annotated": "true"}}
    unlabelled = {"source-ref": "s3://i/1.jpg", "it-metadata": {"job-name": "things"}}
    result = parse(
        manifest([failed, failed | {"it": {"annotations": [BOX]}}, unlabelled, {"source-ref": "x"}]), MANIFEST
    )
    assert result.counts == {"read": 4, "loaded": 3, "quarantined": 0, "filtered": 1}
    assert (result.annotations, result.frames) == ([], [])


def test_annotations_of_every_job_of_a_chained_line() -> None:
    chained = line() | {
        "boxes": {"annotations": [BOX]},
        "boxes-metadata": {"job-name": "first", "type": "groundtruth/object-detection"},
        "boxes-checked": {"annotations": [BOX, BOX]},
        "boxes-checked-metadata": {"job-name": "second", "adjustment-status": "adjusted"},
    }
    found = [
        (row["position"], row["labeling_job_name"], row["label_attribute_name"], row["event_at"] == UNIT_AT)
        for row in parse(manifest([chained]), MANIFEST).annotations
    ]
    assert found == [
        ("0/pet/0", "pets", "pet", False),
        ("0/boxes/0", "first", "boxes", True),
        ("0/boxes-checked/0", "second", "boxes-checked", True),
        ("0/boxes-checked/1", "second", "boxes-checked", True),
    ]


def test_labels_of_machines_are_annotations_too() -> None:
    result = labelled(0, "image-classification", class_name="cat", human_annotated="no")
    assert (result.entries[0]["is_human_annotated"], len(result.annotations)) == (False, 1)


def test_no_address_gets_into_an_annotation() -> None:
    label = {"polygons": [], "annotations": [BOX | {"label-category-attributes": {EMAIL: EMAIL}, "label": EMAIL}]}
    (row,) = labelled(label, "object-detection").annotations
    pseudonym = IDENTITIES.pseudonym(EMAIL)
    assert (row["attributes"], row["category"]) == ({pseudonym: pseudonym}, pseudonym)


# --- objects of streaming jobs


@pytest.mark.parametrize(
    ("keys", "object_id"),
    [
        ({"dataset-objectid-attribute-name": "key", "key": "UniqueId"}, "UniqueId"),
        ({"dataset-objectid-attribute-name": "key", "key": 17}, "17"),
        ({"dataset-objectid-attribute-name": "source-ref"}, "s3://images/1.jpg"),
        ({"dataset-objectid-attribute-name": "$pet-object-id", "$pet-object-id": "5c1"}, "5c1"),
        ({"dataset-objectid-attribute-name": None}, "0"),
    ],
)
def test_objects_of_streaming_jobs_have_ids_of_their_own(keys: dict[str, Any], object_id: str) -> None:
    result = parse(manifest([line() | keys]), MANIFEST)
    assert result.reasons == []
    assert [row["dataset_object_id"] for row in (*result.entries, *result.annotations)] == [object_id] * 2
    assert result.annotations[0]["position"] == "0/pet/0"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"dataset-objectid-attribute-name": 5}, "dataset-objectid-attribute-name is a number, not text"),
        (
            {"dataset-objectid-attribute-name": "key"},
            "the line does not have the object's own key that it names",
        ),
        (
            {"dataset-objectid-attribute-name": "key", "key": ["a"]},
            "the object's own key is a list, not a number or text",
        ),
    ],
)
def test_an_object_without_a_usable_id_has_the_number_of_its_line(keys: dict[str, Any], words: str) -> None:
    result = parse(manifest([line() | keys]), MANIFEST)
    assert result.counts["loaded"] == 1
    assert result.entries[0]["dataset_object_id"] == "0"
    assert result.reasons == [("0/dataset-objectid-attribute-name", words)]


# --- real ones


def test_the_boxes_of_a_real_adjustment_job(real_data: Path) -> None:
    result = parse((real_data / "manifests" / "bounding-box-adjustment.manifest").read_bytes(), MANIFEST)
    boxes = result.annotations
    assert (len(result.entries), len(boxes), len({row["position"] for row in boxes})) == (50, 600, 600)
    assert {row["geometry_type"] for row in boxes} == {"box"}
    assert sum(bool(row["is_adjusted"]) for row in result.entries) == 20
    names = {row["dataset_object_id"]: row["class_map"] for row in result.entries}
    assert all(box["class_id"] in names[box["dataset_object_id"]] for box in boxes)
    assert all(min(box["width_px"], box["height_px"]) > 0 <= min(box["left_px"], box["top_px"]) for box in boxes)
    assert {box["confidence_ratio"] for box in boxes} == {None}, "one worker labelled each"
    assert {box["annotation_json"] for box in boxes} == {None}, "columns hold all of them"


def test_the_mask_of_a_real_segmentation_job(real_data: Path) -> None:
    result = parse((real_data / "manifests" / "output.manifest").read_bytes(), MANIFEST)
    found = [(row["geometry_type"], row["class_id"], row["category"], row["mask_color"]) for row in result.annotations]
    assert found == [
        ("mask", "0", "BACKGROUND", "#ffffff"),
        ("mask", "1", "IC", "#2ca02c"),
        ("mask", "2", "resistor1", "#1f77b4"),
        ("mask", "3", "resistor2", "#ff7f0e"),
    ]
    assert {row["mask_ref"] for row in result.annotations} == {result.entries[0]["label_ref"]} != {None}
