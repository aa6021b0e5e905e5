"""The account's endpoint `vehicle-types-live`: what becomes of it, and what its data capture writes.

It serves the models of the vehicles' trainings to cameras. On its tenth day (`SHIFT_DAY`) a second site joins: the
endpoint gets a second instance, the images are darker from then on, and instead of one in nine more than one in three
shows a truck. Nothing else about it changes, and nobody says so.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count

import numpy as np

from labelhouse.demo.chance import generator
from labelhouse.demo.changes import Change, EndpointState
from labelhouse.demo.places import BUCKET, CAPTURE_PATH
from labelhouse.demo.world import Write

ENDPOINT, VARIANT = "vehicle-types-live", "AllTraffic"
INSTANCE_TYPE, CORES = "ml.m5.xlarge", 4
#: Days of the world are counted from 0.
SHIFT_DAY = 9
CLASSES = ("car", "truck", "van", "bus")
#: Share of each class, before and since.
SHARES = ((0.62, 0.11, 0.19, 0.08), (0.38, 0.36, 0.18, 0.08))
#: Mean brightness of the images, before and since.
BRIGHTNESS = (0.62, 0.38)
#: Calls of an hour that are captured, of all there are.
CAPTURED_AN_HOUR = 12
#: One of so many captured inputs is an image, which the capture keeps in base64.
_IMAGE_EVERY = 40

_AN_HOUR = timedelta(hours=1)


def story(seed: int, start: datetime) -> Iterator[Write | Change]:
    """The endpoint in a world that begins at `start` (UTC), in the order of time, without end."""
    created = EndpointState(
        start + timedelta(minutes=1),
        name=ENDPOINT,
        seed=seed,
        began_at=start,
        created_at=start - timedelta(days=1),
        config_name=f"{ENDPOINT}-1",
        variant_name=VARIANT,
        model_name="vehicle-types-resnet",
        instance_type=INSTANCE_TYPE,
        instance_count=1,
        capture_uri=f"s3://{BUCKET}/{CAPTURE_PATH}",
    )
    yield created
    hours = (start + number * _AN_HOUR for number in count())
    second_at = start + timedelta(days=SHIFT_DAY, minutes=5)
    is_alone = True
    for hour in hours:
        if is_alone and hour + _AN_HOUR > second_at:
            is_alone = False
            yield EndpointState(
                second_at,
                **{
                    name: getattr(created, name)
                    for name in ("name", "seed", "began_at", "created_at", "variant_name", "model_name")
                },
                config_name=f"{ENDPOINT}-2",
                instance_type=INSTANCE_TYPE,
                instance_count=2,
                capture_uri=created.capture_uri,
            )
        yield _captured(seed, start, hour)


def has_shifted(start: datetime, at: datetime) -> bool:
    """Whether the second site has joined."""
    return at >= start + timedelta(days=SHIFT_DAY)


def _captured(seed: int, start: datetime, hour: datetime) -> Write:
    """The file of an hour's captured calls, as it is written at its end."""
    rng = generator(seed, "capture", ENDPOINT, hour.isoformat())
    seconds = np.sort(rng.uniform(0, 3600, CAPTURED_AN_HOUR))
    calls = [_call(rng, start, hour + timedelta(seconds=float(second))) for second in seconds]
    first, unique = hour + timedelta(seconds=float(seconds[0])), uuid.UUID(bytes=rng.bytes(16), version=4)
    name = f"{first:%M-%S}-{first.microsecond // 1000:03}-{unique}.jsonl"
    key = f"{CAPTURE_PATH}/{ENDPOINT}/{VARIANT}/{first:%Y/%m/%d/%H}/{name}"
    body = b"".join(json.dumps(call, separators=(",", ":")).encode() + b"\n" for call in calls)
    return Write(hour + _AN_HOUR - timedelta(seconds=1), key, body)


def _call(rng: np.random.Generator, start: datetime, at: datetime) -> dict[str, object]:
    is_later = has_shifted(start, at)
    label = str(rng.choice(CLASSES, p=SHARES[is_later]))
    confidence = round(float(rng.beta(14, 2)), 4)
    brightness = float(np.clip(rng.normal(BRIGHTNESS[is_later], 0.12), 0.02, 0.98))
    given = {
        "camera": f"{'south' if is_later and rng.random() < 0.5 else 'north'}-{int(rng.integers(1, 5))}",
        "brightness_ratio": round(brightness, 3),
        "object_width_pixels": int(rng.normal(310, 70)),
        "object_height_pixels": int(rng.normal(190, 40)),
    }
    features = {
        "observedContentType": "application/json",
        "mode": "INPUT",
        "data": json.dumps(given),
        "encoding": "JSON",
    }
    image = {"observedContentType": "image/jpeg", "mode": "INPUT", "data": "/9j/4AAQSkZJRg==", "encoding": "BASE64"}
    said = {"predictions": [{"predicted_label": label, "probability": confidence}]}
    return {
        "captureData": {
            "endpointInput": image if rng.integers(_IMAGE_EVERY) == 0 else features,
            "endpointOutput": _side("OUTPUT", "application/json", json.dumps(said), "JSON"),
        },
        "eventMetadata": {
            "eventId": str(uuid.UUID(bytes=rng.bytes(16), version=4)),
            "inferenceTime": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        },
        "eventVersion": "0",
    }


def _side(mode: str, content_type: str, data: str, encoding: str) -> dict[str, str]:
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}
