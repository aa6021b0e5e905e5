"""Objects of a local folder or an S3 bucket: listed in the order of their keys, read at the version listed.

Keys are data. They are matched and kept exactly, and handed back only to the place they came from; no path
on this machine is ever made from the key of a bucket.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote_to_bytes

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Clients, Unit, UnitGone, UnitReplaced
from labelhouse.sources.documents import MAX_UNIT_BYTES

_ALLOWED = "an existing folder, or s3://bucket/prefix"
_S3 = "s3://"
_FILE = "file://"

#: AWS's error codes and botocore's exceptions → what is wrong, and what is allowed instead.
AWS_REASONS = {
    "NoSuchBucket": ("the bucket does not exist", "a bucket that exists"),
    "InvalidBucketName": ("this is not the name of a bucket", _ALLOWED),
    "ParamValidationError": ("this is not the name of a bucket", _ALLOWED),
    "AccessDenied": ("access is denied", "credentials with s3:ListBucket and s3:GetObject"),
    "AllAccessDisabled": ("access is denied", "credentials with s3:ListBucket and s3:GetObject"),
    "403": ("access is denied", "credentials with s3:ListBucket and s3:GetObject"),
    "InvalidAccessKeyId": ("the AWS credentials are not accepted", "credentials that are valid now"),
    "SignatureDoesNotMatch": ("the AWS credentials are not accepted", "credentials that are valid now"),
    "ExpiredToken": ("the AWS credentials have expired", "credentials that are valid now"),
    "InvalidToken": ("the AWS credentials are not accepted", "credentials that are valid now"),
    "NoCredentialsError": ("no AWS credentials were found", "credentials from the connection, environment or profile"),
    "PartialCredentialsError": ("the AWS credentials are incomplete", "a key id together with its secret"),
    "ProfileNotFound": ("the AWS profile does not exist", "a profile of the AWS configuration"),
    "EndpointConnectionError": ("the S3 endpoint cannot be reached", "an endpoint that answers"),
    "ConnectTimeoutError": ("the S3 endpoint cannot be reached", "an endpoint that answers"),
    "PermanentRedirect": ("the bucket is in another region", "the region of the bucket"),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", "the region of the bucket"),
    "InvalidObjectState": ("the object is archived", "an object that was restored"),
}
#: What passes: AWS's codes for throttling and for its own faults, whatever their HTTP status …
_PASSING_CODES = {
    "BandwidthLimitExceeded",
    "InternalError",
    "InternalFailure",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
}
#: … and the exceptions, here or as a base class, for a connection that is not made, breaks, waits or garbles.
_PASSING_EXCEPTIONS = {
    "ConnectionError",
    "FlexibleChecksumError",
    "HTTPClientError",
    "HTTPError",  # what urllib3 raises while a body is read derives from this
    "IncompleteReadError",
}


class Refusal(NamedTuple):
    """What AWS, or the way to it, gave instead of an answer.

    Args:
        code: AWS's error code, else the name of the exception.
        message: in AWS's words; may quote values.
        status: of HTTP; 0 where no answer came.
        is_passing: another try may help.
    """

    code: str
    message: str
    status: int
    is_passing: bool


def list_objects(uri: str, clients: Clients) -> Iterator[Unit]:
    """Every object below a folder or prefix, in the byte order of the keys; `unit_at` is its last modification.

    Args:
        uri: a local path, `file:///folder` or `s3://bucket/prefix`; a prefix is taken as a folder, so that
            `s3://bucket/job` does not list `job-2`.
        clients: asked for `"s3"` only where the URI names a bucket.

    Symlinked folders are not followed. Objects deleted while they are listed are left out.

    Raises:
        SourceUnavailableError: the bucket cannot be read just now.
        SourceError: the place is missing, unreadable or of another kind; "empty" never looks like it.
    """
    scheme, has_scheme, rest = uri.partition("://")
    if uri and not has_scheme:
        return _list_folder(uri, Path(uri))
    if scheme == "s3":
        return _list_bucket(uri, clients)
    if scheme == "file" and rest.startswith("/"):
        return _list_folder(uri, path_of(uri))
    raise SourceError("this kind of place is not known", value=uri, allowed=_ALLOWED)


def list_folders(uri: str, clients: Clients) -> Iterator[str]:
    """The URIs of the folders directly below a prefix of a bucket, in order, without a slash at their ends.

    Raises:
        SourceError: as `list_objects`.
    """
    bucket, folder = _bucket_and_folder(uri)
    with in_one_sentence(uri):
        pages = clients("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder, Delimiter="/")
        for page in pages:
            for found in page.get("CommonPrefixes", ()):
                yield f"{_S3}{bucket}/{found['Prefix'].removesuffix('/')}"


def read_object(unit: Unit, clients: Clients) -> bytes:
    """The bytes of an object at the version that was listed, cut just behind the largest size that is parsed.

    Raises:
        UnitGone: it was deleted since.
        UnitReplaced: it was replaced since.
        SourceUnavailableError: it cannot be read just now.
        SourceError: it cannot be read.
    """
    return _read_key(unit, clients) if unit.uri.startswith(_S3) else _read_file(unit)


def is_on_disk(unit: Unit) -> bool:
    """Whether it is a file of this machine."""
    return unit.uri.startswith(_FILE)


def key_of(uri: str) -> str:
    """The key in the bucket, or the path in the file system, that a unit's URI stands for."""
    if uri.startswith(_S3):
        return uri.removeprefix(_S3).partition("/")[2]
    path = uri.removeprefix(_FILE)
    return unquote_to_bytes(path).decode(errors="replace") if "%" in path else path


def _list_folder(uri: str, folder: Path) -> Iterator[Unit]:
    try:
        pending = _entries(folder.resolve(strict=True))
    except FileNotFoundError:
        raise SourceError("the folder does not exist", value=uri, allowed=_ALLOWED) from None
    except NotADirectoryError:
        raise SourceError("this is a file", value=uri, allowed=_ALLOWED) from None
    except (OSError, RuntimeError, ValueError) as error:  # no permission, a loop of links, a NUL in the path
        raise SourceError(f"the folder cannot be read ({words_of(error)})", value=uri, allowed=_ALLOWED) from None
    while pending:
        entry = pending.pop()
        try:
            if entry.is_dir(follow_symlinks=False):
                pending += _entries(entry.path)
            elif entry.is_file():  # no pipes and devices: these would be waited for
                yield _unit_of_file(entry)
        except FileNotFoundError:
            continue  # deleted since its folder was read
        except OSError as error:
            raise SourceError(f"the folder cannot be read ({words_of(error)})", value=entry.path) from None


def _entries(folder: str | Path) -> list[os.DirEntry[str]]:
    """What is in a folder, last key first: a stack of these gives all keys in their order."""
    with os.scandir(folder) as entries:
        found = list(entries)
    if len(found) > 1:  # folders of one file are many
        found.sort(key=lambda entry: os.fsencode(entry.name) + b"/" * entry.is_dir(follow_symlinks=False), reverse=True)
    return found


def _unit_of_file(entry: os.DirEntry[str]) -> Unit:
    status = entry.stat()
    return Unit(
        # names need not be UTF-8; colons are in the name of every worker response, and allowed in a URI's path
        uri=_FILE + quote_from_bytes(os.fsencode(entry.path), safe="/:"),
        version=_file_version(status),
        unit_at=datetime.fromtimestamp(status.st_mtime, UTC),
        size_bytes=status.st_size,
    )


def _file_version(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}"


def path_of(uri: str) -> Path:
    """The local path of a `file://` URI."""
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix(_FILE))))


def _read_file(unit: Unit) -> bytes:
    try:
        # without a file object, which would cost a small file as much as its reading
        file = os.open(unquote_to_bytes(unit.uri.removeprefix(_FILE)), os.O_RDONLY)
        try:
            data = _read_up_to(file, min(unit.size_bytes, MAX_UNIT_BYTES + 1))
            version = _file_version(os.fstat(file))
        finally:
            os.close(file)
    except (FileNotFoundError, NotADirectoryError):
        raise UnitGone(unit.uri) from None
    except OSError as error:
        raise SourceError(f"the file cannot be read ({words_of(error)})", value=unit.uri) from None
    if version != unit.version:  # asked after reading, so that a change while reading counts too
        raise UnitReplaced(unit.uri)
    return data


def _read_up_to(file: int, size: int) -> bytes:
    data = os.read(file, size)
    while len(data) < size and (more := os.read(file, size - len(data))):
        data += more
    return data


def _bucket_and_folder(uri: str) -> tuple[str, str]:
    bucket, _, prefix = uri.removeprefix(_S3).partition("/")
    if not bucket:
        raise SourceError("no bucket is named", value=uri, allowed=_ALLOWED)
    return bucket, prefix if not prefix or prefix.endswith("/") else prefix + "/"


def _list_bucket(uri: str, clients: Clients) -> Iterator[Unit]:
    bucket, folder = _bucket_and_folder(uri)
    with in_one_sentence(uri):
        for page in clients("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=folder):
            for found in page.get("Contents", ()):
                yield Unit(
                    uri=f"{_S3}{bucket}/{found['Key']}",
                    version=found["ETag"].strip('"'),
                    unit_at=found["LastModified"].astimezone(UTC),
                    size_bytes=found["Size"],
                )


def _read_key(unit: Unit, clients: Clients) -> bytes:
    bucket, _, key = unit.uri.removeprefix(_S3).partition("/")
    with in_one_sentence(unit.uri):
        found = clients("s3").get_object(Bucket=bucket, Key=key, IfMatch=f'"{unit.version}"')
        # as its own context manager, a body hands out what is below it: no checksum, other exceptions
        with closing(found["Body"]) as body:
            # read without a size, the client also notices a connection that ended early
            data: bytes = body.read() if unit.size_bytes <= MAX_UNIT_BYTES else body.read(MAX_UNIT_BYTES + 1)
        if len(data) < min(unit.size_bytes, MAX_UNIT_BYTES + 1):  # read with a size, it does not
            raise SourceUnavailableError("the connection ended too early", value=unit.uri)
        return data


@contextmanager
def in_one_sentence(uri: str) -> Iterator[None]:
    """Turns what botocore and urllib3 raise into our errors, without importing them; everything else passes."""
    try:
        yield
    except Exception as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        if refusal.status == HTTPStatus.PRECONDITION_FAILED:
            raise UnitReplaced(uri) from None
        if refusal.code in {"NoSuchKey", "NoSuchVersion", "404"}:
            raise UnitGone(uri) from None
        raised, when = (SourceUnavailableError, " just now") if refusal.is_passing else (SourceError, "")
        what, allowed = AWS_REASONS.get(refusal.code, (f"S3 cannot be read{when} ({refusal.code})", None))
        raise raised(what, value=uri, allowed=allowed) from None


def refusal_of(error: Exception) -> Refusal | None:
    """What botocore or urllib3 raised, without importing them; None for every other exception."""
    kinds = {base.__name__ for base in type(error).__mro__ if base.__module__.startswith(("botocore.", "urllib3."))}
    if not kinds:
        return None
    response = getattr(error, "response", None) or {}  # None where no answer came
    code = response.get("Error", {}).get("Code", type(error).__name__)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    is_passing = (
        code in _PASSING_CODES
        or not kinds.isdisjoint(_PASSING_EXCEPTIONS)
        or status == HTTPStatus.TOO_MANY_REQUESTS
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )
    return Refusal(code, response.get("Error", {}).get("Message", ""), status, is_passing)


def words_of(error: Exception) -> str:
    """What the system says, without the path and the number of the error."""
    return (getattr(error, "strerror", None) or str(error)).lower()
