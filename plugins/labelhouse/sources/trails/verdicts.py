"""Whether the files of a CloudTrail trail are as CloudTrail delivered them, by the digests that it signs every hour.

The rules are those of `aws cloudtrail validate-logs` (awscli 1.46), applied to each digest by itself.

**The digest.** It must unpack and be JSON with the fields that verification needs, else it is quarantined whole. It
must lie in the bucket and at the key that it gives. Its signature (SHA256withRSA, hexadecimal, in the metadata of the
object) must be that of the key with its fingerprint, over four lines: `digestEndTime`, `bucket/key`, SHA-256 of its
unpacked bytes, `previousDigestSignature` or `null`. A backfill digest is signed when it is made, as its metadata says.

**What it names.** SHA-256 of a log file's unpacked bytes must be the one given; a log file is one sound gzip member
with nothing behind it. The digest before must be there.

Where validate-logs says INVALID, `status` says which it is:
`modified` (another content, or no sound gzip), `missing`, `forged` (the signature is not that of this content at this
place with this key; then nothing the digest names is vouched for either) or `unverifiable` (no signature, no key with
the fingerprint, or a file that may not be looked for: of another bucket, or outside of the trail's folders).

We differ where we can know more, or must not follow:
* the digest before must also have the hash given for it, and end when this one begins: a gap is `missing`;
* log files that no digest names are `extra`; validate-logs does not look for them;
* no other bucket is read, though a digest or log file may once have been delivered there;
* a signature that the object has lost is taken from the next digest, which repeats it; so local copies can be verified,
  where validate-logs cannot, with the keys in `public-keys.json` (what `aws cloudtrail list-public-keys` prints) in the
  digest's folder or above. Their newest digest has no signature anywhere, and is `unverifiable`.
"""

from __future__ import annotations

import hashlib
import re
from array import array
from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from labelhouse.sources import Unit
from labelhouse.sources.documents import Unreadable
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.trails.evidence import LATE, Evidence, FoundFile, evidence
from labelhouse.sources.trails.files import (
    Digest,
    DigestName,
    Elsewhere,
    Place,
    Status,
    event_time,
    is_digest,
    log_delivered,
    place_of,
    read_digest,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    from labelhouse.identities import Identities

__all__ = ["LOOKS_AROUND", "TrailListing", "evidence", "is_digest", "parse_evidence", "version_of"]

#: The version of a digest depends on what is listed within so long of its end, on either side.
LOOKS_AROUND = LATE
#: What a digest names, or should name, was delivered within so long before its end; the digest before it ends then.
_LOOK_BACK = timedelta(minutes=90)
#: Periods of digests abut; what is no longer than this is no gap.
_NO_GAP = timedelta(minutes=1)

#: A chunk ends after so many records.
CHUNK_RECORDS = 10_000

_ALGORITHM = "SHA256withRSA"
_HASH_ALGORITHM = "SHA-256"
_SHA256 = re.compile("[0-9a-f]{64}")
_LONGEST_URI = 2048
_MARK_BYTES = 16

_NOT_VOUCHED_FOR = "the digest that names the file is not CloudTrail's, or cannot be verified"
_GAP = "no digest covers the time between the end of this one and the next one"
_EXTRA = "no digest names the file, which lies among the log files of its time"


class _Verdict(NamedTuple):
    """On one file.

    Args:
        is_news: whether the file fails by itself, not only because its digest cannot be verified.
    """

    file_uri: str
    file_kind: str
    status: Status
    finding: str
    expected_sha256: str | None = None
    found_sha256: str | None = None
    oldest_event_at: datetime | None = None
    newest_event_at: datetime | None = None
    is_news: bool = True


def parse_evidence(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """A row of `trail_digests` per file: the digest, the one before, the log files it names, the extra ones.

    Each is a record. Every file that fails is also a quarantined part of its record; what is unverifiable only because
    its digest is, is not: the digest's own part says it. Data never raises.
    """
    name = is_digest(unit.uri)
    if not name:
        raise ValueError(f"not a digest: {unit.uri!r}")
    parsed = Parsed(unit.unit_at, identities)
    found = Evidence(data)
    try:
        found = _evidence_in(data)
        digest = read_digest(found.digest)
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), found.digest, cleaned=False)
        yield parsed
        return
    for number, verdict in enumerate(_verdicts(unit, digest, found)):
        _load(parsed, number, verdict, name, digest, identities)
        if parsed.records_read == CHUNK_RECORDS:
            yield parsed
            parsed = Parsed(unit.unit_at, identities)
    if parsed.records_read:
        yield parsed


def _evidence_in(data: bytes) -> Evidence:
    try:
        return msgspec.json.decode(data, type=Evidence)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("this is no evidence about a digest") from None


def _load(
    parsed: Parsed, number: int, verdict: _Verdict, name: DigestName, digest: Digest, identities: Identities
) -> None:
    columns = verdict._asdict() | {"file_uri": identities.clean_text(verdict.file_uri)}
    del columns["is_news"]
    if not _SHA256.fullmatch(verdict.expected_sha256 or ""):
        columns["expected_sha256"] = None
    parsed.row(
        "trail_digests",
        str(number),
        name.ended_at,
        account_id=name.account_id,
        aws_region=name.aws_region,
        digest_started_at=digest.started_at,
        digest_ended_at=digest.ended_at,
        **columns,
    )
    parsed.loaded()
    if verdict.status != "verified" and verdict.is_news:
        kept = {each: columns[each] for each in ("file_uri", "status", "expected_sha256", "found_sha256")}
        parsed.quarantine_part(f"{number}/{verdict.status}", verdict.finding, msgspec.json.encode(kept), cleaned=True)


class _Judged(NamedTuple):
    """A digest: where it lies, the verdict on itself, and the evidence for the rest."""

    place: Place | None
    status: Status
    finding: str
    found: Evidence


def _verdicts(unit: Unit, digest: Digest, found: Evidence) -> Iterator[_Verdict]:
    says, judged = digest.says, _on_digest(unit, digest, found)
    times = _event_at(says.oldest_event_time), _event_at(says.newest_event_time)
    yield _Verdict(unit.uri, "digest", judged.status, judged.finding, None, digest.sha256, *times)
    if digest.previous:
        expected, algorithm = says.previous_digest_hash_value, says.previous_digest_hash_algorithm
        verdict = _on_file(judged, "digest", digest.previous, expected, algorithm)
        earlier = is_digest(verdict.file_uri)
        if verdict.status == "verified" and earlier and digest.started_at - earlier.ended_at > _NO_GAP:
            verdict = verdict._replace(status="missing", finding=_GAP)
        yield verdict
    for log in says.log_files:
        verdict = _on_file(judged, "log", (log.s3_bucket, log.s3_object), log.hash_value, log.hash_algorithm)
        oldest, newest = _event_at(log.oldest_event_time), _event_at(log.newest_event_time)
        yield verdict._replace(oldest_event_at=oldest, newest_event_at=newest)
    for uri in found.extras:
        yield _Verdict(uri, "log", "extra", _EXTRA)


def _on_digest(unit: Unit, digest: Digest, found: Evidence) -> _Judged:
    try:
        place = place_of(unit.uri, digest)
    except Elsewhere as elsewhere:
        return _Judged(None, elsewhere.status, str(elsewhere), found)
    status, finding = _on_signature(digest, found)
    return _Judged(place, status, finding, found)


def _on_signature(digest: Digest, found: Evidence) -> tuple[Status, str]:
    if found.signature is None:
        return "unverifiable", "the signature is lost: neither the file nor the next digest holds it"
    if digest.says.digest_signature_algorithm != _ALGORITHM:
        return "unverifiable", "the digest is signed in a way that is not known here"
    keys = _rsa_keys(found.public_keys)
    if not keys:
        return "unverifiable", "CloudTrail's public key with the digest's fingerprint is not known"
    if not any(_is_signed(digest.signed_text, found.signature, key) for key in keys):
        return "forged", "the signature is not CloudTrail's for this content at this place"
    started = "" if digest.previous else "; no digest vouches for what was delivered before"
    return "verified", f"the signature is CloudTrail's{started}"


def _rsa_keys(encoded: list[bytes]) -> list[RSAPublicKey]:
    """The RSA keys among DER-encoded ones: PKCS #1, or with the kind of key around it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    keys = []
    for each in encoded:
        with suppress(ValueError, UnsupportedAlgorithm):
            keys.append(load_der_public_key(each))
    return [key for key in keys if isinstance(key, RSAPublicKey)]


def _is_signed(text: bytes, signature: str, key: RSAPublicKey) -> bool:
    """Whether a hexadecimal signature is that of a text with a key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        key.verify(bytes.fromhex(signature), text, PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        return False
    return True


def _on_file(
    judged: _Judged, kind: str, named: tuple[str, str], expected: str | None, algorithm: str | None
) -> _Verdict:
    """The verdict on a file that the digest names."""
    place, digest_status, _, found = judged
    verdict = _Verdict("s3://{}/{}".format(*named)[:_LONGEST_URI], kind, digest_status, _NOT_VOUCHED_FOR, expected)
    if not place:
        return verdict._replace(is_news=digest_status == "forged")
    try:
        file_uri = place.uri_of(*named)
    except Elsewhere as elsewhere:
        forged = digest_status == "forged"
        return verdict if forged else verdict._replace(status=elsewhere.status, finding=str(elsewhere))
    there = found.files.get(file_uri, FoundFile("archived"))
    verdict = verdict._replace(file_uri=file_uri, found_sha256=there.sha256)
    if digest_status == "forged":
        return verdict
    status, finding = _compared(there, expected, algorithm)
    if status == "verified" and digest_status == "unverifiable":
        return verdict._replace(is_news=False)
    return verdict._replace(status=status, finding=finding)


def _compared(there: FoundFile, expected_sha256: str | None, hash_algorithm: str | None) -> tuple[Status, str]:
    if there.state == "missing":
        return "missing", "the file is gone"
    if there.state == "archived":
        return "unverifiable", "the file is archived and cannot be read"
    if there.state == "damaged":
        return "modified", f"the file cannot be unpacked: {there.damage}"
    if hash_algorithm != _HASH_ALGORITHM or not expected_sha256:
        return "unverifiable", "the digest gives no SHA-256 of the file"
    if there.sha256 != expected_sha256:
        return "modified", "the content of the file is not what CloudTrail delivered"
    return "verified", "the file is what the digest says"


def _event_at(text: str | None) -> datetime | None:
    try:
        return event_time(text, "")
    except Unreadable:
        return None


class TrailListing:
    """The log files and digests of a place as they are listed, and so the version of each digest.

    A digest is verified again when its version changes: with its own content, and with what was delivered in its
    period, replaced, deleted or added; when the digest before it is, when a backfill digest for its time appears, and,
    in a local copy, the next digest, which holds its signature. Depends on nothing that is further from the digest's
    end than `LOOKS_AROUND`, so that any listing which reaches that far gives the same version.

    Twenty bytes a log file are kept.
    """

    def __init__(self) -> None:
        self._minutes: dict[str, array[int]] = defaultdict(lambda: array("I"))
        self._marks: dict[str, bytearray] = defaultdict(bytearray)
        self._digests: dict[str, list[tuple[datetime, str, DigestName, Unit]]] = defaultdict(list)

    def add(self, unit: Unit) -> None:
        """Takes note of a log file or digest, in any order (soonest in that of the keys); of nothing else."""
        if name := is_digest(unit.uri):
            insort(self._digests[name.digests_uri], (name.ended_at, unit.uri, name, unit), key=lambda each: each[:2])
        elif delivered := log_delivered(unit.uri):
            folder, at = delivered
            minute, minutes = _minute(at), self._minutes[folder]
            place = len(minutes) if not minutes or minutes[-1] <= minute else bisect_right(minutes, minute)
            minutes.insert(place, minute)
            self._marks[folder][place * _MARK_BYTES : place * _MARK_BYTES] = _mark(unit)

    def digests(self) -> Iterator[Unit]:
        """The digests, by folder and time, with their versions; `unit_at` is the end of what each covers."""
        for folder in sorted(self._digests):
            for ended_at, _, name, unit in self._digests[folder]:
                yield replace(unit, version=self._version(name, unit), unit_at=ended_at)

    def _version(self, name: DigestName, unit: Unit) -> str:
        listed = self._digests[name.digests_uri]
        begin = bisect_left(listed, (name.ended_at - _LOOK_BACK,))
        end = bisect_right(listed, (name.ended_at + LATE + _NO_GAP,))
        around = sorted(_mark(other) for _, _, its, other in listed[begin:end] if _concerns(name, unit, its))
        minutes = self._minutes.get(name.logs_uri, array("I"))
        first = bisect_left(minutes, _minute(name.ended_at - _LOOK_BACK)) * _MARK_BYTES
        last = bisect_right(minutes, _minute(name.ended_at)) * _MARK_BYTES
        marks = self._marks.get(name.logs_uri, b"")[first:last]
        logs = sorted(bytes(marks[at : at + _MARK_BYTES]) for at in range(0, len(marks), _MARK_BYTES))
        return f"{unit.version}+{hashlib.sha256(b''.join(around) + b'/' + b''.join(logs)).hexdigest()[:32]}"


def version_of(digest_unit: Unit, units: Iterable[Unit]) -> str:
    """The version of one digest among log files and digests; `TrailListing` is for many."""
    listing = TrailListing()
    for unit in (digest_unit, *(unit for unit in units if unit.uri != digest_unit.uri)):
        listing.add(unit)
    return next(unit.version for unit in listing.digests() if unit.uri == digest_unit.uri)


def _concerns(name: DigestName, unit: Unit, other: DigestName) -> bool:
    """Whether the verdict on a digest may depend on another one of its account and region, or on itself."""
    after = timedelta(0)
    if other.is_backfill:
        after = LATE
    elif unit.uri.startswith("file:") and other.chain == name.chain:
        after = _LOOK_BACK
    return -_LOOK_BACK <= other.ended_at - name.ended_at <= after


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _mark(unit: Unit) -> bytes:
    return hashlib.blake2b(f"{unit.uri}\n{unit.version}".encode(), digest_size=_MARK_BYTES).digest()
