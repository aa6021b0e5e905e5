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
from labelhouse.sources.labeling.answers import CHUNK_RECORDS
from labelhouse.sources.labeling.places import known_place_of
from labelhouse.sources.labeling_output import SOURCE
from parsed_rows import ADDED, rows_by_unit

IDENTITIES = Identities("a key for tests, long enough to use")
UNIT_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
RESPONSE = "s3://bucket/out/Pets/annotations/worker-response/iteration-2/17/2024-05-06_07:08:09.json"
SEQUENCE = "s3://bucket/out/Pets/annotations/consolidated-annotation/output/17/SeqLabel.json"
MASK = "s3://bucket/out/Pets/annotations/consolidated-annotation/output/17_2024-05-06T07:08:09.123456.png"
POINT_LABELS = "s3://bucket/out/Pets/annotations/consolidated-annotation/output/17/frame.zlib"
MANIFEST = "s3://bucket/out/Pets/manifests/output/output.manifest"
SUB = "0f3c2a9e-canary-2222-3333-444455556666"
EMAIL = "canary.o'brien+label@example.com"


@dataclass
class Result:
    """Everything that parsing a unit gave."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: {name: [] for name in SOURCE.tables})
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
    def annotations(self) -> list[dict[str, Any]]:
        return self.tables["annotations"]

    @property
    def frames(self) -> list[dict[str, Any]]:
        return self.tables["frames"]

    @property
    def areas(self) -> list[dict[str, Any]]:
        return self.tables["mask_areas"]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(row["position"], row["reason"]) for row in self.quarantined]


def parse(data: bytes, uri: str = RESPONSE) -> Result:
    """Parses a unit, and checks what must be true of every one of its chunks."""
    return parse_all([(uri, data)])[uri]


def parse_all(units: Iterable[tuple[str, bytes]]) -> dict[str, Result]:
    """Parses units together, as one load does: what each of them gave."""
    given = [(Unit(uri, "v1", UNIT_AT, len(data)), data) for uri, data in units]
    results = {unit.uri: Result() for unit, _ in given}
    for unit, chunk in SOURCE.parse(given, IDENTITIES):
        result = results[unit.uri]
        result.chunks += 1
        counts = {name: getattr(chunk, f"records_{name}") for name in ("read", "loaded", "quarantined", "filtered")}
        assert counts["read"] == counts["loaded"] + counts["quarantined"] + counts["filtered"]
        assert counts["read"] <= CHUNK_RECORDS
        assert counts["read"] or known_place_of(unit.uri).kind in {"sequence", "answers"}
        result.counts.update(counts)
        assert set(chunk.tables) <= set(SOURCE.tables)
        for table, columns in chunk.tables.items():
            if table in chunk.rows:
                assert set(columns) == set(TABLES[table].column_names) - ADDED
            for unit_uri, rows in rows_by_unit(unit.uri, table, columns).items():
                results[unit_uri].tables[table] += [with_dicts(row) for row in rows]
        if chunk.quarantined:
            assert set(chunk.quarantined) == set(QUARANTINE.column_names) - ADDED
            result.quarantined += rows_of(chunk.quarantined)
    return results


def with_dicts(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose maps are dicts again, as they were before Arrow had them."""
    maps = {name for name, value in row.items() if isinstance(value, list) and name in {"attributes", "class_map"}}
    return row | {name: dict(row[name]) for name in maps}


def rows_of(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Columns of rows that came one by one, row by row."""
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


def box(**changes: Any) -> dict[str, Any]:
    """A box of a sequence; a change to `...` leaves the field out. Underscores stand for hyphens."""
    given = {
        "height": 66,
        "width": 83.5,
        "top": 545,
        "left": 952,
        "class-id": "2",
        "label-category-attributes": {"Color": "Green"},
        "object-id": "d79cf040-8bff-11eb-8880-038cb4c55326",
        "object-name": "Vehicle:1",
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    return {key: value for key, value in given.items() if value is not ...}


def cuboid(**changes: Any) -> dict[str, Any]:
    """A cuboid of a point-cloud sequence, as `box`."""
    names = ("center-x", "center-y", "center-z", "length", "width", "height", "roll", "pitch", "yaw")
    numbers = dict(zip(names, (12.17, 120.2, -1.5, 4, 2, 2.08, 0, 0, -1.6), strict=True))
    gone = dict.fromkeys(("top", "left"), ...)
    return box(**{"class-id": 0, "object-name": "Car:1"} | gone | numbers | changes)


def frame(number: Any, *things: Any, **changes: Any) -> dict[str, Any]:
    """A frame of a video with its annotations, changed as `box`."""
    given = {
        "annotations": list(things),
        "frame-no": number,
        "frame": f"{number}.jpg",
        "frame-attributes": {},
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    return {key: value for key, value in given.items() if value is not ...}


def sequence(*frames: Any, name: str = "tracking-annotations") -> bytes:
    """A sequence file."""
    return json.dumps({name: frames}).encode()


def bomb(megabytes: int) -> bytes:
    """A gzip file of that many megabytes of spaces."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    return b"".join(packer.compress(b" " * 1024 * 1024) for _ in range(megabytes)) + packer.flush()


def gzipped(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)
