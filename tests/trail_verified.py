"""A trail verified as the pipeline does it: listed, with the evidence for each digest, parsed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from labelhouse.identities import Identities
from labelhouse.schema.tables import QUARANTINE, TRAIL_DIGESTS
from labelhouse.sources import Clients, Unit
from labelhouse.sources.objects import list_objects
from labelhouse.sources.trails.verdicts import TrailListing, evidence, parse_evidence
from trail import PublicKeys, Trail, clients, public_keys_document

IDENTITIES = Identities("a key for tests, long enough to use")
#: Columns that are added when a chunk is written.
ADDED = {"unit_uri", "unit_version", "loaded_at", "source_name"}


class Verified:
    """The rows and quarantined parts of every digest that is listed, by the digest's file name."""

    def __init__(self, trail: Trail, uri: str, asked: Clients) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.quarantined: dict[str, list[dict[str, Any]]] = {}
        self._trail = trail
        for unit in digests_of(uri, asked):
            data = evidence(unit, asked)
            name = unit.uri.rpartition("/")[2]
            self.rows[name], self.quarantined[name] = [], []
            for chunk in parse_evidence(unit, data, IDENTITIES):
                assert chunk.records_read == chunk.records_loaded + chunk.records_quarantined
                for columns in chunk.tables.values():
                    assert set(columns) == set(TRAIL_DIGESTS.column_names) - ADDED
                    self.rows[name] += rows_of(columns)
                assert len(self.rows[name]) == chunk.records_loaded
                if chunk.quarantined:
                    assert set(chunk.quarantined) == set(QUARANTINE.column_names) - ADDED
                    self.quarantined[name] += rows_of(chunk.quarantined)

    @property
    def found(self) -> dict[int, list[str]]:
        """What is not verified, by the place of the digest in the trail."""
        found = {}
        for number, key in enumerate(self._trail.digests):
            name = key.rpartition("/")[2]
            if name in self.rows:
                found[number] = [self._words(row) for row in self.rows[name] if row["status"] != "verified"]
                found[number] += ["unreadable"] * (not self.rows[name])
        return {number: words for number, words in found.items() if words}

    @property
    def counts(self) -> tuple[int, int, int, int]:
        """Valid and invalid digests, valid and invalid log files, as validate-logs would count them."""
        counts: Counter[str] = Counter()
        for rows in self.rows.values():
            own = rows[0]["status"] if rows else "unreadable"
            counts[f"digest {own == 'verified'}"] += 1
            for row in rows[1:] if own == "verified" else ():
                if row["file_kind"] == "digest":
                    counts["digest False"] += row["status"] == "missing"
                elif row["status"] != "extra":
                    counts[f"log {row['status'] == 'verified'}"] += 1
        return counts["digest True"], counts["digest False"], counts["log True"], counts["log False"]

    def _words(self, row: dict[str, Any]) -> str:
        index = ""
        if row["file_kind"] == "log":
            names = [key.rpartition("/")[2] for key in self._trail.logs]
            is_inside = "/../" not in row["file_uri"] and "elsewhere" not in row["file_uri"]
            index = f" {names.index(row['file_uri'].rpartition('/')[2]) if is_inside else 'elsewhere'}"
        return f"{row['file_kind']}{index} {row['status']}"


def digests_of(uri: str, asked: Clients) -> list[Unit]:
    """The digests as the source lists them."""
    listing = TrailListing()
    for unit in list_objects(uri, asked):
        listing.add(unit)
    return list(listing.digests())


def rows_of(columns: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def in_bucket(trail: Trail, s3: Any, *signers: str) -> Verified:
    trail.upload(s3)
    return Verified(trail, f"s3://{trail.bucket}", clients(s3, *signers, region=trail.region))


def no_clients(service: str) -> Any:
    raise AssertionError("a local folder needs no client")


def in_copy(trail: Trail, folder: Path, *, below: str = "", keys_in: str | None = "") -> Verified:
    """A trail copied to a folder; `keys_in` is where in it the public keys are kept."""
    trail.write(folder, below=below)
    if keys_in is not None:
        (folder / keys_in / "public-keys.json").write_text(public_keys_document())
    return Verified(trail, str(folder), no_clients)


class Asked:
    """Clients of a bucket and of CloudTrail that remember what they were asked for; `faults` are raised instead."""

    def __init__(self, s3: Any, keys: PublicKeys | None = None, faults: dict[str, Exception] | None = None) -> None:
        self._s3, self.keys, self.faults = s3, keys or PublicKeys("CloudTrail's"), faults or {}
        self.services: list[str] = []
        self.read: list[str] = []
        self.listed: list[str] = []

    def __call__(self, service: str) -> Any:
        self.services.append(service)
        return self if service == "s3" else self.keys

    def get_object(self, **parameters: Any) -> Any:
        key = parameters["Key"]
        self.read.append(f"{parameters['Bucket']}/{key}")
        if key in self.faults:
            raise self.faults[key]
        return self._s3.get_object(**parameters)

    def get_paginator(self, name: str) -> Any:
        asked, paginator = self, self._s3.get_paginator(name)

        class Paginator:
            def paginate(self, **parameters: Any) -> Any:
                asked.listed.append(f"{parameters['Bucket']}/{parameters['Prefix']}")
                return paginator.paginate(**parameters)

        return Paginator()


def uploaded(trail: Trail, s3: Any) -> tuple[list[Unit], Asked]:
    trail.upload(s3)
    asked = Asked(s3)
    units = digests_of("s3://trails", asked)
    asked.listed.clear()
    return units, asked


def rows(unit: Unit, data: bytes) -> list[dict[str, Any]]:
    return [row for chunk in parse_evidence(unit, data, IDENTITIES) for row in rows_of(chunk.tables["trail_digests"])]


def refusal(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "x")
