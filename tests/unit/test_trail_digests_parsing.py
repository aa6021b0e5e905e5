"""What digests and their names are read as, whatever they say."""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from labelhouse.sources import Unit
from labelhouse.sources.documents import MAX_RECORD_BYTES
from labelhouse.sources.trails.verdicts import (
    CHUNK_RECORDS,
    evidence,
    is_digest,
    parse_evidence,
)
from trail import Trail, packed
from trail_faults import four_hours
from trail_verified import (
    IDENTITIES,
    no_clients,
    rows_of,
    uploaded,
)

# --- names


@pytest.mark.parametrize(
    "uri",
    [
        "s3://b/AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/06/111122223333_CloudTrail_us-east-1_20240506T1406Z_a.json.gz",
        "s3://b/AWSLogs/111122223333/CloudTrail-Insight/us-east-1/2024/05/06/x.json.gz",
        "s3://b/CloudTrail-Digest/us-east-1/2024/05/06/111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20241306T140131Z.json.gz",
        "s3://b/CloudTrail-Digest/us-east-1/2024/05/06/111122223333_CloudTrail-Digest_eu-west-1_t_us-east-1_20240506T140131Z.json.gz",
        "s3://b/CloudTrail-Digest/us-east-1/111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20240506T140131Z.json.gz",
    ],
)
def test_what_is_no_digest(uri: str) -> None:
    assert is_digest(uri) is None
    unit = Unit(uri, "v", datetime.now(UTC), 1)
    with pytest.raises(ValueError, match="not a digest"):
        evidence(unit, no_clients)
    with pytest.raises(ValueError, match="not a digest"):
        next(parse_evidence(unit, b"", IDENTITIES))


def test_the_parts_of_a_digests_name() -> None:
    trail = Trail(name="a_trail.of-ours", organization="o-abc123def4", prefix="p/", region="eu-west-1")
    name = is_digest(f"s3://b/{trail.digest_key(datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC), is_backfill=True)}")
    assert name
    assert (name.account_id, name.aws_region) == ("111122223333", "eu-west-1")
    assert (name.chain, name.is_backfill) == (("a_trail.of-ours_eu-west-1", True), True)
    assert name.ended_at == datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    above = "s3://b/p/AWSLogs/o-abc123def4/111122223333/"
    assert (name.digests_uri, name.logs_uri) == (
        f"{above}CloudTrail-Digest/eu-west-1/",
        f"{above}CloudTrail/eu-west-1/",
    )


# --- what parsing makes of it


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda document: b"", "the file is empty"),
        (lambda document: b"not JSON", "the text is not JSON"),
        (lambda document: gzip.compress(b"[]"), "the digest is a list, not an object"),
        (lambda document: packed({**document, "digestEndTime": "today"}), "digestEndTime is not a time such as"),
        (lambda document: packed({**document, "digestStartTime": ""}), "digestStartTime or digestEndTime is empty"),
        (lambda document: packed({**document, "digestEndTime": "9999-01-01T00:00:00Z"}), "digestEndTime lies before"),
        (lambda document: packed({**document, "logFiles": None}), "logFiles is null, not a list"),
        (
            lambda document: packed({**document, "logFiles": [{"s3Bucket": 1}]}),
            r"logFiles\[0\].s3Bucket is a number, not text",
        ),
        (lambda document: packed({**document, "x": "\ud800"}), "half of a surrogate pair"),
        (
            lambda document: packed(
                {key: value for key, value in document.items() if key != "previousDigestSignature"}
            ),
            "previousDigestSignature is missing",
        ),
        (lambda document: gzip.compress(b" " * (MAX_RECORD_BYTES + 1)), "."),
    ],
)
def test_a_digest_that_cannot_be_read_is_quarantined_whole(
    change: Callable[[Any], bytes], reason: str, s3: Any
) -> None:
    trail = four_hours()
    data = change(trail.document(trail.digests[1]))
    trail.files[trail.digests[1]] = data
    units, asked = uploaded(trail, s3)
    (chunk,) = parse_evidence(units[1], evidence(units[1], asked), IDENTITIES)
    assert (chunk.records_read, chunk.records_quarantined) == (1, 1)
    assert not chunk.tables
    assert chunk.quarantined["position"] == ["0"]
    assert chunk.quarantined["is_encrypted"] == [True]
    assert chunk.quarantined["raw_size_bytes"] == [len(data)]
    (found,) = chunk.quarantined["reason"]
    assert re.search(reason, found)


def test_a_digest_of_very_many_files_comes_in_chunks(s3: Any) -> None:
    trail = four_hours()
    key = trail.digests[1]
    named = trail.document(key)["logFiles"][0]
    hashes = (random.Random(number).randbytes(32).hex() for number in range(CHUNK_RECORDS + 5))
    trail.change(key, logFiles=[named | {"hashValue": each} for each in hashes])
    trail.sign(key)
    units, asked = uploaded(trail, s3)
    chunks = list(parse_evidence(units[1], evidence(units[1], asked), IDENTITIES))
    assert [chunk.records_read for chunk in chunks] == [CHUNK_RECORDS, 9]
    positions = [position for chunk in chunks for position in chunk.tables["trail_digests"]["position"]]
    assert positions == [str(number) for number in range(CHUNK_RECORDS + 9)]


def test_addresses_in_a_name_are_replaced(s3: Any) -> None:
    trail = Trail(prefix="of canary@example.com/")
    trail.hour()
    trail.delete(trail.logs[0])
    units, asked = uploaded(trail, s3)
    (chunk,) = parse_evidence(units[0], evidence(units[0], asked), IDENTITIES)
    assert "canary" not in str(rows_of(chunk.tables["trail_digests"]))
    assert b"canary" not in chunk.quarantined["raw_bytes"][0]
    assert json.loads(chunk.quarantined["raw_bytes"][0])["status"] == "missing"


def test_what_is_no_evidence_is_quarantined(s3: Any) -> None:
    (unit, *_), _ = uploaded(four_hours(), s3)
    for data in (b"", b"{}", b"\xff", b"[" * 100_000, msgspec.json.encode({"digest": "?"})):
        (chunk,) = parse_evidence(unit, data, IDENTITIES)
        assert chunk.quarantined["reason"] == ["this is no evidence about a digest"]
