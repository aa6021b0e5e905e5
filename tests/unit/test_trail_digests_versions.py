"""Versions of digests: they change when a verdict may."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from labelhouse.sources import Unit
from labelhouse.sources.objects import list_objects
from labelhouse.sources.trails.verdicts import (
    LOOKS_AROUND,
    TrailListing,
    is_digest,
    version_of,
)
from trail import HOUR, Trail
from trail_faults import four_hours
from trail_verified import (
    uploaded,
)


def stored(trail: Trail, place: str = "s3://trails") -> list[Unit]:
    """What a listing of the trail gives; the content of a file is its version."""
    return [
        Unit(f"{place}/{key}", hashlib.sha256(data).hexdigest(), datetime.now(UTC), len(data))
        for key, data in sorted(trail.files.items())
    ]


def versions(units: list[Unit]) -> dict[str, str]:
    listing = TrailListing()
    for unit in units:
        listing.add(unit)
    return {unit.uri.partition("AWSLogs")[2]: unit.version for unit in listing.digests()}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda trail: trail.change(trail.logs[4], Records=[]), {1}),
        (lambda trail: trail.change(trail.logs[5], Records=[]), {1, 2}),
        (lambda trail: trail.delete(trail.logs[3]), {1}),
        (lambda trail: trail.log(trail.ended_at - timedelta(hours=2, minutes=30), is_digested=False), {1, 2}),
        (lambda trail: trail.log(trail.ended_at - timedelta(minutes=125), is_digested=False), {1, 2}),
        (lambda trail: trail.log(trail.ended_at - timedelta(hours=9), is_digested=False), set()),
        (lambda trail: trail.log(trail.ended_at + timedelta(minutes=1), is_digested=False), set()),
        (lambda trail: trail.delete(trail.digests[1]), {2}),
        (lambda trail: trail.change(trail.digests[0], x=1), {0, 1}),
        (lambda trail: trail.hour(), set()),
        (lambda trail: trail.digest(trail.ended_at - 2 * HOUR, signed_at=trail.ended_at), {0, 1, 2}),
        (lambda trail: trail.files.update({f"{trail.root}CloudTrail/us-east-1/x.json.gz": b""}), set()),
    ],
)
def test_a_version_changes_when_the_verdict_may(change: Callable[[Trail], Any], changed: set[int]) -> None:
    trail = four_hours()
    before = versions(stored(trail))
    keys = [key.removeprefix("AWSLogs") for key in trail.digests]
    change(trail)
    after = versions(stored(trail))
    assert {number for number, key in enumerate(keys) if key in after and after[key] != before[key]} == changed


def test_in_a_copy_the_next_digest_which_holds_the_signature_changes_the_version() -> None:
    trail = four_hours()
    before = versions(stored(trail, "file:///copy"))
    newest = trail.digests[-1].removeprefix("AWSLogs")
    trail.hour()
    after = versions(stored(trail, "file:///copy"))
    assert {key for key in before if before[key] != after[key]} == {newest}


def test_a_version_depends_neither_on_the_order_nor_on_what_is_far_away() -> None:
    trail = Trail()
    for _ in range(12):
        trail.hour()
    units = stored(trail)
    expected = versions(units)
    for seed in range(5):
        assert versions(random.Random(seed).sample(units, len(units))) == expected
    listing = TrailListing()
    for unit in units:
        listing.add(unit)
    at = next(listing.digests()).unit_at + 6 * HOUR
    near = [unit for unit in units if at - LOOKS_AROUND <= time_of(unit) <= at + LOOKS_AROUND]
    assert len(near) < len(units)
    (seventh,) = (unit for unit in listing.digests() if unit.unit_at == at)
    own = next(unit for unit in units if unit.uri == seventh.uri)
    assert version_of(own, near) == version_of(own, units) == seventh.version
    assert seventh.version.startswith(f"{own.version}+")


def time_of(unit: Unit) -> datetime:
    (found,) = re.findall(r"_([0-9]{8}T[0-9]{4})(?:[0-9]{2})?Z", unit.uri)
    return datetime.strptime(found, "%Y%m%dT%H%M").replace(tzinfo=UTC)


def test_what_a_digest_is_read_at_is_its_own_version(s3: Any) -> None:
    units, asked = uploaded(four_hours(), s3)
    listed = {unit.uri: unit.version for unit in list_objects("s3://trails", asked)}
    for unit in units:
        assert unit.version.partition("+")[0] == listed[unit.uri]
        name = is_digest(unit.uri)
        assert name
        assert unit.unit_at == name.ended_at
