"""Units of Ground Truth's output, parsed as the pipeline parses them, for tests of the source."""

from __future__ import annotations

import gzip
import json
import zlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labelhouse.identities import Identities
from labelhouse.schema.tables import QUARANTINE, TABLES
from labelhouse.sources import Unit
from labelhouse.sources.labeling_output import CHUNK_RECORDS, SOURCE

IDENTITIES = Identities("a key for tests, long enough to use")
UNIT_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
RESPONSE = "s3://bucket/out/Pets/annotations/worker-response/iteration-2/17/2024-05-06_07:08:09.json"
MANIFEST = "s3://bucket/out/Pets/manifests/output/output.manifest"
SUB = "0f3c2a9e-canary-2222-3333-444455556666"
EMAIL = "canary.o'brien+label@example.com"

#: Columns that are added when a chunk is written.
_ADDED = {"unit_uri", "unit_version", "loaded_at", "source_name"}


@dataclass
class Result:
    """Everything that parsing a unit gave."""

    tables: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"worker_responses": [], "manifest_entries": []}
    )
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    chunks: int = 0

    @property
    def answers(self) -> list[dict[str, Any]]:
        return self.tables["worker_responses"]

    @property
    def entries(self) -> list[dict[str, Any]]:
        return self.tables["manifest_entries"]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(row["position"], row["reason"]) for row in self.quarantined]


def parse(data: bytes, uri: str = RESPONSE) -> Result:
    """Parses a unit, and checks what must be true of every one of its chunks."""
    result = Result()
    for _, chunk in SOURCE.parse([(Unit(uri, "v1", UNIT_AT, len(data)), data)], IDENTITIES):
        result.chunks += 1
        counts = {name: getattr(chunk, f"records_{name}") for name in ("read", "loaded", "quarantined", "filtered")}
        assert counts["read"] == counts["loaded"] + counts["quarantined"] + counts["filtered"]
        assert 0 < counts["read"] <= CHUNK_RECORDS
        result.counts.update(counts)
        assert set(chunk.tables) <= set(SOURCE.tables)
        for table, columns in chunk.tables.items():
            assert set(columns) == set(TABLES[table].column_names) - _ADDED
            result.tables[table] += rows_of(columns)
        if chunk.quarantined:
            assert set(chunk.quarantined) == set(QUARANTINE.column_names) - _ADDED
            result.quarantined += rows_of(chunk.quarantined)
    return result


def rows_of(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def document(*answers: Any) -> bytes:
    """A worker-response document."""
    return json.dumps({"answers": answers}).encode()


def answer(**changes: Any) -> dict[str, Any]:
    """A private worker's answer; a change to `...` leaves the field out."""
    given = {
        "acceptanceTime": "2024-05-06T07:00:00.123Z",
        "answerContent": {"crowd-image-classifier": {"label": "cat"}},
        "submissionTime": "2024-05-06T07:01:00.456Z",
        "timeSpentInSeconds": 40.543,
        "workerId": "private.eu-west-1.abcdef0123456789",
        "workerMetadata": {
            "identityData": {
                "identityProviderType": "Cognito",
                "issuer": "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool",
                "sub": SUB,
            }
        },
    } | changes
    return {key: value for key, value in given.items() if value is not ...}


def manifest(lines: Iterable[Any]) -> bytes:
    """An output manifest; text is a line as it is."""
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines).encode()


def line(**metadata: Any) -> dict[str, Any]:
    """A labelled line; a change to `...` leaves the field of its metadata out. Underscores stand for hyphens."""
    given = {
        "class-name": "cat",
        "confidence": 0.95,
        "creation-date": "2024-05-06T07:30:00.123456",
        "human-annotated": "yes",
        "job-name": "labeling-job/pets",
        "type": "groundtruth/image-classification",
    } | {name.replace("_", "-"): value for name, value in metadata.items()}
    return {
        "source-ref": "s3://images/1.jpg",
        "pet": 0,
        "pet-metadata": {key: value for key, value in given.items() if value is not ...},
    }


def bomb(megabytes: int) -> bytes:
    """A gzip file of that many megabytes of spaces."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(b" " * 1024 * 1024) for _ in range(megabytes)) + packer.flush()


def gzipped(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)
