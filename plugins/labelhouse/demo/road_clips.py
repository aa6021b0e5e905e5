"""What the road clips show and what is drawn in them: frames in the form of `SeqLabel.json`, of a job and of its audit.

What was put in to be found again:

* one worker takes every bus for a van (`TAKES_BUSES_FOR_VANS`); the audit corrects it, and buses become commoner;
* the audit widens the boxes of the first vehicle of one clip (`LOOSE_CLIP`) and leaves all others as they are; a box
  that it changed has the label attribute `audit` bad, every other one good;
* every frame of one clip is blurred (`BLURRED_CLIP`), and no frame of another;
* nothing is on the road in exactly `EMPTY_FRAME_COUNT` frames, and in every other frame something is.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import numpy as np

from labelhouse.demo.chance import generator

WIDTH_PX, HEIGHT_PX = 1920, 1080
CLASSES = ("vehicle", "two-wheeler")
TYPES = ("car", "van", "truck", "bus", "bicycle", "motorcycle")
CLIP_COUNT, SHORTEST_FRAMES, LONGEST_FRAMES = 10, 30, 44
#: Every other clip shows one bus, and a worker of the tracking job takes it for something else.
BUS_CLIPS, TAKES_BUSES_FOR_VANS = range(1, CLIP_COUNT, 2), "ospina"
#: Frames without anything, at the beginning of one clip and at the end of another.
EMPTY_FIRST, EMPTY_LAST = (2, 6), (6, 8)
EMPTY_FRAME_COUNT = EMPTY_FIRST[1] + EMPTY_LAST[1]
BLURRED_CLIP, LOOSE_CLIP = 4, 3
#: The label and frame attributes that workers answer, as a label category configuration names them.
FRAME_ATTRIBUTES = [
    {"name": "number_of_vehicles", "description": "How many are in the frame?", "type": "number"},
    {"name": "quality_of_the_frame", "description": "Is it sharp?", "type": "string", "enum": ["good", "bad"]},
]
LABEL_ATTRIBUTES = [
    {"name": "moving", "description": "Does it move?", "type": "string", "enum": ["yes", "no"]},
    {"name": "vehicle_type", "description": "What is it?", "type": "string", "enum": list(TYPES)},
]
AUDIT_ATTRIBUTE = {"name": "audit", "description": "Was it labelled well?", "type": "string", "enum": ["good", "bad"]}

#: A frame, in the form of AWS's files.
Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Vehicle:
    """Something that is on the road from one frame to another (included)."""

    object_id: str
    name: str
    class_id: int
    type: str
    frames: tuple[int, int]
    box: tuple[int, int, int, int]  # left, top, width, height where it enters
    speed: tuple[float, float]  # pixels a frame, to the right and down


def drawn(seed: int, clip: int, source_ref: str, worker_name: str) -> list[Frame]:
    """The frames of a clip as a worker of the tracking job leaves them, the empty ones too.

    Args:
        clip: its index in the job.
    """
    vehicles = _vehicles(seed, clip, source_ref)
    quality = "bad" if clip == BLURRED_CLIP else "good"
    frames = []
    for number in range(_frame_count(seed, source_ref)):
        boxes = [_box(each, number, worker_name) for each in vehicles if each.frames[0] <= number <= each.frames[1]]
        frames.append(
            {
                "annotations": boxes,
                "frame-no": str(number),  # as real files have it, and not as the documentation says
                "frame": f"{number + 1:06d}.jpg",
                "frame-attributes": {"number_of_vehicles": len(boxes), "quality_of_the_frame": quality},
            }
        )
    return frames


def audited(seed: int, clip: int, source_ref: str, frames: list[Frame]) -> tuple[list[Frame], bool]:
    """The frames as the audit leaves them, and whether it changed any of the boxes."""
    types = {each.object_id: each.type for each in _vehicles(seed, clip, source_ref)}
    has_changed = False
    audited_frames = []
    for frame in frames:
        boxes = []
        for box in frame["annotations"]:
            given = box["label-category-attributes"]
            size = (box["width"], box["height"])
            if clip == LOOSE_CLIP and box["object-name"] == f"{CLASSES[0]}:1":
                size = (box["width"] + 8, box["height"] + 6)
            is_changed = given["vehicle_type"] != types[box["object-id"]] or size != (box["width"], box["height"])
            attributes = given | {"vehicle_type": types[box["object-id"]], "audit": "bad" if is_changed else "good"}
            boxes.append(box | {"width": size[0], "height": size[1], "label-category-attributes": attributes})
            has_changed = has_changed or is_changed
        audited_frames.append(frame | {"annotations": boxes})
    return audited_frames, has_changed


def _frame_count(seed: int, source_ref: str) -> int:
    return int(generator(seed, "clip length", source_ref).integers(SHORTEST_FRAMES, LONGEST_FRAMES + 1))


def _vehicles(seed: int, clip: int, source_ref: str) -> list[_Vehicle]:
    """What drives or stands there: the first one as long as the road is not empty, the bus where there is one."""
    first, last = 0, _frame_count(seed, source_ref) - 1
    if clip == EMPTY_FIRST[0]:
        first += EMPTY_FIRST[1]
    if clip == EMPTY_LAST[0]:
        last -= EMPTY_LAST[1]
    rng = generator(seed, "clip", source_ref)
    vehicles: list[_Vehicle] = []
    counts = [0 for _ in CLASSES]
    for number in range(2 + int(rng.integers(3))):
        vehicle_type = str(rng.choice(TYPES[:3], p=(0.55, 0.25, 0.2)))
        if number == 1 and clip in BUS_CLIPS:
            vehicle_type = "bus"
        elif number > 1 and rng.random() < 0.4:
            vehicle_type = str(rng.choice(TYPES[4:]))
        span = (first, last) if number == 0 else _span(rng, first, last)
        class_id = int(vehicle_type in TYPES[4:])
        counts[class_id] += 1
        vehicles.append(_vehicle(rng, class_id, counts[class_id], vehicle_type, span))
    return vehicles


def _span(rng: np.random.Generator, first: int, last: int) -> tuple[int, int]:
    enters = int(rng.integers(first, first + 10))
    return enters, int(rng.integers(enters + 10, last + 1))


def _vehicle(
    rng: np.random.Generator, class_id: int, number: int, vehicle_type: str, span: tuple[int, int]
) -> _Vehicle:
    left, top, width, height = (int(rng.integers(*each)) for each in ((50, 1100), (400, 800), (60, 260), (40, 180)))
    speed = (float(rng.uniform(-1, 9)), float(rng.uniform(-2, 2))) if rng.random() < 0.6 else (0.0, 0.0)
    object_id = str(uuid.UUID(bytes=rng.bytes(16), version=4))
    return _Vehicle(
        object_id, f"{CLASSES[class_id]}:{number}", class_id, vehicle_type, span, (left, top, width, height), speed
    )


def _box(vehicle: _Vehicle, frame_number: int, worker_name: str) -> dict[str, Any]:
    left, top, width, height = vehicle.box
    passed = frame_number - vehicle.frames[0]
    is_mistaken = vehicle.type == "bus" and worker_name == TAKES_BUSES_FOR_VANS
    return {
        "height": height,
        "width": width,
        "top": min(HEIGHT_PX - height, max(0, round(top + passed * vehicle.speed[1]))),
        "left": min(WIDTH_PX - width, max(0, round(left + passed * vehicle.speed[0]))),
        "class-id": str(vehicle.class_id),  # text, as in real files
        "label-category-attributes": {
            "moving": "yes" if any(vehicle.speed) else "no",
            "vehicle_type": "van" if is_mistaken else vehicle.type,
        },
        "object-id": vehicle.object_id,
        "object-name": vehicle.name,
    }
