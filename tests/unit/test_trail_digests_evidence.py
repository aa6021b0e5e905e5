"""Evidence for digests: what is read and what never is, and what goes wrong on the way."""

from __future__ import annotations

import gzip
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import IncompleteReadError

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import UnitGone, UnitReplaced
from labelhouse.sources.trails.verdicts import (
    evidence,
)
from trail import HOUR, Trail, packed
from trail_faults import four_hours
from trail_verified import (
    digests_of,
    in_copy,
    no_clients,
    refusal,
    rows,
    uploaded,
)

# --- what is read


def test_only_what_concerns_a_digest_is_read_and_listed(s3: Any) -> None:
    trail = four_hours()
    units, asked = uploaded(trail, s3)
    evidence(units[1], asked)
    assert sorted(asked.read) == sorted(f"trails/{key}" for key in [*trail.digests[:2], *trail.logs[3:6]])
    assert asked.listed == ["trails/AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/06/"]
    assert set(asked.services) == {"s3", "cloudtrail@us-east-1"}


def test_the_same_files_are_the_same_evidence(s3: Any) -> None:
    units, asked = uploaded(four_hours(), s3)
    assert evidence(units[2], asked) == evidence(units[2], asked)


def test_a_digest_that_says_it_covers_centuries_lists_two_days(s3: Any) -> None:
    trail = four_hours()
    trail.change(trail.digests[1], digestStartTime="2010-01-02T00:00:00Z", digestEndTime="2026-01-01T00:00:00Z")
    trail.delete(trail.digests[0])
    units, asked = uploaded(trail, s3)
    evidence(units[0], asked)
    assert {each[-11:] for each in asked.listed} == {"2024/05/05/", "2024/05/06/"}


def test_a_digest_of_another_bucket_is_unverifiable_and_nothing_is_read_for_it(s3: Any) -> None:
    trail = four_hours()
    trail.bucket = "elsewhere"
    trail.hour()
    trail.bucket = "trails"
    units, asked = uploaded(trail, s3)
    data = evidence(units[4], asked)
    assert asked.read == [f"trails/{trail.digests[4]}"]
    own, *others = rows(units[4], data)
    assert (own["status"], own["finding"]) == (
        "unverifiable",
        "the digest is of another bucket, which is not looked into",
    )
    assert {row["status"] for row in others} == {"unverifiable"}
    assert all(row["file_uri"].startswith("s3://elsewhere/") for row in others[1:])


@pytest.mark.parametrize(
    "name",
    [
        "../../secret.json.gz",
        "AWSLogs/../../secret.json.gz",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/06/../../../../../../../secret.json.gz",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/06/..",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/06/.json.gz/secret.json.gz",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/06/nul\0.json.gz",
        "AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/06/%2e%2e%2fsecret.json.gz",
        "AWSLogs/111122223333/secret.json.gz",
        "/secret.json.gz",
        "",
        f"AWSLogs/111122223333/CloudTrail/us-east-1/2024/05/06/{'x' * 2_000}.json.gz",
    ],
)
def test_a_name_leads_nowhere_outside_of_the_trail(name: str, s3: Any, tmp_path: Path, monkeypatch: Any) -> None:
    trail = four_hours()
    key = trail.digests[1]
    named = trail.document(key)["logFiles"][0]
    changes = {"logFiles": [named | {"s3Object": name}], "previousDigestS3Object": name}
    trail.change(key, **changes)
    trail.sign(key)
    units, asked = uploaded(trail, s3)
    data = evidence(units[1], asked)
    assert asked.read[0] == f"trails/{key}"
    assert all(read.startswith("trails/AWSLogs/111122223333/CloudTrail-Digest/") for read in asked.read)
    own, previous, log = rows(units[1], data)[:3]
    assert own["status"] == "verified"
    assert previous["status"] == log["status"] == "unverifiable"
    assert log["finding"].startswith("the digest names a file outside of the folders of the trail")
    (tmp_path / "secret.json.gz").write_bytes(packed("secret"))
    copies = digests_of(str(trail.write(tmp_path / "copy")), no_clients)
    opened: list[str] = []
    real_open = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: opened.append(str(self)) or real_open(self, mode))
    assert rows(copies[1], evidence(copies[1], no_clients))[2]["status"] == "unverifiable"
    assert opened
    assert all(os.path.realpath(path).startswith(f"{tmp_path}/copy/") for path in opened)


def test_pipes_and_folders_in_a_copy_are_no_log_files(tmp_path: Path) -> None:
    trail = four_hours()
    pipe, folder = trail.logs[3:5]
    trail.delete(pipe)
    trail.delete(folder)
    trail.write(tmp_path)
    os.mkfifo(tmp_path / pipe)
    (tmp_path / folder).mkdir()
    assert in_copy(trail, tmp_path).found[1] == ["log 3 missing", "log 4 missing"]


# --- faults on the way


def test_a_digest_deleted_or_replaced_since_is_not_read_as_if_it_were_the_same(s3: Any, tmp_path: Path) -> None:
    trail = four_hours()
    units, asked = uploaded(trail, s3)
    trail.write(tmp_path)
    copies = digests_of(str(tmp_path), no_clients)
    s3.put_object(Bucket="trails", Key=trail.digests[0], Body=b"other")
    s3.delete_object(Bucket="trails", Key=trail.digests[1])
    (tmp_path / trail.digests[0]).write_bytes(b"other")
    (tmp_path / trail.digests[1]).unlink()
    for unit, clients in ((units[0], asked), (copies[0], no_clients)):
        with pytest.raises(UnitReplaced):
            evidence(unit, clients)
    for unit, clients in ((units[1], asked), (copies[1], no_clients)):
        with pytest.raises(UnitGone):
            evidence(unit, clients)


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refusal("SlowDown", 503), SourceUnavailableError, "S3 cannot be read just now"),
        (IncompleteReadError(actual_bytes=1, expected_bytes=2), SourceUnavailableError, "S3 cannot be read just now"),
        (refusal("AccessDenied", 403), SourceError, "access is denied"),
    ],
)
def test_what_cannot_be_read_is_neither_missing_nor_modified(
    error: Exception, kind: type[SourceError], words: str, at: int, s3: Any
) -> None:
    trail = four_hours()
    units, asked = uploaded(trail, s3)
    key = (trail.digests[1], trail.digests[0], trail.logs[4])[at]
    asked.faults[key] = error
    with pytest.raises(kind, match=words) as raised:
        evidence(units[1], asked)
    assert type(raised.value) is kind
    assert raised.value.value == f"s3://trails/{key}"


def test_an_archived_log_file_is_unverifiable(s3: Any) -> None:
    trail = four_hours()
    units, asked = uploaded(trail, s3)
    asked.faults[trail.logs[4]] = refusal("InvalidObjectState", 403)
    found = [row for row in rows(units[1], evidence(units[1], asked)) if row["status"] != "verified"]
    assert [(row["file_uri"], row["status"]) for row in found] == [(f"s3://trails/{trail.logs[4]}", "unverifiable")]
    assert found[0]["finding"] == "the file is archived and cannot be read"


def test_a_bomb_among_the_log_files_is_stopped(s3: Any) -> None:
    trail = four_hours()
    bomb = gzip.compress(bytes(64 << 20), 9)
    trail.files[trail.logs[4]] = bomb
    units, asked = uploaded(trail, s3)
    (row,) = [row for row in rows(units[1], evidence(units[1], asked)) if row["status"] != "verified"]
    assert row["finding"] == "the file cannot be unpacked: it unpacks to an implausible size"


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 3_000_000])
def test_log_files_of_any_size_are_hashed_whole(size: int, s3: Any) -> None:
    trail = Trail()
    trail.log(trail.ended_at + timedelta(minutes=20), [os.urandom(size // 2).hex()])
    trail.digest(trail.ended_at + HOUR)
    units, asked = uploaded(trail, s3)
    assert {row["status"] for row in rows(units[0], evidence(units[0], asked))} == {"verified"}
