"""Files of a CloudTrail trail: their names, what a digest says, and where what it names must lie.

Everything here is pure. A digest is data until its signature is checked, and may name anything: a name becomes a URI
only below the place that the digest itself lies in, and only where it is shaped as CloudTrail shapes its keys.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Literal, NamedTuple
from urllib.parse import quote

import msgspec

from labelhouse.sources.documents import CLOCK_SKEW, Unreadable, decode, flaw, shaped, time, unpack

Status = Literal["verified", "modified", "missing", "extra", "forged", "unverifiable"]

_DAY = "[0-9]{4}/[0-9]{2}/[0-9]{2}"
_DIGEST = re.compile(
    rf"(?:^|/)(?P<folder>CloudTrail-Digest)/(?P<region>[a-z0-9-]+)/{_DAY}/(?P<account>[0-9]{{12}})_CloudTrail-Digest_"
    r"(?P=region)_(?P<chain>(?P<trail>[A-Za-z0-9._-]+)_(?P<home>[a-z0-9-]+))_(?P<ended>[0-9]{8}T[0-9]{6}Z)"
    r"(?P<backfill>_backfill)?\.json\.gz\Z"
)
_LOG = re.compile(
    rf"(?:^|/)CloudTrail/(?P<region>[a-z0-9-]+)/{_DAY}/[0-9]{{12}}_CloudTrail_(?P=region)_"
    r"(?P<delivered>[0-9]{8}T[0-9]{4}Z)_[A-Za-z0-9]+\.json\.gz\Z"
)
#: What a digest may name, seen from the place it lies in.
_NAMED = re.compile(
    rf"(?:AWSLogs/)?(?:o-[a-z0-9]+/)?(?:[0-9]{{12}}/)?CloudTrail(?:-[A-Za-z]+)?/[a-z0-9-]+/{_DAY}/"
    r"[A-Za-z0-9_+=-][A-Za-z0-9_.+=-]{0,200}\.json\.gz"
)
_AWS_LOGS = "AWSLogs"
_S3, _FILE = "s3://", "file://"
#: Segments of a digest's key from `CloudTrail-Digest` on, which any copy keeps.
_KEPT_SEGMENTS = 6
#: No key of S3 is longer.
_LONGEST_KEY = 1024


@dataclass(frozen=True, slots=True)
class DigestName:
    """What the key of a digest says.

    Args:
        chain: name and home region of the trail; its backfill digests are a chain of their own.
        ended_at: end of what the digest covers.
        digests_uri: folder above the days of the digests.
        logs_uri: folder above the days of the log files.
    """

    account_id: str
    aws_region: str
    chain: tuple[str, bool]
    ended_at: datetime
    is_backfill: bool
    digests_uri: str
    logs_uri: str


def is_digest(uri: str) -> DigestName | None:
    """What a unit's URI says, where it is a digest's; None for everything else."""
    found = _DIGEST.search(uri)
    ended_at = found and _moment(found["ended"], "%Y%m%dT%H%M%SZ")
    if not found or not ended_at:
        return None
    above, region, is_backfill = uri[: found.start("folder")], found["region"], bool(found["backfill"])
    return DigestName(
        account_id=found["account"],
        aws_region=region,
        chain=(found["chain"], is_backfill),
        ended_at=ended_at,
        is_backfill=is_backfill,
        digests_uri=f"{above}CloudTrail-Digest/{region}/",
        logs_uri=f"{above}CloudTrail/{region}/",
    )


def log_delivered(uri: str) -> tuple[str, datetime] | None:
    """The folder above the days of a log file, and the minute of its delivery; None where the URI is no log file's."""
    found = _LOG.search(uri)
    delivered_at = found and _moment(found["delivered"], "%Y%m%dT%H%MZ")
    return (uri[: found.end("region") + 1], delivered_at) if found and delivered_at else None


def days(first: datetime, last: datetime) -> Iterator[str]:
    """The folders of the days from one moment to another."""
    day = first.date()
    while day <= last.date():
        yield f"{day:%Y/%m/%d}"
        day += timedelta(days=1)


def _moment(text: str, form: str) -> datetime | None:
    try:
        return datetime.strptime(text, form).replace(tzinfo=UTC)
    except ValueError:
        return None  # digits of no day or hour


class NamedLog(msgspec.Struct, rename="camel", kw_only=True):
    """A log file as a digest names it."""

    s3_bucket: str
    s3_object: str
    hash_value: str
    hash_algorithm: str
    newest_event_time: str | None = None
    oldest_event_time: str | None = None


class _Document(msgspec.Struct, rename="camel", kw_only=True):
    digest_start_time: str
    digest_end_time: str
    digest_s3_bucket: str
    digest_s3_object: str
    digest_public_key_fingerprint: str
    digest_signature_algorithm: str
    newest_event_time: str | None = None
    oldest_event_time: str | None = None
    previous_digest_s3_bucket: str | None = None
    previous_digest_s3_object: str | None = None
    previous_digest_hash_value: str | None = None
    previous_digest_hash_algorithm: str | None = None
    previous_digest_signature: str | None  # null in the first digest of a chain, and never left out
    log_files: list[NamedLog]


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest that could be read. Nothing of it is vouched for before its signature is checked."""

    says: _Document
    started_at: datetime
    ended_at: datetime
    sha256: str

    @property
    def previous(self) -> tuple[str, str] | None:
        """Bucket and key of the digest before; None in the first of a chain."""
        if self.says.previous_digest_s3_bucket is None or self.says.previous_digest_s3_object is None:
            return None
        return self.says.previous_digest_s3_bucket, self.says.previous_digest_s3_object

    @property
    def signed_text(self) -> bytes:
        """What CloudTrail signs."""
        says = self.says
        place = f"{says.digest_s3_bucket}/{says.digest_s3_object}"
        previous = "null" if says.previous_digest_signature is None else says.previous_digest_signature
        return f"{says.digest_end_time}\n{place}\n{self.sha256}\n{previous}".encode()


def read_digest(data: bytes) -> Digest:
    """The digest in the bytes of a file.

    Raises:
        Unreadable: it cannot be unpacked, is no JSON, or lacks what a digest must say.
    """
    text = unpack(data)
    document, is_suspect = decode(text)
    if is_suspect and (found := flaw(document)):
        raise Unreadable(found)
    says = shaped(document, _Document, "the digest")
    started_at = event_time(says.digest_start_time, "digestStartTime")
    ended_at = event_time(says.digest_end_time, "digestEndTime")
    if not started_at or not ended_at:
        raise Unreadable("digestStartTime or digestEndTime is empty")
    return Digest(says, started_at, ended_at, hashlib.sha256(text).hexdigest())


def event_time(text: str | None, name: str) -> datetime | None:
    """A time in a digest; see `documents.time`."""
    return time(text, name, datetime.now(UTC) + CLOCK_SKEW)


class Elsewhere(Exception):
    """A file does not lie, or may not be looked for, where a digest says; the text is the finding.

    Args:
        status: what that makes of the file.
    """

    def __init__(self, finding: str, status: Status = "unverifiable") -> None:
        super().__init__(finding)
        self.status = status


class Place(NamedTuple):
    """Where a trail lies: the folder that holds `AWSLogs`, or in a local copy what is left of it.

    Args:
        bucket: bucket that everything must be in, as the digest says.
        root_key: the folder's key in that bucket.
        root_uri: its URI here.
        top_uri: URI of the highest folder, in a local copy, that still belongs to the copy.
    """

    bucket: str
    root_key: str
    root_uri: str
    top_uri: str

    def uri_of(self, bucket: str, key: str) -> str:
        """The URI, here, of a file that the digest names.

        Raises:
            Elsewhere: it lies outside of this place; it is not looked for.
        """
        if bucket != self.bucket:
            raise Elsewhere("the digest names a file in another bucket, which is not looked into")
        rest = key.removeprefix(self.root_key)
        if not key.startswith(self.root_key) or len(key) > _LONGEST_KEY or not _NAMED.fullmatch(rest):
            raise Elsewhere("the digest names a file outside of the folders of the trail, which is not looked for")
        return self.root_uri + rest


def place_of(unit_uri: str, digest: Digest) -> Place:
    """Where the trail of a digest lies, from where the digest lies and where it says it does.

    In a bucket both must be the same. A local copy may have been made from any folder above `CloudTrail-Digest` on.

    Raises:
        Elsewhere: the digest was moved or renamed, or is of another bucket.
    """
    bucket, key = digest.says.digest_s3_bucket, digest.says.digest_s3_object
    named = key.split("/")
    if unit_uri.startswith(_S3):
        own_bucket, _, own_key = unit_uri.removeprefix(_S3).partition("/")
        if bucket != own_bucket:
            raise Elsewhere("the digest is of another bucket, which is not looked into")
        is_moved, found = key != own_key, own_key.split("/")
    else:
        found = unit_uri.removeprefix(_FILE).split("/")
        is_moved = found[-_KEPT_SEGMENTS:] != named[-_KEPT_SEGMENTS:]
    if is_moved:
        raise Elsewhere("the digest was signed for another key: it has been moved or renamed", "forged")
    spelled = named if unit_uri.startswith(_S3) else [quote(each, safe=":") for each in named]
    pairs = zip(reversed(found), reversed(spelled), strict=False)
    kept = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    shared = named[::-1].index(_AWS_LOGS, 0, kept) + 1 if _AWS_LOGS in named[-kept:] else kept
    above = "/".join(named[:-shared])
    root_uri, top_uri = (unit_uri.removesuffix("/".join(found[-each:])) for each in (shared, kept))
    return Place(bucket, above and f"{above}/", root_uri, top_uri)
