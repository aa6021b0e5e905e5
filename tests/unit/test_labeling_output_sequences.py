"""Sequence files become one row per frame, the empty ones too, and one per annotation, whatever the task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from copied_records import no_clients
from labelhouse.extraction import LoadSummary, extract
from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings
from labelhouse.sources import Window
from labelhouse.sources.labeling import regular_frames, sequences
from labeling_units import (
    EMAIL,
    IDENTITIES,
    SEQUENCE,
    UNIT_AT,
    Result,
    box,
    cuboid,
    frame,
    gzipped,
    parse,
    parse_all,
    sequence,
)

#: Columns of an annotation that a sequence never fills.
NEVER = dict.fromkeys(
    [
        *("label_attribute_name", "iteration_number", "worker_id", "worker_pseudonym", "start_offset", "end_offset"),
        *("mask_ref", "mask_color", "confidence_ratio", "answer_folder"),
    ]
)
CUBOID_COLUMNS = [
    *("center_x", "center_y", "center_z", "cuboid_length", "cuboid_width", "cuboid_height"),
    *("roll_radians", "pitch_radians", "yaw_radians"),
]
BOX_COLUMNS = ("left_px", "top_px", "width_px", "height_px")


def parsed(*frames: Any, name: str = "tracking-annotations") -> Result:
    """What a sequence of good frames gives."""
    result = parse(sequence(*frames, name=name), SEQUENCE)
    assert result.reasons == []
    assert result.counts == {"read": len(frames), "loaded": len(frames), "quarantined": 0, "filtered": 0}
    return result


def test_a_tracked_box() -> None:
    result = parsed(frame("7", box(), **{"frame-attributes": {"weather": "rain", "lanes": 3}}))
    assert result.frames == [
        {
            "position": "0",
            "event_at": UNIT_AT,
            "labeling_job_name": "Pets",
            "dataset_object_id": "17",
            "label_attribute_name": None,
            "is_consolidated": True,
            "iteration_number": None,
            "worker_id": None,
            "worker_pseudonym": None,
            "frame_number": 7,
            "sensor_name": None,
            "frame_name": "7.jpg",
            "attributes": {"weather": "rain", "lanes": "3"},
            "annotation_count": 1,
            "answer_folder": None,
        }
    ]
    assert result.annotations == [
        NEVER
        | dict.fromkeys(CUBOID_COLUMNS)
        | {
            "position": "0/0",
            "event_at": UNIT_AT,
            "labeling_job_name": "Pets",
            "dataset_object_id": "17",
            "is_consolidated": True,
            "frame_number": 7,
            "sensor_name": None,
            "geometry_type": "box",
            "class_id": "2",
            "category": None,
            "object_id": "d79cf040-8bff-11eb-8880-038cb4c55326",
            "object_name": "Vehicle:1",
            "left_px": 952.0,
            "top_px": 545.0,
            "width_px": 83.5,
            "height_px": 66.0,
            "points": None,
            "attributes": {"Color": "Green"},
            "annotation_json": None,
        }
    ]


def test_a_tracked_cuboid() -> None:
    told = {"frame-no": ..., "frame": ..., "frame-number": 3, "frame-name": "3.txt.pcd"}
    result = parsed(frame(0, cuboid(), **told))
    (row,) = result.annotations
    assert [row[name] for name in CUBOID_COLUMNS] == [12.17, 120.2, -1.5, 4.0, 2.0, 2.08, 0.0, 0.0, -1.6]
    assert [row[name] for name in BOX_COLUMNS] == [None] * 4
    assert (row["geometry_type"], row["class_id"], row["object_name"]) == ("cuboid", "0", "Car:1")
    assert (row["frame_number"], result.frames[0]["frame_name"]) == (3, "3.txt.pcd")


@pytest.mark.parametrize(
    ("key", "thing", "geometry_type", "points"),
    [
        ("polygons", {"vertices": [{"x": 1, "y": 2}, {"x": 3.5, "y": 4}]}, "polygon", [1.0, 2.0, 3.5, 4.0]),
        ("polylines", {"vertices": [{"x": 1, "y": 2}, {"x": 3, "y": 4}]}, "polyline", [1.0, 2.0, 3.0, 4.0]),
        ("keypoints", {"x": 5, "y": 6.5}, "keypoint", [5.0, 6.5]),
    ],
)
def test_frames_hold_other_things_than_boxes(key: str, thing: Any, geometry_type: str, points: list[float]) -> None:
    told = {"class-id": 1, "object-id": "o", "object-name": "lane:1", "label-category-attributes": {"dashed": True}}
    result = parsed({"frame-no": 0, key: [told | thing, told | thing]})
    assert [row["position"] for row in result.annotations] == ["0/0", "0/1"]
    for row in result.annotations:
        assert (row["geometry_type"], row["points"], row["class_id"]) == (geometry_type, points, "1")
        assert (row["object_id"], row["object_name"], row["attributes"]) == ("o", "lane:1", {"dashed": "true"})
        assert row["annotation_json"] is None
    assert result.frames[0]["annotation_count"] == 2


def test_a_frame_may_hold_several_kinds_of_things() -> None:
    result = parsed(frame(0, box(), cuboid(), keypoints=[{"x": 1, "y": 2}]))
    assert [(row["position"], row["geometry_type"]) for row in result.annotations] == [
        ("0/0", "box"),
        ("0/1", "cuboid"),
        ("0/2", "keypoint"),
    ]
    assert result.frames[0]["annotation_count"] == 3


def test_empty_frames_are_frames() -> None:
    result = parsed(
        frame(0), frame(1, box()), {"frame-no": "2", "frame": "2.jpg"}, {"frame-no": 3, "annotations": None}
    )
    assert [(row["frame_number"], row["annotation_count"]) for row in result.frames] == [(0, 0), (1, 1), (2, 0), (3, 0)]
    assert [row["position"] for row in result.annotations] == ["1/0"]


def test_a_sequence_without_frames_is_no_record() -> None:
    assert parse(sequence(), SEQUENCE).counts["read"] == 0


@pytest.mark.parametrize("name", ["tracking-annotations", "detection-annotations", "pose_annotations"])
def test_the_list_is_named_after_the_task(name: str) -> None:
    assert len(parsed(frame(0, box(object_id=..., object_name=...)), name=name).annotations) == 1


def test_sensors_of_a_sequence_are_numbered_through() -> None:
    document = {
        "version": {"number": 1},
        "lidar": {"tracking-annotations": [frame(0, cuboid(), cuboid()), frame(1)]},
        "camera-0": {"tracking-annotations": [frame("0", box())]},
    }
    result = parse(json.dumps(document).encode(), SEQUENCE)
    assert result.reasons == []
    assert [(row["position"], row["sensor_name"], row["frame_number"]) for row in result.frames] == [
        ("0", "lidar", 0),
        ("1", "lidar", 1),
        ("2", "camera-0", 0),
    ]
    assert [(row["position"], row["sensor_name"], row["geometry_type"]) for row in result.annotations] == [
        ("0/0", "lidar", "cuboid"),
        ("0/1", "lidar", "cuboid"),
        ("2/0", "camera-0", "box"),
    ]


@pytest.mark.parametrize(
    ("captured", "number"), [("0", 0), (7, 7), ("0007", 7), (2**31 - 1, 2**31 - 1), (None, None), (..., None)]
)
def test_numbers_of_frames(captured: Any, number: int | None) -> None:
    result = parsed(frame(captured, box()))
    assert result.frames[0]["frame_number"] == number
    assert result.annotations[0]["frame_number"] == number


@pytest.mark.parametrize(("captured", "class_id"), [("2", "2"), (2, "2"), ("car", "car"), (None, None), (..., None)])
def test_class_ids(captured: Any, class_id: str | None) -> None:
    assert parsed(frame(0, box(class_id=captured))).annotations[0]["class_id"] == class_id


def test_class_ids_may_be_spelt_otherwise() -> None:
    (row,) = parsed(frame(0, {key.replace("-", "_"): value for key, value in box().items()})).annotations
    assert (row["class_id"], row["object_name"], row["attributes"]) == ("2", "Vehicle:1", {"Color": "Green"})


def test_attributes_have_any_names_and_types() -> None:
    names = {"设备 ": "שלום", "a'; --": "<b>", "": "", "n": 1.5, "l": ["x", 2], "b": False, "o": {"p": None}, "z": None}
    result = parsed(frame(0, box(label_category_attributes=names)))
    assert result.annotations[0]["attributes"] == {
        "设备 ": "שלום",
        "a'; --": "<b>",
        "": "",
        "n": "1.5",
        "l": '["x",2]',
        "b": "false",
        "o": '{"p":null}',
        "z": None,
    }


@pytest.mark.parametrize("captured", [{}, None, ...])
def test_no_attributes_are_null(captured: Any) -> None:
    changes = {"label-category-attributes": captured}
    result = parsed(frame(0, box(**changes), frame_attributes=captured))
    assert result.annotations[0]["attributes"] is None
    assert result.frames[0]["attributes"] is None


@pytest.mark.parametrize(
    "text", ["设备 ", "\u200b\u202eabc", "e\u0301", "é", "🚗", "=1+1", "'; drop table x", "<script>"]
)
def test_names_round_trip(text: str) -> None:
    document = {text: {"tracking-annotations": [frame(0, box(object_name=text, class_id=text), frame=text)]}}
    for data in (json.dumps(document), json.dumps(document, ensure_ascii=False)):
        result = parse(data.encode(), SEQUENCE)
        (row,) = result.annotations
        assert (row["object_name"], row["class_id"], row["sensor_name"]) == (text,) * 3
        assert result.frames[0]["frame_name"] == text


def test_unknown_fields_are_kept() -> None:
    thing = box(speed=3.5, history=[1])
    result = parsed(frame(0, box(), thing, **{"unix-timestamp": 1.5, "ego": {"x": 1}, "tags": ["a"]}))
    assert result.annotations[0]["annotation_json"] is None
    assert json.loads(result.annotations[1]["annotation_json"]) == thing
    assert result.annotations[1]["left_px"] == 952.0
    assert result.frames[0]["attributes"] == {"unix-timestamp": "1.5", "ego": '{"x":1}', "tags": '["a"]'}


def test_an_unknown_geometry_is_named_after_its_list() -> None:
    circle = {"class-id": "3", "radius": 4, "object-name": "wheel"}
    (row,) = parsed({"frame-no": 0, "circles": [circle]}).annotations
    assert (row["geometry_type"], row["class_id"], row["object_name"]) == ("circles", "3", "wheel")
    assert json.loads(row["annotation_json"]) == circle


def test_of_repeated_keys_the_last_counts() -> None:
    text = (
        sequence(frame(0, box()))
        .replace(b'"left": 952', b'"left": 1, "left": 2')
        .replace(b'"frame-no": 0', b'"frame-no": 0, "frame-no": "5"')
    )
    result = parse(text, SEQUENCE)
    assert (result.annotations[0]["left_px"], result.frames[0]["frame_number"]) == (2.0, 5)


@pytest.mark.parametrize("pack", [gzipped, lambda text: b"\xef\xbb\xbf" + text])
def test_files_may_be_packed_or_marked(pack: Any) -> None:
    assert parse(pack(sequence(frame(0, box()))), SEQUENCE).annotations == parsed(frame(0, box())).annotations


@pytest.mark.parametrize("things", [(box(),), (box(), {"circle": 1})])
def test_addresses_become_pseudonyms(things: tuple[Any, ...]) -> None:
    """Through columns, and one by one."""
    told = {"frame": EMAIL, "frame-attributes": {"by": f"for {EMAIL}"}}
    attributes = {EMAIL: [EMAIL], "who": EMAIL}
    named = box(object_name=f"{EMAIL}:1", object_id=EMAIL, class_id=EMAIL, label_category_attributes=attributes)
    result = parse(json.dumps({EMAIL: {"x-annotations": [frame(0, named, *things, **told)]}}).encode(), SEQUENCE)
    assert result.reasons == []
    pseudonym = IDENTITIES.pseudonym(EMAIL)
    row = result.annotations[0]
    assert (row["object_id"], row["class_id"], row["sensor_name"]) == (pseudonym,) * 3
    assert row["object_name"] == f"{pseudonym}:1"
    assert row["attributes"] == {pseudonym: f'["{pseudonym}"]', "who": pseudonym}
    assert result.frames[0]["frame_name"] == pseudonym
    assert result.frames[0]["attributes"] == {"by": f"for {pseudonym}"}


def test_small_files_are_loaded_together() -> None:
    units = [(SEQUENCE.replace("/17/", f"/{number}/"), sequence(frame(number, box()))) for number in range(100, 150)]
    units.insert(7, (SEQUENCE, b"{"))
    results = parse_all(units)
    assert results.pop(SEQUENCE).counts["quarantined"] == 1
    for number, result in enumerate(results.values(), 100):
        assert [row["frame_number"] for row in result.annotations] == [number]
        assert [row["dataset_object_id"] for row in result.frames] == [str(number)]
        assert result.counts["loaded"] == 1
        assert result.chunks <= 2


def test_large_files_are_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [frame(number, *[box(left=place) for place in range(number % 4)]) for number in range(1000)]
    frames[500]["annotations"].append(box(speed=1))
    whole = parsed(*frames)
    monkeypatch.setattr(sequences, "PIECE_BYTES", 1000)
    monkeypatch.setattr(regular_frames, "PIECE_BYTES", 1000)
    pieces = parsed(*frames)
    assert pieces.chunks > 100
    assert pieces.frames == whole.frames
    assert pieces.annotations == whole.annotations


def test_many_annotations_of_a_frame_come_in_chunks() -> None:
    count = 2 * sequences.CHUNK_ROWS + 1
    result = parsed({"frame-no": 0, "keypoints": [{"x": 1, "y": 2}] * count})
    assert [row["position"] for row in result.annotations] == [f"0/{place}" for place in range(count)]
    assert result.chunks > 2


def test_the_real_sequence_loads_whole(real_data: Path) -> None:
    folder = real_data / "labeling-output/vehicle-tracking/annotations/consolidated-annotation/output/0"
    result = parse((folder / "SeqLabel.json").read_bytes(), SEQUENCE)
    assert result.counts == {"read": 300, "loaded": 300, "quarantined": 0, "filtered": 0}
    assert [row["frame_number"] for row in result.frames] == list(range(300))
    assert len(result.annotations) == 890
    assert len({row["object_id"] for row in result.annotations}) == 3
    assert {row["class_id"] for row in result.annotations} == {"2"}
    assert {*(key for row in result.annotations for key in row["attributes"] or {})} == {"Color"}
    assert sum(row["annotation_count"] for row in result.frames) == 890


def test_sequences_in_the_lake(tmp_path: Path) -> None:
    """Small files of one load, one of them a copy, one with something odd; and the same again."""
    output = "annotations/consolidated-annotation/output"
    files = {
        f"a/Cars/{output}/0/SeqLabel.json": sequence(frame(0, box(), box()), frame(1)),
        f"a/Cars/{output}/1/SeqLabel.json": sequence(frame(0, box()), frame(1, box(speed=1), box(left=None)), "odd"),
        f"copy/Cars/{output}/0/SeqLabel.json": sequence(frame(0, box(), box()), frame(1)),
        f"a/Cars/{output}/2/SeqLabel.json": sequence(),
        f"a/Cars/{output}/3/SeqLabel.json": b"{",
    }
    for name, data in files.items():
        path = tmp_path / "out" / name
        path.parent.mkdir(parents=True)
        path.write_bytes(data)
    settings = load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)

    def load() -> LoadSummary:
        return extract(settings, "labeling_output", Window(), no_clients, uri=str(tmp_path / "out"))

    def rows(table: str) -> list[tuple[str, str]]:
        found = Lake(settings).raw(table).scan(selected_fields=("unit_uri", "position")).to_arrow().to_pylist()
        return sorted((row["unit_uri"].rpartition("/out/")[2].split("/")[5], row["position"]) for row in found)

    summary = load()
    assert summary.unit_count == 5
    assert (summary.records_read, summary.records_loaded, summary.records_duplicate) == (8, 4, 2)
    assert summary.records_quarantined == 2
    assert rows("frames") == [("0", "0"), ("0", "1"), ("1", "0"), ("1", "1")]
    assert rows("annotations") == [("0", "0/0"), ("0", "0/1"), ("1", "0/0"), ("1", "1/0")]
    assert rows("quarantine") == [("1", "1/1"), ("1", "2"), ("3", "0")]
    assert load().unit_count == 0
