"""Labels of invented jobs, as large as it takes: sequences of tracked boxes, and an output manifest."""

from __future__ import annotations

import json
import random
from pathlib import Path
from uuid import UUID

OBJECTS, BOXES_PER_FRAME = 40, 5
#: So many boxes make a file of ten megabytes.
BOXES_PER_FILE = 50_000


def write_sequences(folder: Path, boxes: int) -> int:
    """SeqLabel files of one job with so many boxes in all, 200 bytes each. Returns how many frames they have."""
    frame_count = 0
    for number, start in enumerate(range(0, boxes, BOXES_PER_FILE)):
        count = min(BOXES_PER_FILE, boxes - start) // BOXES_PER_FRAME
        place = folder / f"traffic/annotations/consolidated-annotation/output/{number}/SeqLabel.json"
        place.parent.mkdir(parents=True)
        place.write_text(json.dumps(_sequence(random.Random(number), count), separators=(",", ":")))
        frame_count += count
    return frame_count


def _sequence(chance: random.Random, frame_count: int) -> dict[str, object]:
    objects = [(str(UUID(int=chance.getrandbits(128))), f"Vehicle:{number + 1}") for number in range(OBJECTS)]
    frames = [
        {
            "annotations": [
                {
                    "height": chance.randint(10, 200),
                    "width": chance.randint(10, 200),
                    "top": chance.randint(0, 1080),
                    "left": chance.randint(0, 1920),
                    "class-id": str(number % 3),
                    "label-category-attributes": {"Color": chance.choice(["Green", "Silver", "Red"])},
                    "object-id": objects[number][0],
                    "object-name": objects[number][1],
                }
                for number in chance.sample(range(OBJECTS), BOXES_PER_FRAME)
            ],
            "frame-no": str(place),
            "frame": f"{place + 1:06}.jpg",
            "frame-attributes": {},
        }
        for place in range(frame_count)
    ]
    return {"tracking-annotations": frames}


def write_manifest(folder: Path, lines: int) -> None:
    """The output manifest of an image classification with so many lines."""
    place = folder / "birds/manifests/output/output.manifest"
    place.parent.mkdir(parents=True)
    with place.open("w") as file:
        for number in range(lines):
            line = {
                "source-ref": f"s3://images/birds/{number:07}.jpg",
                "bird": number % 3,
                "bird-metadata": {
                    "confidence": 0.5 + number % 50 / 100,
                    "job-name": "labeling-job/birds",
                    "class-name": ("wren", "owl", "robin")[number % 3],
                    "human-annotated": "yes",
                    "creation-date": f"2024-05-06T{number % 24:02}:30:00.{number % 10**6:06}",
                    "type": "groundtruth/image-classification",
                },
            }
            file.write(json.dumps(line, separators=(",", ":")) + "\n")
