"""Verdicts on the files of a trail: every fault is found where it is and as what it is, in a bucket or a copy of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labelhouse.sources.objects import key_of
from trail import Trail, sha256
from trail_faults import FAULTS, four_hours
from trail_verified import in_bucket, in_copy

# --- every fault


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_where_it_is_and_quarantined_with_the_reason(name: str, s3: Any) -> None:
    trail, fault = four_hours(), FAULTS[name]
    fault.commit(trail)
    verified = in_bucket(trail, s3)
    assert verified.found == fault.found
    assert verified.counts == (fault.ours or fault.counts), "validate-logs finds as many"
    for digest, rows in verified.rows.items():
        assert all(row["finding"].isprintable() for row in rows)
        parts = {part["position"]: part["reason"] for part in verified.quarantined[digest]}
        if not rows:
            assert parts == {"0": "the gzip file is cut off"}
        elif rows[0]["status"] == "unverifiable":
            assert parts == {"0/unverifiable": rows[0]["finding"]}, "the digest's own part says it once"
        else:
            failing = [row for row in rows if row["status"] != "verified"]
            assert parts == {f"{row['position']}/{row['status']}": row["finding"] for row in failing}


_HOUR_1 = ["digest unverifiable", *(f"log {index} unverifiable" for index in (0, 1, 2))]
_HOUR_4 = ["digest unverifiable", "digest unverifiable", *(f"log {index} unverifiable" for index in (9, 10, 11))]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("untouched", {3: _HOUR_4}),
        ("log file changed", {1: ["log 4 modified"], 3: _HOUR_4}),
        ("log file deleted", {1: ["log 4 missing"], 3: _HOUR_4}),
        ("log file added", {1: ["log 12 extra"], 3: _HOUR_4}),
        ("log file taken out of its digest", {**FAULTS["log file taken out of its digest"].found, 3: _HOUR_4}),
        # the signature was lost with the metadata anyway, and the next digest repeats CloudTrail's
        ("digest signed with another key", {3: _HOUR_4}),
        # with a digest, the signature of the one before is lost
        ("digest deleted", {0: _HOUR_1, 2: ["digest missing"], 3: _HOUR_4}),
        ("another digest in its place", {**FAULTS["another digest in its place"].found, 0: _HOUR_1, 3: _HOUR_4}),
        ("backfill digest", {3: _HOUR_4, 4: ["digest unverifiable", "log 12 unverifiable"]}),
    ],
)
def test_a_local_copy_is_verified_up_to_its_newest_digest(
    name: str, found: dict[int, list[str]], tmp_path: Path
) -> None:
    trail = four_hours()
    FAULTS[name].commit(trail)
    assert in_copy(trail, tmp_path).found == found


def test_a_row_says_what_the_digest_says(s3: Any) -> None:
    trail = four_hours()
    trail.change(trail.logs[3], Records=[])
    verified = in_bucket(trail, s3)
    own, previous, log, *_ = verified.rows[trail.digests[1].rpartition("/")[2]]
    day = datetime(2024, 5, 6, tzinfo=UTC)
    for row in (own, previous, log):
        assert (row["account_id"], row["aws_region"]) == ("111122223333", "us-east-1")
        assert row["digest_started_at"] == day.replace(hour=13, minute=1, second=31)
        assert row["digest_ended_at"] == row["event_at"] == day.replace(hour=14, minute=1, second=31)
    assert own["file_uri"] == f"s3://trails/{trail.digests[1]}"
    assert own["found_sha256"] == sha256(trail.files[trail.digests[1]])
    assert previous["file_uri"] == f"s3://trails/{trail.digests[0]}"
    assert previous["expected_sha256"] == previous["found_sha256"] == sha256(trail.files[trail.digests[0]])
    assert log["file_uri"] == f"s3://trails/{trail.logs[3]}"
    assert (log["file_kind"], log["status"]) == ("log", "modified")
    assert log["finding"] == "the content of the file is not what CloudTrail delivered"
    assert log["found_sha256"] == sha256(trail.files[trail.logs[3]]) != log["expected_sha256"]
    assert (log["oldest_event_at"], log["newest_event_at"]) == (row["digest_started_at"], row["digest_ended_at"])
    first = verified.rows[trail.digests[0].rpartition("/")[2]][0]
    assert first["finding"].endswith("; no digest vouches for what was delivered before")


# --- which files are extra


def test_before_the_first_digest_no_file_is_extra(s3: Any) -> None:
    trail = Trail()
    for minutes in (5, 20, 90):
        trail.log(trail.ended_at - timedelta(minutes=minutes), is_digested=False)
    trail.hour()
    trail.hour()
    assert in_bucket(trail, s3).found == {}


def test_files_of_a_digest_that_is_gone_are_not_called_extra(s3: Any) -> None:
    trail = four_hours()
    trail.log(trail.ended_at - timedelta(hours=2, minutes=5), is_digested=False)
    trail.delete(trail.digests[1])
    assert in_bucket(trail, s3).found == {2: ["digest missing"]}


def test_another_trail_in_the_bucket_names_its_own_files(s3: Any) -> None:
    trail, other = four_hours(), Trail(name="other.trail")
    for _ in range(4):
        other.hour(53, 33, 13)
    other.upload(s3)
    assert in_bucket(trail, s3).found == {}


def test_files_of_another_account_and_region_are_not_extra(s3: Any) -> None:
    trail = four_hours()
    for other in (Trail(account="444455556666"), Trail(region="eu-west-1")):
        other.log(trail.ended_at - timedelta(minutes=90), is_digested=False)
        other.upload(s3)
    assert in_bucket(trail, s3).found == {}


def test_a_gap_in_the_chain_is_found(s3: Any) -> None:
    trail = four_hours()
    trail.change(trail.digests[3], digestStartTime="2024-05-06T15:31:31Z")
    trail.sign(trail.digests[3])
    (rows,) = [rows for rows in in_bucket(trail, s3).rows.values() if any(row["status"] == "missing" for row in rows)]
    assert rows[1]["file_uri"] == f"s3://trails/{trail.digests[2]}"
    assert rows[1]["finding"] == "no digest covers the time between the end of this one and the next one"


# --- where a trail lies


@pytest.mark.parametrize("organization", ["", "o-abc123def4"])
@pytest.mark.parametrize("prefix", ["", "logs/of us/"])
def test_a_trail_below_a_prefix_or_of_an_organization(prefix: str, organization: str, s3: Any, tmp_path: Path) -> None:
    trail = Trail(prefix=prefix, organization=organization)
    trail.hour()
    trail.hour()
    assert in_bucket(trail, s3).found == {}
    copied = in_copy(trail, tmp_path / "näme of a folder").found
    assert copied.keys() == {1}


@pytest.mark.parametrize("below", ["", "a/", "a/AWSLogs/", "a/AWSLogs/111122223333/"])
def test_a_copy_may_begin_at_any_folder_above_the_digests(below: str, tmp_path: Path) -> None:
    trail = Trail(prefix="a/")
    for _ in range(3):
        trail.hour()
    trail.change(trail.logs[4], Records=[])
    verified = in_copy(trail, tmp_path, below=below)
    assert verified.found.pop(1) == ["log 4 modified"]
    assert verified.found.keys() == {1, 2}, "the newest digest's signature is lost"
    for rows in verified.rows.values():
        for row in rows:
            assert Path(key_of(row["file_uri"])).is_file(), "rows of a copy name its files"
