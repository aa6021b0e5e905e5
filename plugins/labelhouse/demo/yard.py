"""What the lidar on the yard sees: cuboids of forklifts and people, frame by frame, in the form of `SeqLabel.json`.

What was put in to be found again: every forklift has the same size (`FORKLIFT_SIZE`) and turns by `TURN_RADIANS` from
the first frame to the last. All of it is younger than the day on which AWS changed the sense of yaw.
"""

from __future__ import annotations

import math
import uuid
from typing import Any

import numpy as np

from labelhouse.demo.chance import generator

CLASSES = ("forklift", "person")
SEQUENCE_COUNT, FRAME_COUNT = 4, 20
#: Length, width and height in metres.
FORKLIFT_SIZE, _PERSON_SIZE = (2.9, 1.2, 2.1), (0.6, 0.6, 1.75)
TURN_RADIANS = math.pi / 4


def tracked(seed: int, source_ref: str) -> list[dict[str, Any]]:
    """The frames of a sequence as people leave them."""
    rng = generator(seed, "yard", source_ref)
    counts = [1 + int(rng.integers(2)), 1 + int(rng.integers(2))]
    courses = [
        (class_id, number, str(uuid.UUID(bytes=rng.bytes(16), version=4)), rng.uniform(-30, 30, 2), rng.uniform(-1, 1))
        for class_id, count in enumerate(counts)
        for number in range(1, count + 1)
    ]
    return [
        {
            "frame-number": number,
            "frame-name": f"{number:04d}.pcd",
            "frame-attributes": {},
            "annotations": [_cuboid(number, *course) for course in courses],
        }
        for number in range(FRAME_COUNT)
    ]


def _cuboid(
    frame_number: int, class_id: int, number: int, object_id: str, start: np.ndarray, heading: float
) -> dict[str, Any]:
    size = _PERSON_SIZE if class_id else FORKLIFT_SIZE
    turned = 0.0 if class_id else TURN_RADIANS * frame_number / (FRAME_COUNT - 1)
    metres = 0.4 * frame_number
    return {
        "label-category-attributes": {},
        "object-name": f"{CLASSES[class_id]}:{number}",
        "class-id": class_id,  # a number here, as in AWS's documentation
        "center-x": float(start[0]) + metres * math.cos(heading),
        "center-y": float(start[1]) + metres * math.sin(heading),
        "center-z": size[2] / 2,
        "length": size[0],
        "width": size[1],
        "height": size[2],
        "roll": 0,
        "pitch": 0,
        "yaw": heading + turned,
        "object-id": object_id,
    }
