"""A small labelling job in Ground Truth's layout, for tests: five workers with skills of their own."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

CLASSES = ("cat", "dog", "fox")
START = datetime(2026, 3, 1, 22, tzinfo=UTC)
SUB = "0b6f8a52-canary-sub-{}"
EMAIL = "canary.{}@example.com"


def write_job(folder: Path, name: str = "Pets-2026", objects: int = 12, labeled: int | None = None) -> Path:
    """Writes the job below `folder`: three answers an object, labels for the first `labeled` objects.

    Answers are an hour apart, so that they cross midnight. Writing it again with more is how a job goes on.
    """
    job = folder / name
    for index in range(objects):
        answers = [_answer(name, index, worker) for worker in range(index % 3, index % 3 + 3)]
        named = START + timedelta(hours=index)
        path = job / f"annotations/worker-response/iteration-1/{index}/{named:%Y-%m-%d_%H:%M:%S}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"answers": answers}))
    done = objects if labeled is None else labeled
    write_manifest(job, [_line(name, index, index < done) for index in range(objects)])
    return job


def write_manifest(job: Path, lines: list[dict[str, Any]]) -> None:
    """Writes a job's output manifest."""
    manifest = job / "manifests/output/output.manifest"
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text("".join(json.dumps(line) + "\n" for line in lines))


def read_manifest(job: Path) -> list[dict[str, Any]]:
    """The lines of a job's output manifest."""
    return [json.loads(line) for line in (job / "manifests/output/output.manifest").read_text().splitlines()]


def _answer(name: str, index: int, worker: int) -> dict[str, Any]:
    submitted = START + timedelta(hours=index, minutes=worker, seconds=len(name))  # no two jobs' answers are alike
    is_wrong = (index + worker) % 4 == 0
    return {
        "answerContent": {"crowd-image-classifier": {"label": CLASSES[(index + is_wrong) % 3]}},
        "acceptanceTime": f"{submitted - timedelta(seconds=40):%Y-%m-%dT%H:%M:%S}.000Z",
        "submissionTime": f"{submitted:%Y-%m-%dT%H:%M:%S}.250Z",
        "timeSpentInSeconds": 20.5 + worker,
        "workerId": f"private.us-east-1.{worker:016x}",
        "workerMetadata": {
            "identityData": {
                "identityProviderType": "Cognito",
                "issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool",
                "sub": SUB.format(worker),
                "email": EMAIL.format(worker),
            }
        },
    }


def _line(name: str, index: int, is_labeled: bool) -> dict[str, Any]:
    line: dict[str, Any] = {"source-ref": f"s3://images/{index}.jpg"}
    if is_labeled:
        line["pet"] = index % 3
        line["pet-metadata"] = {
            "class-name": CLASSES[index % 3],
            "confidence": 0.9,
            "type": "groundtruth/image-classification",
            "job-name": f"labeling-job/{name.lower()}",
            "human-annotated": "yes",
            "creation-date": f"{START + timedelta(hours=index, minutes=30):%Y-%m-%dT%H:%M:%S}.123456",
        }
    return line
