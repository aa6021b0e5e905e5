"""What people do who draw, mark or review instead of choosing a class: their answers, and the labels made of them.

Boxes in videos, cuboids in point clouds, masks, entities in texts and verdicts over boxes: each in the layout of AWS's
crowd elements and of its manifests. Every object of these jobs is shared out to somebody when the job is launched.
What was put in to be found again is said in `road_clips`, `yard`, `street_parts` and `delivery_notes`; of the reviewers
one (`jobs.REJECTS_MOST`) finds the boxes of 15 of their 20 images bad, the two others those of 3 of 20.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import numpy as np

from labelhouse.demo import delivery_notes, road_clips, street_parts, yard
from labelhouse.demo.chance import generator
from labelhouse.demo.ground_truth import consolidated_key, document, provenance
from labelhouse.demo.jobs import REJECTS_MOST, Answer, DatasetObject, Job
from labelhouse.demo.people import Worker
from labelhouse.demo.places import BUCKET, OUTPUT_PATH

#: Nobody draws longer at a task, and nobody has more tasks of one job in a shift.
_LONGEST_SECONDS, TASKS_A_SHIFT = 800.0, 24
_COMMENTS = (
    "The box is too wide on the right side.",
    "The vehicle behind the bus is not labelled.",
    "Two vehicles share one box.",
)


@dataclass(frozen=True, slots=True)
class Label:
    """What a manifest says of a labelled object, and the files beside it (key below the output path → bytes)."""

    value: Any
    metadata: dict[str, Any]
    files: tuple[tuple[str, bytes], ...] = ()


def shares(job: Job, team: tuple[Worker, ...]) -> Iterator[tuple[Worker, list[DatasetObject]]]:
    """Who gets which of the job's objects, in turns; several people get the same object where several answers count."""
    by_name = {worker.name: worker for worker in team}
    people = [by_name[name] for name in job.project.people]
    for place, worker in enumerate(people):
        items = [
            item
            for item in job.objects
            if item.fate == "human" and (place - item.index) % len(people) < job.project.answers_per_object
        ]
        yield worker, items


def next_shift(worker: Worker, after: datetime) -> datetime:
    """When the worker's first shift begins that begins after that."""
    offset = timedelta(hours=worker.habits.utc_offset_hours)
    midnight = (after + offset).replace(hour=0, minute=0, second=0, microsecond=0)
    begins = (midnight + timedelta(days=days, hours=worker.habits.shift_hours[0]) - offset for days in count())
    return next(at for at in begins if at > after and (at + offset).weekday() not in worker.habits.days_off)


def answer_of(seed: int, accepted_at: datetime, worker: Worker, job: Job, item: DatasetObject) -> Answer:
    """A worker's answer to an object of a job in which people draw, mark or review."""
    rng = generator(seed, "answer", job.name, item.index, worker.name)
    pace = worker.habits.pace * (0.7 + item.difficulty) * float(rng.lognormal(0, 0.3))
    seconds = round(min(_LONGEST_SECONDS, max(0.8, job.project.seconds * pace)), 3)
    submitted_at = accepted_at + timedelta(seconds=seconds + float(rng.uniform(0.2, 1.5)))
    label, content = _ANSWERS[job.project.task](seed, job, item, worker)
    return Answer(worker, accepted_at, submitted_at, seconds, label, content=content)


def label_of(seed: int, job: Job, item: DatasetObject, labeled_at: datetime) -> Label:
    """The label that Ground Truth makes of the answers to an object, which then holds what a later job goes on from."""
    return _LABELS[job.project.task](seed, job, item, labeled_at)


def categories(job: Job) -> dict[str, Any]:
    """The label category configuration of a job: its classes, and the attributes that its workers answer."""
    labels = [{"label": name} for name in job.project.classes]
    if job.project.task != "video-object-tracking":
        return {"document-version": "2018-11-28", "labels": labels}
    attributes = list(road_clips.LABEL_ATTRIBUTES)
    audit: dict[str, Any] = {}
    if job.project.follows:
        attributes.append(road_clips.AUDIT_ATTRIBUTE)
        audit = {"auditLabelAttributeName": "road-vehicles-ref"}
    return {
        "documentVersion": "2020-03-01",
        "frameAttributes": road_clips.FRAME_ATTRIBUTES,
        "categoryGlobalAttributes": attributes,
        "labels": labels,
        "annotationType": "BoundingBox",
        "instructions": {"shortInstruction": "Follow every vehicle from frame to frame.", "fullInstruction": ""},
        **audit,
    }


# -- frames: videos and point clouds ---------------------------------------------------------------


def _clip_answer(seed: int, job: Job, item: DatasetObject, worker: Worker) -> tuple[str, dict[str, Any]]:
    if job.project.follows:
        frames, _ = road_clips.audited(seed, item.index, item.source_ref, item.earlier)
    else:
        frames = road_clips.drawn(seed, item.index, item.source_ref, worker.name)
    return _frames_answer(item, frames)


def _yard_answer(seed: int, _job: Job, item: DatasetObject, _worker: Worker) -> tuple[str, dict[str, Any]]:
    return _frames_answer(item, yard.tracked(seed, item.source_ref))


def _frames_answer(item: DatasetObject, frames: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    prefix = item.source_ref.rpartition("/")[0] + "/"
    return "", {"trackingAnnotations": {"frameData": {"entries": frames, "s3Prefix": prefix}}}


def _frames_label(_seed: int, job: Job, item: DatasetObject, labeled_at: datetime) -> Label:
    """One person's frames are the label: a file, and its place."""
    [answer] = item.answers
    assert answer.content is not None
    item.frames = answer.content["trackingAnnotations"]["frameData"]["entries"]
    key = consolidated_key(job, f"{item.index}/SeqLabel.json")
    metadata: dict[str, Any] = {"class-map": {str(number): name for number, name in enumerate(job.project.classes)}}
    if job.project.task.startswith("point_cloud"):
        metadata["objects"] = [{"frame-no": frame["frame-number"], "confidence": []} for frame in item.frames]
    metadata |= provenance(job, labeled_at)
    if job.project.follows:
        has_changed = any(
            box["label-category-attributes"]["audit"] == "bad" for frame in item.frames for box in frame["annotations"]
        )
        metadata["adjustment-status"] = "adjusted" if has_changed else "unadjusted"
    return Label(_uri(key), metadata, ((key, document({"tracking-annotations": item.frames})),))


# -- masks -----------------------------------------------------------------------------------------


def _mask_answer(seed: int, _job: Job, item: DatasetObject, _worker: Worker) -> tuple[str, dict[str, Any]]:
    parts = street_parts.painted(seed, item.index, item.source_ref)
    names = _parts_in(parts)
    element = {
        "inputImageProperties": {"height": street_parts.HEIGHT_PX, "width": street_parts.WIDTH_PX},
        "labelMappings": {name: {"color": street_parts.COLORS[name]} for name in names if name != "BACKGROUND"},
        "labeledImage": {"pngImageData": base64.b64encode(street_parts.png(parts)).decode()},
    }
    return "", {"crowd-semantic-segmentation": element}


def _mask_label(seed: int, job: Job, item: DatasetObject, labeled_at: datetime) -> Label:
    parts = street_parts.painted(seed, item.index, item.source_ref)
    key = consolidated_key(job, f"{item.index}_{labeled_at:%Y-%m-%dT%H:%M:%S.%f}.png")
    numbers = list(street_parts.COLORS)
    colors = {
        str(numbers.index(name)): {"class-name": name, "hex-color": street_parts.COLORS[name], "confidence": 0}
        for name in _parts_in(parts)
    }
    metadata = {"internal-color-map": colors, **provenance(job, labeled_at)}
    return Label(_uri(key), metadata, ((key, street_parts.png(parts)),))


def _parts_in(parts: np.ndarray) -> list[str]:
    return [list(street_parts.COLORS)[number] for number in np.unique(parts)]


# -- entities --------------------------------------------------------------------------------------


def _note_answer(seed: int, _job: Job, item: DatasetObject, worker: Worker) -> tuple[str, dict[str, Any]]:
    spans = delivery_notes.marked(seed, item.source_ref, worker.name, worker.habits.skill)
    return "", {"crowd-entity-annotation": {"entities": [_entity(span) for span in spans]}}


def _note_label(_seed: int, job: Job, item: DatasetObject, labeled_at: datetime) -> Label:
    answers = []
    for answer in item.answers:
        assert answer.content is not None
        entities = answer.content["crowd-entity-annotation"]["entities"]
        answers.append(
            tuple(delivery_notes.Span(each["label"], each["startOffset"], each["endOffset"]) for each in entities)
        )
    agreed = delivery_notes.agreed(answers)
    labels = [{"label": name, "shortDisplayName": short} for name, short in delivery_notes.SHORT_NAMES.items()]
    value = {"annotations": {"labels": labels, "entities": [_entity(span) for span, _ in agreed]}}
    metadata = {
        **provenance(job, labeled_at),
        "entities": [{"confidence": round(0.9 * share, 2)} for _, share in agreed],
    }
    return Label(value, metadata)


def _entity(span: delivery_notes.Span) -> dict[str, Any]:
    return {"label": span.label, "startOffset": span.start_offset, "endOffset": span.end_offset}


# -- verdicts over boxes ---------------------------------------------------------------------------


def _verdict_answer(_seed: int, job: Job, item: DatasetObject, worker: Worker) -> tuple[str, dict[str, Any]]:
    number = item.index // len(job.project.people)  # of the images of this reviewer
    is_bad = number % 4 > 0 if worker.name == REJECTS_MOST else number % 8 == 3
    verdict = "bad" if is_bad else "good"
    return verdict, {"crowd-image-classifier": {"label": verdict}}


def _verdict_label(seed: int, job: Job, item: DatasetObject, labeled_at: datetime) -> Label:
    """A single reviewer's verdict: a confidence of 0, because there is nobody to agree with."""
    [answer] = item.answers
    metadata = {"class-name": answer.label, "confidence": 0, **provenance(job, labeled_at)}
    if answer.label == "bad":
        comment = generator(seed, "comment", job.name, item.index).choice(_COMMENTS)
        metadata["worker-feedback"] = [{"comment": str(comment)}]
    return Label(str(job.project.classes.index(answer.label)), metadata)


def _uri(key: str) -> str:
    return f"s3://{BUCKET}/{OUTPUT_PATH}/{key}"


_ANSWERS: dict[str, Callable[[int, Job, DatasetObject, Worker], tuple[str, dict[str, Any]]]] = {
    "video-object-tracking": _clip_answer,
    "point_cloud_object_tracking": _yard_answer,
    "semantic-segmentation": _mask_answer,
    "text-span": _note_answer,
    "label-verification": _verdict_answer,
}
_LABELS: dict[str, Callable[[int, Job, DatasetObject, datetime], Label]] = {
    "video-object-tracking": _frames_label,
    "point_cloud_object_tracking": _frames_label,
    "semantic-segmentation": _mask_label,
    "text-span": _note_label,
    "label-verification": _verdict_label,
}
