"""Labelling jobs in Ground Truth's layout, small enough to know every row of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

#: What must never be found outside the source: parts of identities, as a grep would look for them.
CANARY_EMAIL = "canary.worker@people.example"
CANARY_SUB = "c0ffee00-dead-4bee-8f00-ca9a51e5ca9a"


@dataclass(frozen=True)
class LabelingJob:
    """A job that two workers answered, one answer a file.

    Args:
        name: of the job.
        start: when the first object was answered.
        object_count: objects, answered one after the other.
        spacing: time from one object to the next.
        broken: objects whose answers are no JSON.
    """

    name: str
    start: datetime
    object_count: int
    spacing: timedelta = timedelta(minutes=10)
    broken: frozenset[int] = field(default_factory=frozenset)

    def objects(self) -> dict[str, bytes]:
        """Key below the output path → content."""
        found = {f"{self.name}/manifests/output/output.manifest": self._manifest()}
        for number in range(self.object_count):
            for worker in range(2):
                answered_at = self.start + number * self.spacing + timedelta(seconds=worker)
                key = (
                    f"{self.name}/annotations/worker-response/iteration-1/{number}/{answered_at:%Y-%m-%d_%H:%M:%S}.json"
                )
                found[key] = self._answer(number, worker, answered_at)
        return found

    @property
    def answer_count(self) -> int:
        """Answers that can be loaded."""
        return 2 * (self.object_count - len(self.broken))

    def _manifest(self) -> bytes:
        lines = []
        for number in range(self.object_count):
            made_at = self.start + number * self.spacing + timedelta(minutes=1)
            metadata = {
                "class-name": "heron",
                "confidence": 0.9,
                "type": "groundtruth/image-classification",
                "job-name": f"labeling-job/{self.name}",
                "human-annotated": "yes",
                "creation-date": f"{made_at:%Y-%m-%dT%H:%M:%S.%f}",
            }
            lines.append({"source-ref": f"s3://images/{number}.jpg", "bird": 0, "bird-metadata": metadata})
        return "\n".join(map(json.dumps, lines)).encode()

    def _answer(self, number: int, worker: int, answered_at: datetime) -> bytes:
        identity: Mapping[str, str] = {
            "identityProviderType": "Cognito",
            "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_aaaaaaaaa",
            "sub": CANARY_SUB if worker else f"00000000-0000-4000-8000-{number:012d}",
        }
        answer = {
            "acceptanceTime": f"{answered_at - timedelta(seconds=9):%Y-%m-%dT%H:%M:%S}.000Z",
            "answerContent": {
                "crowd-image-classifier": {"label": "heron" if worker else "egret"},
                "comment": f"ask {CANARY_EMAIL}",
            },
            "submissionTime": f"{answered_at:%Y-%m-%dT%H:%M:%S}.000Z",
            "timeSpentInSeconds": 8.5,
            "workerId": f"private.eu-west-1.{'cafe' * 4}{worker}",
            "workerMetadata": {"identityData": identity},
        }
        document = json.dumps({"answers": [answer]}).encode()
        return document[:-9] if number in self.broken else document
