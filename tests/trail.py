"""A CloudTrail trail with signed digests, as CloudTrail delivers it: to a folder (without metadata) or a bucket."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from labelhouse.sources import Clients

STARTED_AT = datetime(2024, 5, 6, 12, 1, 31, tzinfo=UTC)
HOUR = timedelta(hours=1)
#: Minutes before the end of a period at which the log files of a digest are delivered.
MINUTES = (55, 40, 25)


@cache
def signing_key(name: str = "CloudTrail's") -> RSAPrivateKey:
    """One key a name and process: making them takes long."""
    return generate_private_key(65537, 2048)


class Trail:
    """What a trail has delivered: `files` and their `metadata` by key. Tests change both.

    Args:
        prefix: what stands before `AWSLogs/`, with its slash.
    """

    def __init__(
        self,
        *,
        bucket: str = "trails",
        prefix: str = "",
        organization: str = "",
        account: str = "111122223333",
        region: str = "us-east-1",
        name: str = "main_trail",
        started_at: datetime = STARTED_AT,
    ) -> None:
        self.bucket, self.account, self.region, self.name = bucket, account, region, name
        self.root = f"{prefix}AWSLogs/{organization and organization + '/'}{account}/"
        self.files: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.digests: list[str] = []
        self.logs: list[str] = []
        self.ended_at = started_at
        self.undigested: list[str] = []

    # --- what CloudTrail does

    def hour(self, *minutes_before_end: int, length: timedelta = HOUR) -> str:
        """Delivers log files, and after them the digest of their hour; its key."""
        ended_at = self.ended_at + length
        for minutes in minutes_before_end or MINUTES:
            self.log(ended_at - timedelta(minutes=minutes))
        return self.digest(ended_at)

    def log(self, at: datetime, records: Any = None, *, is_digested: bool = True) -> str:
        """Delivers a log file; its key. Without `is_digested`, no digest will name it: somebody else put it there."""
        unique = f"{len(self.files):016d}"
        name = f"{self.account}_CloudTrail_{self.region}_{at:%Y%m%dT%H%MZ}_{unique}.json.gz"
        key = f"{self.root}CloudTrail/{self.region}/{at:%Y/%m/%d}/{name}"
        records = [{"eventID": unique, "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}] if records is None else records
        self.files[key] = packed({"Records": records})
        self.metadata[key] = {}
        self.logs.append(key)
        if is_digested:
            self.undigested.append(key)
        return key

    def digest(self, ended_at: datetime, *, is_first: bool = False, signed_at: datetime | None = None) -> str:
        """Delivers a digest of what was delivered since the one before; its key.

        Args:
            is_first: it begins a new chain.
            signed_at: it is a backfill digest, made then.
        """
        chain = [each for each in self.digests if each.endswith("_backfill.json.gz") == bool(signed_at)]
        key = self.digest_key(ended_at, is_backfill=bool(signed_at))
        document = {
            "awsAccountId": self.account,
            "digestStartTime": f"{ended_at - HOUR if signed_at else self.ended_at:%Y-%m-%dT%H:%M:%SZ}",
            "digestEndTime": f"{ended_at:%Y-%m-%dT%H:%M:%SZ}",
            "digestS3Bucket": self.bucket,
            "digestS3Object": key,
            "digestPublicKeyFingerprint": fingerprint(),
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": f"{ended_at:%Y-%m-%dT%H:%M:%SZ}",
            "oldestEventTime": f"{self.ended_at:%Y-%m-%dT%H:%M:%SZ}",
            **self._previous(chain[-1] if chain and not is_first else None),
            "logFiles": [self._named(each, ended_at) for each in self.undigested],
        }
        self.undigested = []
        if not signed_at:
            self.ended_at = ended_at
        self.digests.append(key)
        self.files[key] = packed(document)
        self.metadata[key] = {"signature-algorithm": "SHA256withRSA"}
        if signed_at:
            self.metadata[key]["backfill-generation-timestamp"] = f"{signed_at:%Y-%m-%dT%H:%M:%SZ}"
        self.sign(key)
        return key

    def digest_key(self, ended_at: datetime, *, is_backfill: bool = False) -> str:
        name = f"{self.account}_CloudTrail-Digest_{self.region}_{self.name}_{self.region}_{ended_at:%Y%m%dT%H%M%SZ}"
        folder = f"{self.root}CloudTrail-Digest/{self.region}/{ended_at:%Y/%m/%d}"
        return f"{folder}/{name}{'_backfill' * is_backfill}.json.gz"

    def sign(self, key: str, signer: str = "CloudTrail's") -> None:
        """Signs the digest at `key` as it is now."""
        text = gzip.decompress(self.files[key])
        document = json.loads(text)
        previous = document["previousDigestSignature"] or "null"
        place = f"{document['digestS3Bucket']}/{document['digestS3Object']}"
        signed = f"{document['digestEndTime']}\n{place}\n{hashlib.sha256(text).hexdigest()}\n{previous}"
        self.metadata[key]["signature"] = signing_key(signer).sign(signed.encode(), PKCS1v15(), SHA256()).hex()

    def _named(self, key: str, ended_at: datetime) -> dict[str, str]:
        return {
            "s3Bucket": self.bucket,
            "s3Object": key,
            "hashValue": sha256(self.files[key]),
            "hashAlgorithm": "SHA-256",
            "newestEventTime": f"{ended_at:%Y-%m-%dT%H:%M:%SZ}",
            "oldestEventTime": f"{self.ended_at:%Y-%m-%dT%H:%M:%SZ}",
        }

    def _previous(self, key: str | None) -> dict[str, str | None]:
        return {
            "previousDigestS3Bucket": key and self.bucket,
            "previousDigestS3Object": key,
            "previousDigestHashValue": key and sha256(self.files[key]),
            "previousDigestHashAlgorithm": key and "SHA-256",
            "previousDigestSignature": key and self.metadata[key]["signature"],
        }

    # --- what others do

    def delete(self, key: str) -> None:
        del self.files[key], self.metadata[key]

    def change(self, key: str, **changes: Any) -> None:
        """Replaces fields of a digest, or of a log file's document."""
        self.files[key] = packed(json.loads(gzip.decompress(self.files[key])) | changes)

    def document(self, key: str) -> Any:
        return json.loads(gzip.decompress(self.files[key]))

    # --- where it lies

    def write(self, folder: Path, *, below: str = "") -> Path:
        """A local copy of what is below a key, as `aws s3 sync` makes it."""
        for key, data in self.files.items():
            if key.startswith(below):
                path = folder / key.removeprefix(below)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
        return folder

    def upload(self, s3: Any) -> None:
        for key, data in self.files.items():
            s3.put_object(Bucket=self.bucket, Key=key, Body=data, Metadata=self.metadata[key])


def packed(document: Any) -> bytes:
    return gzip.compress(json.dumps(document).encode(), mtime=0)


def sha256(data: bytes) -> str:
    return hashlib.sha256(gzip.decompress(data)).hexdigest()


def public_key(signer: str = "CloudTrail's", form: PublicFormat = PublicFormat.PKCS1) -> bytes:
    return signing_key(signer).public_key().public_bytes(Encoding.DER, form)


def fingerprint(signer: str = "CloudTrail's") -> str:
    return hashlib.md5(public_key(signer), usedforsecurity=False).hexdigest()


def public_keys_document(*signers: str) -> str:
    """What `aws cloudtrail list-public-keys` prints."""
    keys = [
        {
            "Value": base64.b64encode(public_key(signer)).decode(),
            "ValidityStartTime": "2024-05-01T00:00:00+00:00",
            "ValidityEndTime": "2024-06-01T00:00:00+00:00",
            "Fingerprint": fingerprint(signer),
        }
        for signer in signers or ("CloudTrail's",)
    ]
    return json.dumps({"PublicKeyList": keys})


class PublicKeys:
    """A client of CloudTrail that knows public keys; `asked` holds the periods it was asked for."""

    def __init__(self, *signers: str) -> None:
        self.keys = [{"Value": public_key(each), "Fingerprint": fingerprint(each)} for each in signers]
        self.asked: list[tuple[datetime, datetime]] = []

    def list_public_keys(self, *, StartTime: datetime, EndTime: datetime) -> dict[str, Any]:
        self.asked.append((StartTime, EndTime))
        return {"PublicKeyList": self.keys}


def clients(s3: Any, *signers: str, region: str = "us-east-1") -> Clients:
    """Clients of S3, and of CloudTrail in one region."""
    return {"s3": s3, f"cloudtrail@{region}": PublicKeys(*signers or ("CloudTrail's",))}.__getitem__
