"""Evidence for a digest of a trail: everything outside of the digest that the verdict on it needs, gathered once.

Gathering decides nothing and parsing reads nothing, so a verdict can be repeated from its evidence. Only the place that
the digest lies in is read, files are hashed in pieces, and what a digest says it covers is never taken for more than
a day.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal
from weakref import WeakKeyDictionary

import msgspec

from labelhouse.errors import SourceError
from labelhouse.sources import Clients, Unit, UnitGone
from labelhouse.sources.documents import MAX_RECORD_BYTES, MAX_UNIT_BYTES, MAX_UNPACK_RATIO, Unreadable
from labelhouse.sources.objects import AWS_REASONS, in_one_sentence, list_objects, path_of, read_object, words_of
from labelhouse.sources.trails.files import (
    Digest,
    DigestName,
    Elsewhere,
    Place,
    days,
    is_digest,
    log_delivered,
    place_of,
    read_digest,
)

#: A log file delivered so close to the end of a digest's period may be named by the next digest instead.
EDGE = timedelta(minutes=15)
#: Digests that end up to so long afterwards may name what was delivered late.
LATE = timedelta(hours=3)
#: No digest covers more; one that says so is not believed.
_LONGEST_PERIOD = timedelta(days=1)
#: As `aws cloudtrail validate-logs` asks: keys are rotated while digests are being signed.
_KEY_MARGIN = timedelta(hours=2)
_PUBLIC_KEYS = "public-keys.json"
_FREE_BYTES = _STEP_BYTES = 1024 * 1024
_PIECE_BYTES = 64 * 1024
_REQUESTS_AT_ONCE = 8
_S3 = "s3://"
_ARCHIVED = AWS_REASONS["InvalidObjectState"][0]

_known_keys: WeakKeyDictionary[Any, dict[tuple[datetime, datetime], list[Any]]] = WeakKeyDictionary()


class FoundFile(msgspec.Struct, omit_defaults=True):
    """What lies where the digest names a file.

    Args:
        state: `damaged` is what cannot be unpacked as CloudTrail packs it, `archived` what cannot be read just now.
        sha256: of the unpacked bytes.
        damage: why it cannot be unpacked.
    """

    state: Literal["read", "missing", "damaged", "archived"]
    sha256: str | None = None
    damage: str | None = None


class Evidence(msgspec.Struct):
    """What the verdict on one digest needs.

    Args:
        digest: the digest as stored.
        signature: hexadecimal; None where neither the object nor the next digest has it.
        public_keys: DER, those with the fingerprint that the digest names.
        files: by URI, what the digest names and may be looked for.
        extras: URIs of log files, delivered in its period, that no digest names.
    """

    digest: bytes
    signature: str | None = None
    public_keys: list[bytes] = []
    files: dict[str, FoundFile] = {}
    extras: list[str] = []


def own_version(version: str) -> str:
    """The version of a digest's own bytes, from the version of its unit; see `trail_digests.version_of`."""
    return version.partition("+")[0]


def evidence(unit: Unit, clients: Clients) -> bytes:
    """The evidence for a digest at the version listed, as JSON. Of an unreadable or moved digest only itself.

    Args:
        clients: asked for `"s3"`, and for `"cloudtrail@<region>"`: CloudTrail's keys differ by region.

    Raises:
        UnitGone: the digest was deleted since.
        UnitReplaced: it was replaced since.
        SourceUnavailableError: something cannot be read just now.
        SourceError: something cannot be read.
    """
    name = is_digest(unit.uri)
    if not name:
        raise ValueError(f"not a digest: {unit.uri!r}")
    trail = _Trail(unit.uri, name, clients)
    data, metadata = trail.read(unit)
    try:
        digest = read_digest(data)
        place = place_of(unit.uri, digest)
    except (Unreadable, Elsewhere):
        return msgspec.json.encode(Evidence(data))
    previous, previous_file = trail.previous(digest, place)
    return msgspec.json.encode(
        Evidence(
            data,
            metadata.get("signature") or trail.signature_in_next(digest),
            trail.public_keys(digest, metadata, place),
            previous_file | trail.named_logs(digest, place),
            [] if name.is_backfill else trail.extras(digest, previous, place),
        )
    )


class _Trail:
    """The surroundings of one digest."""

    def __init__(self, uri: str, name: DigestName, clients: Clients) -> None:
        self._uri, self._name, self._clients = uri, name, clients
        self._is_local = not uri.startswith(_S3)

    def read(self, unit: Unit) -> tuple[bytes, Mapping[str, str]]:
        """The digest's bytes at the version listed, and its metadata, which a local copy has lost."""
        version = own_version(unit.version)
        if self._is_local:
            return read_object(replace(unit, version=version), self._clients), {}
        with self._opened(unit.uri, IfMatch=f'"{version}"') as (file, metadata):
            return _read(file), metadata

    def previous(self, digest: Digest, place: Place) -> tuple[Digest | None, dict[str, FoundFile]]:
        """The digest before, as far as it can be read, and what lies there."""
        uri = _uri_of(place, digest.previous)
        if not uri:
            return None, {}
        previous, found = self._digest_at(uri)
        return previous, {uri: found}

    def named_logs(self, digest: Digest, place: Place) -> dict[str, FoundFile]:
        """What lies where the digest names log files."""
        uris = sorted(_named_in(digest, place))
        with ThreadPoolExecutor(1 if self._is_local else _REQUESTS_AT_ONCE) as pool:
            return dict(zip(uris, pool.map(self._hashed, uris), strict=True))

    def signature_in_next(self, digest: Digest) -> str | None:
        """The signature that the next digest of the chain repeats."""
        ended_at = self._name.ended_at
        following = [
            (other.ended_at, uri)
            for other, uri in self._digests(ended_at, ended_at + LATE)
            if other.chain == self._name.chain and other.ended_at > ended_at
        ]
        for _, uri in sorted(following)[:1]:
            other, _ = self._digest_at(uri)
            if other and other.previous == (digest.says.digest_s3_bucket, digest.says.digest_s3_object):
                return other.says.previous_digest_signature
        return None

    def public_keys(self, digest: Digest, metadata: Mapping[str, str], place: Place) -> list[bytes]:
        """The keys with the fingerprint that the digest names."""
        fingerprint = digest.says.digest_public_key_fingerprint
        if self._is_local:
            return self._kept_keys(fingerprint, place)
        signed_at = _generated_at(metadata) or self._name.ended_at
        keys = _listed_keys(self._clients, self._name.aws_region, signed_at)
        return [key["Value"] for key in keys if key["Fingerprint"] == fingerprint]

    def extras(self, digest: Digest, previous: Digest | None, place: Place) -> list[str]:
        """Log files that were delivered in the digest's period, and that neither it nor another digest names.

        The period is shifted by `EDGE`, so that what is delivered just before its end is left to the next digest,
        whether or not there is one yet. Where the digest before is not known, neither is what it names.
        """
        last = self._name.ended_at - EDGE
        first = started_at = max(digest.started_at, self._name.ended_at - _LONGEST_PERIOD)
        named = _named_in(digest, place)
        if previous and previous.ended_at >= started_at:
            first = max(started_at - EDGE, previous.started_at)
            named |= _named_in(previous, place)
        found = {
            unit.uri
            for unit in self._listed(self._name.logs_uri, first, last)
            if (delivered := log_delivered(unit.uri)) and first < delivered[1] <= last
        }
        if not found <= named:
            for other, uri in self._digests(started_at, self._name.ended_at + LATE):
                if uri != self._uri and started_at <= other.ended_at:
                    neighbour, _ = self._digest_at(uri)
                    named |= _named_in(neighbour, place) if neighbour else set()
        return sorted(found - named)

    def _digests(self, first: datetime, last: datetime) -> Iterator[tuple[DigestName, str]]:
        """The digests of the account and region that end in a period; of other trails too."""
        for unit in self._listed(self._name.digests_uri, first, last):
            name = is_digest(unit.uri)
            if name and first <= name.ended_at <= last:
                yield name, unit.uri

    def _listed(self, folder_uri: str, first: datetime, last: datetime) -> Iterator[Unit]:
        for day in days(first, last):
            uri = f"{folder_uri}{day}"
            if not self._is_local or path_of(uri).is_dir():
                yield from list_objects(uri, self._clients)

    def _digest_at(self, uri: str) -> tuple[Digest | None, FoundFile]:
        """Another digest, None where it cannot be read, and what lies there."""
        try:
            with self._opened(uri) as (file, _):
                digest = read_digest(_read(file))
        except UnitGone:
            return None, FoundFile("missing")
        except Unreadable as reason:
            return None, FoundFile("damaged", damage=str(reason))
        return digest, FoundFile("read", digest.sha256)

    def _hashed(self, uri: str) -> FoundFile:
        """What lies at the URI of a log file."""
        try:
            with self._opened(uri) as (file, _):
                return FoundFile("read", _unpacked_sha256(file))
        except UnitGone:
            return FoundFile("missing")
        except Unreadable as reason:
            return FoundFile("damaged", damage=str(reason))
        except SourceError as error:
            if error.what != _ARCHIVED:
                raise
            return FoundFile("archived")

    @contextmanager
    def _opened(self, uri: str, **conditions: str) -> Iterator[tuple[IO[bytes], Mapping[str, str]]]:
        """A file as stored, to be read to its end, and its metadata."""
        if self._is_local:
            try:
                path = path_of(uri)
                if not path.is_file():  # no pipes and devices: these would be waited for
                    raise UnitGone(uri)
                with path.open("rb") as file:
                    yield file, {}
            except FileNotFoundError:
                raise UnitGone(uri) from None
            except OSError as error:
                raise SourceError(f"the file cannot be read ({words_of(error)})", value=uri) from None
            return
        bucket, _, key = uri.removeprefix(_S3).partition("/")
        with in_one_sentence(uri):
            found = self._clients("s3").get_object(Bucket=bucket, Key=key, **conditions)
            # read to its end, the client notices a connection that ended early
            with closing(found["Body"]) as body:
                yield body, found["Metadata"]

    def _kept_keys(self, fingerprint: str, place: Place) -> list[bytes]:
        """Keys that were saved in a local copy: in the digest's folder, or the nearest one above that has the key."""
        top = path_of(place.top_uri)
        for folder in path_of(self._uri).parents:
            saved = _saved_keys(folder / _PUBLIC_KEYS)
            if keys := [key.value for key in saved if key.fingerprint == fingerprint]:
                return keys
            if folder == top:
                break
        return []


def _named_in(digest: Digest, place: Place) -> set[str]:
    """The URIs of the log files that a digest names, as far as they may be looked for."""
    uris = (_uri_of(place, (log.s3_bucket, log.s3_object)) for log in digest.says.log_files)
    return {uri for uri in uris if uri}


def _uri_of(place: Place, named: tuple[str, str] | None) -> str | None:
    try:
        return place.uri_of(*named) if named else None
    except Elsewhere:
        return None


def _read(file: IO[bytes]) -> bytes:
    """A digest's bytes, cut just behind the largest size that is parsed."""
    pieces = iter(lambda: file.read(_STEP_BYTES), b"")
    return b"".join(islice(pieces, MAX_RECORD_BYTES // _STEP_BYTES + 2))


def _unpacked_sha256(file: IO[bytes]) -> str:
    """SHA-256 of what a log file unpacks to, in bounded memory.

    Raises:
        Unreadable: it is anything else than one sound gzip member, or unpacks to an implausible size.
    """
    member, sha256 = zlib.decompressobj(zlib.MAX_WBITS | 16), hashlib.sha256()
    stored_bytes = unpacked_bytes = 0
    try:
        while piece := file.read(_PIECE_BYTES):
            stored_bytes += len(piece)
            while piece:
                text = member.decompress(piece, _STEP_BYTES)
                sha256.update(text)
                unpacked_bytes += len(text)
                if unpacked_bytes > min(MAX_UNIT_BYTES, max(_FREE_BYTES, MAX_UNPACK_RATIO * stored_bytes)):
                    raise Unreadable("it unpacks to an implausible size")
                if member.unused_data:
                    raise Unreadable("something follows after the end of the gzip data")
                piece = member.unconsumed_tail
    except zlib.error:
        raise Unreadable("it is no sound gzip file") from None
    if not member.eof:
        raise Unreadable("it is cut off" if stored_bytes else "it is empty")
    return sha256.hexdigest()


def _generated_at(metadata: Mapping[str, str]) -> datetime | None:
    """When a backfill digest was made, and so with which key."""
    try:
        found = datetime.fromisoformat(metadata["backfill-generation-timestamp"])
    except (KeyError, ValueError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _listed_keys(clients: Clients, region: str, signed_at: datetime) -> list[Any]:
    """CloudTrail's public keys in a region for digests of a day, asked for once; for today's once an hour."""
    day = datetime.combine(signed_at.date(), time.min, UTC)
    this_hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    start, end = day - timedelta(days=1), min(day + timedelta(days=1), this_hour) + _KEY_MARGIN
    client = clients(f"cloudtrail@{region}")
    known = _known_keys.setdefault(client, {})
    if (start, end) not in known:
        try:
            with in_one_sentence(region):
                known[start, end] = client.list_public_keys(StartTime=start, EndTime=end)["PublicKeyList"]
        except SourceError as error:
            raise type(error)(
                error.what.replace("S3 ", ""),
                where="the public keys of CloudTrail",
                value=region,
                allowed="credentials with cloudtrail:ListPublicKeys",
            ) from None
    return known[start, end]


class _SavedKey(msgspec.Struct, rename="pascal"):
    value: bytes
    fingerprint: str


class _SavedKeys(msgspec.Struct, rename="pascal"):
    public_key_list: list[_SavedKey]


def _saved_keys(path: Path) -> list[_SavedKey]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_SavedKeys).public_key_list
    except FileNotFoundError:
        return []
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        allowed = "what `aws cloudtrail list-public-keys` prints"
        raise SourceError("the public keys cannot be read", value=str(path), allowed=allowed) from None
