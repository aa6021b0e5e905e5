"""The demo's labels that are drawn, marked or verified: AWS's layout, jobs that follow others, and what was planted."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import takewhile
from math import hypot
from typing import Any

import pytest

from labelhouse.demo import delivery_notes, road_clips, street_parts, yard
from labelhouse.demo.crafts import next_shift
from labelhouse.demo.jobs import PROGRAMME, REJECTS_MOST
from labelhouse.demo.people import team
from labelhouse.demo.places import BUCKET, INPUT_PATH, OUTPUT_PATH
from labelhouse.demo.workforce import story
from labelhouse.demo.world import HISTORY, Write

START = datetime(2026, 3, 4, 9, tzinfo=UTC)  # a Wednesday
#: Worlds that begin on other days of the week, too: who has a day off differs.
WORLDS = ((7, START), (8, START + timedelta(days=2, hours=7)), (2026, START + timedelta(days=4, hours=-8)))
each_world = pytest.mark.parametrize("world", WORLDS, ids=lambda world: f"{world[0]} from {world[1]:%a}")
TRACKING, AUDIT = "Road-Clips-Tracking-01", "Road-Clips-Tracking-Audit-01"
PARTS, NOTES = "Street-Parts-Segmentation-01", "Delivery-Notes-Entities-01"
LIDAR, CHECK = "Yard-Lidar-Tracking-01", "Road-Boxes-Verification-01"
ANSWER_KEY = re.compile(r"(?P<job>[^/]+)/annotations/worker-response/iteration-1/(?P<object>\d+)/[^/]+\.json")
World = tuple[int, datetime]


@dataclass
class Output:
    """What Ground Truth has written of one job after two weeks."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)

    def frames(self, index: int, attribute: str) -> list[dict[str, Any]]:
        """The frames of an object, from the file that its line names."""
        uri = self.lines[index][attribute]
        found = json.loads(self.files[uri.removeprefix(f"s3://{BUCKET}/{OUTPUT_PATH}/")])
        assert list(found) == ["tracking-annotations"]
        return list(found["tracking-annotations"])


@cache
def written(world: World) -> dict[str, bytes]:
    """Key → what it holds after two weeks."""
    seed, start = world
    told = takewhile(lambda each: each.at < start + HISTORY, story(seed, start))
    return {each.key: each.body for each in told if isinstance(each, Write)}


@cache
def outputs(world: World) -> dict[str, Output]:
    """Job → its output."""
    found: dict[str, Output] = defaultdict(Output)
    for key, body in written(world).items():
        if not key.startswith(f"{OUTPUT_PATH}/"):
            continue
        name = key.removeprefix(f"{OUTPUT_PATH}/")
        output = found[name.partition("/")[0]]
        if name.endswith("output.manifest"):
            output.lines = [json.loads(line) for line in body.splitlines()]
        elif answer := ANSWER_KEY.fullmatch(name):
            output.answers[int(answer["object"])] = json.loads(body)["answers"]
        else:
            output.files[name] = body
    return found


def boxes(frames: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """All boxes or cuboids of some frames."""
    for frame in frames:
        yield from frame["annotations"]


def clips(world: World, job: str) -> list[list[dict[str, Any]]]:
    """The frames of every clip of the tracking or the audit job."""
    attribute = "road-vehicles-audit-ref" if job == AUDIT else "road-vehicles-ref"
    output = outputs(world)[job]
    return [output.frames(index, attribute) for index in range(len(output.lines))]


@each_world
def test_every_job_is_done_and_each_label_says_where_it_comes_from(world: World) -> None:
    for project in (each for each in PROGRAMME if each.people):
        output = outputs(world)[f"{project.stem}-01"]
        assert len(output.lines) == project.object_count
        metadata = [line[f"{project.label_attribute_name}-metadata"] for line in output.lines]
        failed = [each for each in metadata if "failure-reason" in each]
        assert len(failed) == project.failed_object_count
        for each in (each for each in metadata if each not in failed):
            assert each["type"] == f"groundtruth/{project.task}"
            assert each["job-name"] == f"labeling-job/{project.stem.lower()}-01"
            assert each["human-annotated"] == "yes"
            assert datetime.fromisoformat(each["creation-date"])
        sizes = {len(each) for each in output.answers.values()}
        assert sizes == {project.answers_per_object}
        assert len(output.answers) == project.object_count - project.failed_object_count
        assert len(written(world)[f"{INPUT_PATH}/{project.stem}-01.manifest"].splitlines()) == project.object_count


@each_world
def test_frames_and_boxes_have_the_form_of_real_files(world: World) -> None:
    for job in (TRACKING, AUDIT):
        for frames in clips(world, job):
            assert road_clips.SHORTEST_FRAMES <= len(frames) <= road_clips.LONGEST_FRAMES
            assert [frame["frame-no"] for frame in frames] == [str(number) for number in range(len(frames))]
            for frame in frames:
                assert set(frame) == {"annotations", "frame-no", "frame", "frame-attributes"}
                assert frame["frame-attributes"]["number_of_vehicles"] == len(frame["annotations"])
            for box in boxes(frames):
                assert box["object-name"].startswith(f"{road_clips.CLASSES[int(box['class-id'])]}:")
                assert isinstance(box["class-id"], str)
                assert 0 <= box["left"] <= box["left"] + box["width"] <= road_clips.WIDTH_PX + 8
                assert 0 <= box["top"] <= box["top"] + box["height"] <= road_clips.HEIGHT_PX + 6
        answers = outputs(world)[job].answers
        entries = [
            answers[index][0]["answerContent"]["trackingAnnotations"]["frameData"]["entries"] for index in (0, 1)
        ]
        assert entries == clips(world, job)[:2]


@each_world
def test_the_audit_has_the_labels_of_the_first_job_on_its_lines(world: World) -> None:
    first, audit = outputs(world)[TRACKING].lines, outputs(world)[AUDIT].lines
    for earlier, later in zip(first, audit, strict=True):
        assert later | earlier == later
        assert set(later) - set(earlier) == {"road-vehicles-audit-ref", "road-vehicles-audit-ref-metadata"}
    config = json.loads(written(world)[f"{INPUT_PATH}/{AUDIT}.categories.json"])
    assert config["auditLabelAttributeName"] == "road-vehicles-ref"
    assert [each["name"] for each in config["frameAttributes"]] == ["number_of_vehicles", "quality_of_the_frame"]
    assert [each["name"] for each in config["categoryGlobalAttributes"]] == ["moving", "vehicle_type", "audit"]


@each_world
def test_buses_become_commoner_in_the_audit(world: World) -> None:
    types = {
        job: Counter(
            box["label-category-attributes"]["vehicle_type"] for frames in clips(world, job) for box in boxes(frames)
        )
        for job in (TRACKING, AUDIT)
    }
    gained = types[AUDIT]["bus"] - types[TRACKING]["bus"]
    assert gained == types[TRACKING]["van"] - types[AUDIT]["van"] > 30
    assert {name: count for name, count in types[AUDIT].items() if name not in ("bus", "van")} == {
        name: count for name, count in types[TRACKING].items() if name not in ("bus", "van")
    }
    mistaken = {
        index
        for index, frames in enumerate(clips(world, TRACKING))
        if index in road_clips.BUS_CLIPS
        and not any(box["label-category-attributes"]["vehicle_type"] == "bus" for box in boxes(frames))
    }
    ids = {worker.name: worker.worker_id for worker in team(world[0])}
    answers = outputs(world)[TRACKING].answers
    assert {answers[index][0]["workerId"] for index in mistaken} == {ids[road_clips.TAKES_BUSES_FOR_VANS]}


@each_world
def test_the_audit_changes_some_boxes_and_copies_the_others(world: World) -> None:
    statuses = [line["road-vehicles-audit-ref-metadata"]["adjustment-status"] for line in outputs(world)[AUDIT].lines]
    assert [index for index, status in enumerate(statuses) if status == "adjusted"] == [1, 3, 5, 9]
    for earlier, later in zip(clips(world, TRACKING), clips(world, AUDIT), strict=True):
        for before, after in zip(boxes(earlier), boxes(later), strict=True):
            attributes = dict(after["label-category-attributes"])
            verdict = attributes.pop("audit")
            is_same = before == after | {"label-category-attributes": attributes}
            assert verdict == ("good" if is_same else "bad")
            assert before["object-id"] == after["object-id"]


@each_world
def test_one_clip_is_blurred_and_so_many_frames_are_empty(world: World) -> None:
    for job in (TRACKING, AUDIT):
        qualities = [
            {frame["frame-attributes"]["quality_of_the_frame"] for frame in clip} for clip in clips(world, job)
        ]
        assert [index for index, each in enumerate(qualities) if each == {"bad"}] == [road_clips.BLURRED_CLIP]
        assert all(len(each) == 1 for each in qualities)
        empty = [
            (index, int(frame["frame-no"]))
            for index, clip in enumerate(clips(world, job))
            for frame in clip
            if not frame["annotations"]
        ]
        assert len(empty) == road_clips.EMPTY_FRAME_COUNT == 14
        assert {index for index, _ in empty} == {road_clips.EMPTY_FIRST[0], road_clips.EMPTY_LAST[0]}


def pixels(png: bytes) -> Counter[str]:
    """How many pixels of each colour an 8-bit RGB file has, none of whose lines is filtered."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    found, place, packed, width = Counter[str](), 8, b"", 0
    while place < len(png):
        size, name = struct.unpack(">I4s", png[place : place + 8])
        content = png[place + 8 : place + 8 + size]
        assert struct.unpack(">I", png[place + 8 + size : place + 12 + size]) == (zlib.crc32(name + content),)
        if name == b"IHDR":
            width, _, *kind = struct.unpack(">IIBBBBB", content)
            assert kind == [8, 2, 0, 0, 0]
        packed += content if name == b"IDAT" else b""
        place += 12 + size
    text = zlib.decompress(packed)
    for line in range(0, len(text), 3 * width + 1):
        assert text[line] == 0
        found.update(f"#{text[at : at + 3].hex()}" for at in range(line + 1, line + 3 * width + 1, 3))
    return found


@each_world
def test_masks_hold_the_colours_of_their_map_and_a_third_of_road(world: World) -> None:
    output = outputs(world)[PARTS]
    for index, line in enumerate(output.lines):
        key = line["street-parts-ref"].removeprefix(f"s3://{BUCKET}/{OUTPUT_PATH}/")
        colors = line["street-parts-ref-metadata"]["internal-color-map"].values()
        named = {each["hex-color"]: each["class-name"] for each in colors}
        found = {named[color]: count for color, count in pixels(output.files[key]).items()}
        assert set(found) == set(named.values())
        assert 3 * found["road"] == sum(found.values()) == street_parts.WIDTH_PX * street_parts.HEIGHT_PX
        assert ("sky" not in found) == (index == street_parts.TUNNEL)
        element = output.answers[index][0]["answerContent"]["crowd-semantic-segmentation"]
        assert base64.b64decode(element["labeledImage"]["pngImageData"]) == output.files[key]
        assert set(element["labelMappings"]) == set(found) - {"BACKGROUND"}
    assert len(output.files) == len(output.lines)


@each_world
def test_entities_lie_where_they_say_and_every_note_has_one_place(world: World) -> None:
    output, counts = outputs(world)[NOTES], Counter[str]()
    for index, line in enumerate(output.lines):
        if index not in output.answers:
            assert "note-entities" not in line
            continue
        entities = line["note-entities"]["annotations"]["entities"]
        assert len(entities) == len(line["note-entities-metadata"]["entities"])
        texts = {each["label"]: line["source"][each["startOffset"] : each["endOffset"]] for each in entities}
        assert all(text in line["source"] and text == text.strip() for text in texts.values())
        assert [each["label"] for each in entities].count("place") == 1
        counts.update(texts.keys())
    labelled = len(output.lines) - 1
    assert counts["place"] == labelled
    assert set(counts) == set(delivery_notes.CLASSES)
    assert min(counts.values()) > 0.6 * labelled
    ids = {worker.name: worker.worker_id for worker in team(world[0])}
    marked: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in (each for answers in output.answers.values() for each in answers):
        entities = answer["answerContent"]["crowd-entity-annotation"]["entities"]
        marked[answer["workerId"]].update(each["label"] for each in entities)
    assert [each for each, found in marked.items() if not found["quantity"]] == [ids[delivery_notes.MARKS_NO_QUANTITY]]


@each_world
def test_cuboids_keep_their_size_and_turn(world: World) -> None:
    output = outputs(world)[LIDAR]
    for index in range(yard.SEQUENCE_COUNT):
        frames = output.frames(index, "yard-objects-ref")
        assert [frame["frame-number"] for frame in frames] == list(range(yard.FRAME_COUNT))
        listed = [each["frame-no"] for each in output.lines[index]["yard-objects-ref-metadata"]["objects"]]
        assert listed == list(range(yard.FRAME_COUNT))
        tracks: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for cuboid in boxes(frames):
            tracks[cuboid["object-id"]].append(cuboid)
        for track in tracks.values():
            turned = yard.TURN_RADIANS if track[0]["class-id"] == 0 else 0
            assert track[-1]["yaw"] - track[0]["yaw"] == pytest.approx(turned)
            moved = hypot(track[-1]["center-x"] - track[0]["center-x"], track[-1]["center-y"] - track[0]["center-y"])
            assert moved == pytest.approx(0.4 * (yard.FRAME_COUNT - 1))
            if turned:
                sizes = {(each["length"], each["width"], each["height"]) for each in track}
                assert sizes == {yard.FORKLIFT_SIZE}


@each_world
def test_one_reviewer_rejects_most_boxes(world: World) -> None:
    output = outputs(world)[CHECK]
    verdicts: dict[str, Counter[str]] = defaultdict(Counter)
    for index, line in enumerate(output.lines):
        metadata = line["road-boxes-check-metadata"]
        assert line["road-boxes-check"] == {"good": "0", "bad": "1"}[metadata["class-name"]]
        assert ("worker-feedback" in metadata) == (metadata["class-name"] == "bad")
        assert line["road-boxes-adjusted-metadata"]["type"] == "groundtruth/object-detection"
        [answer] = output.answers[index]
        assert answer["answerContent"] == {"crowd-image-classifier": {"label": metadata["class-name"]}}
        verdicts[answer["workerId"]][metadata["class-name"]] += 1
    ids = {worker.name: worker.worker_id for worker in team(world[0])}
    bad = {worker_id: (each["bad"], each.total()) for worker_id, each in verdicts.items()}
    assert bad.pop(ids[REJECTS_MOST]) == (15, 20)
    assert list(bad.values()) == [(3, 20), (3, 20)]


def test_a_shift_begins_on_a_working_day_at_the_hour_of_the_place() -> None:
    for worker in team(7):
        offset = timedelta(hours=worker.habits.utc_offset_hours)
        at = START
        for _ in range(10):
            following = next_shift(worker, at)
            assert timedelta(0) < following - at <= timedelta(days=6)
            local = following + offset
            assert local.weekday() not in worker.habits.days_off
            assert (local.hour, local.minute) == (worker.habits.shift_hours[0] % 24, 0)
            at = following
