"""CloudTrail's public keys: what is asked of AWS, and where a local copy keeps them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import PublicFormat

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources.trails.verdicts import (
    evidence,
)
from trail import HOUR, Trail, public_key, public_keys_document
from trail_faults import four_hours
from trail_verified import (
    digests_of,
    in_copy,
    no_clients,
    refusal,
    rows,
    uploaded,
)


def test_keys_are_asked_for_once_a_day_of_digests_and_never_in_the_future(s3: Any) -> None:
    units, asked = uploaded(four_hours(), s3)
    for unit in units:
        evidence(unit, asked)
    assert asked.keys.asked == [(datetime(2024, 5, 5, tzinfo=UTC), datetime(2024, 5, 7, 2, tzinfo=UTC))]
    now = datetime.now(UTC).replace(microsecond=0)
    today = Trail(started_at=now - HOUR)
    today.hour()
    units, asked = uploaded(today, s3)
    for unit in units[-1:] * 2:
        evidence(unit, asked)
    ((start, end),) = asked.keys.asked
    assert start < now - timedelta(hours=23)
    assert end <= now + timedelta(hours=2)


def test_the_key_of_a_backfill_digest_is_that_of_the_day_it_was_made(s3: Any) -> None:
    trail = four_hours()
    trail.log(trail.ended_at - timedelta(minutes=90))
    trail.digest(trail.ended_at - HOUR, signed_at=datetime(2024, 6, 20, 23, 30, tzinfo=UTC))
    units, asked = uploaded(trail, s3)
    (backfill,) = (unit for unit in units if unit.uri.endswith("_backfill.json.gz"))
    assert {row["status"] for row in rows(backfill, evidence(backfill, asked))} == {"verified"}
    assert asked.keys.asked == [(datetime(2024, 6, 19, tzinfo=UTC), datetime(2024, 6, 21, 2, tzinfo=UTC))]
    trail.metadata[trail.digests[-1]]["backfill-generation-timestamp"] = "some day"
    units, asked = uploaded(trail, s3)
    (backfill,) = (unit for unit in units if unit.uri.endswith("_backfill.json.gz"))
    evidence(backfill, asked)
    assert asked.keys.asked[0][0] == datetime(2024, 5, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "status"),
    [
        (public_key(form=PublicFormat.SubjectPublicKeyInfo), "verified"),
        (public_key("somebody's"), "forged"),
        (b"no key", "unverifiable"),
        (b"", "unverifiable"),
    ],
)
def test_a_public_key_comes_in_either_form_and_must_be_one(value: bytes, status: str, s3: Any) -> None:
    units, asked = uploaded(four_hours(), s3)
    asked.keys.keys[0]["Value"] = value
    assert {row["status"] for row in rows(units[1], evidence(units[1], asked))} == {status}


def test_without_public_keys_a_copy_is_unverifiable_but_what_differs_is_said(tmp_path: Path) -> None:
    trail = four_hours()
    trail.change(trail.logs[4], Records=[])
    trail.delete(trail.logs[5])
    verified = in_copy(trail, tmp_path, keys_in=None)
    expected = ["digest unverifiable", "digest unverifiable", "log 3 unverifiable", "log 4 modified", "log 5 missing"]
    assert verified.found[1] == expected
    reasons = {part["position"]: part["reason"] for part in verified.quarantined[trail.digests[1].rpartition("/")[2]]}
    assert reasons["0/unverifiable"] == "CloudTrail's public key with the digest's fingerprint is not known"
    assert reasons.keys() == {"0/unverifiable", "3/modified", "4/missing"}


@pytest.mark.parametrize("folder", ["", "AWSLogs", "AWSLogs/111122223333/CloudTrail-Digest/us-east-1"])
def test_public_keys_are_found_at_or_above_the_digests_of_a_copy(folder: str, tmp_path: Path) -> None:
    (tmp_path / "public-keys.json").write_text(public_keys_document("another's"))
    assert in_copy(four_hours(), tmp_path, keys_in=folder).found.keys() == {3}


def test_public_keys_outside_of_a_copy_are_not_looked_for(tmp_path: Path) -> None:
    (tmp_path / "public-keys.json").write_text(public_keys_document())
    assert in_copy(four_hours(), tmp_path / "copy", keys_in=None).found.keys() == {0, 1, 2, 3}


@pytest.mark.parametrize("text", ["", "[]", '{"PublicKeyList": [{"Value": "?"}]}', '{"publicKeyList"', "\xff"])
def test_public_keys_that_are_none_are_said_in_one_sentence(text: str, tmp_path: Path) -> None:
    four_hours().write(tmp_path)
    (tmp_path / "public-keys.json").write_bytes(text.encode("latin-1"))
    (unit, *_) = digests_of(str(tmp_path), no_clients)
    with pytest.raises(SourceError, match=r"the public keys cannot be read: '.*/public-keys.json' .* list-public-keys"):
        evidence(unit, no_clients)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refusal("AccessDeniedException", 400), SourceError, r"cannot be read \(AccessDeniedException\)"),
        (
            refusal("ThrottlingException", 400),
            SourceUnavailableError,
            r"cannot be read just now \(ThrottlingException\)",
        ),
    ],
)
def test_public_keys_that_aws_refuses_are_said_in_one_sentence(
    error: Exception, kind: type[SourceError], words: str, s3: Any
) -> None:
    class Refusing:
        def list_public_keys(self, **period: Any) -> Any:
            raise error

    units, asked = uploaded(four_hours(), s3)
    asked.keys = Refusing()  # type: ignore[assignment]
    with pytest.raises(kind) as raised:
        evidence(units[0], asked)
    assert type(raised.value) is kind
    assert raised.match(f"the public keys of CloudTrail: {words}: 'us-east-1' .*cloudtrail:ListPublicKeys")
