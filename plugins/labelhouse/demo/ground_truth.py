"""How Ground Truth writes it down: keys, worker responses and manifest lines, in the exact layout of its output."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from labelhouse.demo.jobs import Answer, Box, DatasetObject, Job

#: Of every image of the adjustment jobs.
IMAGE_SIZE = {"width": 1920, "height": 1080, "depth": 3}


def manifest_key(job_name: str) -> str:
    """Key of the output manifest, below the output path."""
    return f"{job_name}/manifests/output/output.manifest"


def response_key(job: Job, item: DatasetObject, written_at: datetime) -> str:
    """Key of a worker-response file: its name has the resolution of a second."""
    folder = f"{job.name}/annotations/worker-response/iteration-{job.iteration(item)}/{item.index}"
    return f"{folder}/{written_at:%Y-%m-%d_%H:%M:%S}.json"


def consolidated_key(job: Job, name: str) -> str:
    """Key of a file that holds a label and to which the manifest refers."""
    return f"{job.name}/annotations/consolidated-annotation/output/{name}"


def document(value: Any) -> bytes:
    """A JSON document as Ground Truth writes it."""
    return _json(value)


def response_body(answers: Sequence[Answer], issuer: str) -> bytes:
    """A worker-response file."""
    return _json({"answers": [_answer(answer, issuer) for answer in answers]})


def _answer(answer: Answer, issuer: str) -> dict[str, Any]:
    worker = answer.worker
    if worker.sub is None:  # the crowd: no acceptance, no time spent, no identity, whole seconds
        return {
            "answerContent": _content(answer),
            "submissionTime": f"{answer.submitted_at:%Y-%m-%dT%H:%M:%SZ}",
            "workerId": worker.worker_id,
        }
    return {
        "acceptanceTime": _milliseconds(answer.accepted_at),
        "answerContent": _content(answer),
        "submissionTime": _milliseconds(answer.submitted_at),
        "timeSpentInSeconds": answer.time_spent_seconds,
        "workerId": worker.worker_id,
        "workerMetadata": {"identityData": {"identityProviderType": "Cognito", "issuer": issuer, "sub": worker.sub}},
    }


def _content(answer: Answer) -> dict[str, Any]:
    if answer.content is not None:
        return answer.content
    if answer.boxes:
        image = {"height": IMAGE_SIZE["height"], "width": IMAGE_SIZE["width"]}
        return {"boundingBox": {"boundingBoxes": list(answer.boxes), "inputImageProperties": image}}
    return {"crowd-image-classifier": {"label": answer.label}}


def unlabeled_line(job: Job, item: DatasetObject) -> bytes:
    """A line of the input manifest: an adjustment job finds the labels of the earlier job in it."""
    return _json(_input(job, item))


def classified_line(
    job: Job, item: DatasetObject, label: str, confidence: float, labeled_at: datetime, *, is_human: bool
) -> bytes:
    """A line with the class that the workers, or automated labelling, gave it."""
    metadata = {
        "confidence": confidence,
        "job-name": _job_name(job.name),
        "class-name": label,
        "human-annotated": "yes" if is_human else "no",
        "creation-date": _microseconds(labeled_at),
        "type": "groundtruth/image-classification",
    }
    return labeled_line(job, item, job.project.classes.index(label), metadata)


def adjusted_line(job: Job, item: DatasetObject, boxes: tuple[Box, ...], labeled_at: datetime) -> bytes:
    """A line with the boxes that a worker made of those of the earlier job."""
    metadata = _boxes_metadata(job, boxes, job.name, labeled_at)
    metadata["adjustment-status"] = "adjusted" if boxes != item.boxes else "unadjusted"
    return labeled_line(job, item, _boxes_label(job, boxes), metadata)


def failed_line(job: Job, item: DatasetObject) -> bytes:
    """A line of an object for which nobody answered in time: no label, and a string where others have yes or no."""
    metadata = {
        "retry-count": 1,
        "failure-reason": "ClientError: Annotation tasks expired.",
        "human-annotated": "true",
    }
    return _json(_input(job, item) | {f"{job.project.label_attribute_name}-metadata": metadata})


def provenance(job: Job, labeled_at: datetime) -> dict[str, Any]:
    """What the metadata of every label says that people made: of which type it is, who made it when."""
    return {
        "job-name": _job_name(job.name),
        "type": f"groundtruth/{job.project.task}",
        "human-annotated": "yes",
        "creation-date": _microseconds(labeled_at),
    }


def labeled_line(job: Job, item: DatasetObject, label: Any, metadata: dict[str, Any]) -> bytes:
    """A line with a label of the job."""
    attribute = job.project.label_attribute_name
    return _json(_input(job, item) | {attribute: label, f"{attribute}-metadata": metadata})


def _input(job: Job, item: DatasetObject) -> dict[str, Any]:
    line = dict(item.line)
    earlier = job.project.adjusts
    if earlier:
        line[earlier] = _boxes_label(job, item.boxes)
        drawn_at = job.launched_at - timedelta(days=4, seconds=item.index)
        line[f"{earlier}-metadata"] = _boxes_metadata(job, item.boxes, earlier, drawn_at)
    return line


def _boxes_label(job: Job, boxes: tuple[Box, ...]) -> dict[str, Any]:
    annotations = [
        {
            "class_id": job.project.classes.index(box["label"]),
            "top": box["top"],
            "left": box["left"],
            "height": box["height"],
            "width": box["width"],
        }
        for box in boxes
    ]
    return {"image_size": [IMAGE_SIZE], "annotations": annotations}


def _boxes_metadata(job: Job, boxes: tuple[Box, ...], job_name: str, labeled_at: datetime) -> dict[str, Any]:
    labels = sorted({box["label"] for box in boxes}, key=job.project.classes.index)
    return {
        "objects": [{"confidence": 0} for _ in boxes],  # 0: a single worker, nobody to agree with
        "class-map": {str(job.project.classes.index(label)): label for label in labels},
        "type": "groundtruth/object-detection",
        "human-annotated": "yes",
        "creation-date": _microseconds(labeled_at),
        "job-name": _job_name(job_name),
    }


def _job_name(name: str) -> str:
    return f"labeling-job/{name.lower()}"  # in metadata AWS lowers the case that the folder keeps


def _milliseconds(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _microseconds(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%f")  # UTC, but it does not say so


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
