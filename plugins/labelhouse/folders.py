"""Where a lake keeps its files: a folder of this machine (`pathlib.Path`) or one in S3, which reads like a path.

S3 has no folders, no renames and no locks: a file is there whole or not at all, and what two processes may not both
do is a conditional PUT. Endpoint, region and credentials are those of AWS's own chain (environment, profile, role).
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache, total_ordering
from pathlib import Path, PurePosixPath
from typing import Any

SCHEME = "s3://"
#: So many downloaded files stay for the next reader, of each folder that they come from.
KEPT_COPIES = 8
#: How long one waits for those before it; the lock of a process that was killed is free at once.
PATIENCE_SECONDS = 60.0
#: What S3 answers, as a file system would say it.
_ERRNO = {
    "NoSuchKey": errno.ENOENT,
    "404": errno.ENOENT,
    "NoSuchBucket": errno.ENOENT,
    "AccessDenied": errno.EACCES,
    "403": errno.EACCES,
    "InvalidAccessKeyId": errno.EACCES,
    "SignatureDoesNotMatch": errno.EACCES,
    "ExpiredToken": errno.EACCES,
    "PreconditionFailed": errno.EEXIST,
    "412": errno.EEXIST,
    "ConditionalRequestConflict": errno.EEXIST,
}


@dataclass(frozen=True, slots=True)
class Version:
    """What a file held when it was read: its ETag, None where there was no file."""

    etag: str | None


@total_ordering
class S3Path:
    """An object, or what lies below its name, with as much of `pathlib.Path` as a lake needs.

    Methods raise `OSError` as a file system's would: `FileNotFoundError`, `PermissionError`, `FileExistsError` where a
    conditional PUT lost.
    """

    __slots__ = ("_key", "bucket")

    def __init__(self, uri: str) -> None:
        bucket, _, key = uri.removeprefix(SCHEME).partition("/")
        if not uri.startswith(SCHEME) or not bucket or ".." in key.split("/"):
            raise ValueError("s3://bucket/prefix")
        self.bucket, self._key = bucket, "/".join(part for part in key.split("/") if part)

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self._key}".rstrip("/")

    def __repr__(self) -> str:
        return f"S3Path({str(self)!r})"

    def __hash__(self) -> int:
        return hash((self.bucket, self._key))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, S3Path) and (self.bucket, self._key) == (other.bucket, other._key)

    def __lt__(self, other: S3Path) -> bool:
        return (self.bucket, self._key) < (other.bucket, other._key)

    def __truediv__(self, name: str) -> S3Path:
        return S3Path(f"{self}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return PurePosixPath(self._key).name

    @property
    def parent(self) -> S3Path:
        """What it lies in."""
        return S3Path(f"{SCHEME}{self.bucket}/{self._key.rpartition('/')[0]}")

    def resolve(self) -> S3Path:
        """Itself: there are no links."""
        return self

    def read_bytes(self) -> bytes:
        """Its content."""
        content: bytes = self._asked("get_object")["Body"].read()
        return content

    def read_text(self) -> str:
        """Its content, from UTF-8."""
        return self.read_bytes().decode()

    def read_version(self) -> tuple[str | None, Version]:
        """Its content and what to give `write_text` as `replacing`; None where there is no such file."""
        try:
            answer = self._asked("get_object")
        except FileNotFoundError:
            return None, Version(None)
        return answer["Body"].read().decode(), Version(answer["ETag"])

    def write_text(self, text: str, *, replacing: Version | None = None) -> None:
        """Replaces its content in one step; with `replacing` only if it is still that one, else FileExistsError."""
        conditions = {}
        if replacing is not None:
            conditions = {"IfMatch": replacing.etag} if replacing.etag else {"IfNoneMatch": "*"}
        self._asked("put_object", Body=text.encode(), **conditions)

    def is_file(self) -> bool:
        """Whether there is an object of that name."""
        try:
            self._asked("head_object")
        except FileNotFoundError:
            return False
        return True

    def exists(self) -> bool:
        """Whether there is an object of that name or below it."""
        return self.is_file() or next(self._keys(), None) is not None

    def mkdir(self, parents: bool = False, exist_ok: bool = False) -> None:  # noqa: ARG002 - as pathlib has it
        """Claims the name, so that nobody else's `mkdir` does; nothing to do where it may exist."""
        if not exist_ok:
            (self / ".claimed").write_text("", replacing=Version(None))

    def glob(self, pattern: str) -> Iterator[S3Path]:
        """What matches below it, files and folders; `**` is not known."""
        wanted = pattern.split("/")
        start = len(self._key) + 1 if self._key else 0
        found = {tuple(key[start:].split("/")[: len(wanted)]) for key in self._keys()}
        for parts in sorted(found):
            if len(parts) == len(wanted) and all(map(fnmatchcase, parts, wanted)):
                yield self / "/".join(parts)

    def unlink(self, missing_ok: bool = False) -> None:  # noqa: ARG002 - as pathlib has it
        """Deletes the object; S3 does not say whether there was one."""
        self._asked("delete_object")

    def remove_tree(self) -> None:
        """Deletes all that lies below it."""
        for key in list(self._keys()):
            S3Path(f"{SCHEME}{self.bucket}/{key}").unlink()

    def download(self, target: Path) -> None:
        """Writes its content to a file of this machine, which is there whole or not at all."""
        with replaced(target) as draft, draft.open("wb") as file:
            shutil.copyfileobj(self._asked("get_object")["Body"], file, 1 << 20)

    def upload(self, source: Path) -> None:
        """Replaces its content with a file's."""
        with source.open("rb") as file, _as_os_errors(self):
            _client(os.getpid()).upload_fileobj(file, self.bucket, self._key)

    def modified_at(self) -> datetime:
        """When it was written, to the second."""
        written_at: datetime = self._asked("head_object")["LastModified"]
        return written_at.astimezone(UTC)

    def etag(self) -> str:
        """What its content is known by."""
        return str(self._asked("head_object")["ETag"]).strip('"')

    def _asked(self, operation: str, **parameters: Any) -> dict[str, Any]:
        with _as_os_errors(self):
            answer: dict[str, Any] = getattr(_client(os.getpid()), operation)(
                Bucket=self.bucket, Key=self._key, **parameters
            )
            return answer

    def _keys(self) -> Iterator[str]:
        prefix = f"{self._key}/" if self._key else ""
        with _as_os_errors(self):
            for page in (
                _client(os.getpid()).get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            ):
                yield from (each["Key"] for each in page.get("Contents", ()))


#: What has `/`, `read_text`, `glob` and the like: a lake's folder, or a file in it.
Folder = Path | S3Path


def folder_at(place: str | Folder) -> Folder:
    """The folder that a URI or a path names.

    Raises:
        ValueError: `s3://` without a bucket.
    """
    if isinstance(place, Path | S3Path):
        return place
    return S3Path(place) if place.startswith(SCHEME) else Path(place)


@contextmanager
def one_after_the_other(folder: Folder, name: str) -> Iterator[None]:
    """Those of one machine who would overtake each other wait, so that nobody looks again and again; not for ever.

    It only saves work. In S3, or after `PATIENCE_SECONDS`, who was overtaken finds it out and looks again.
    """
    if not isinstance(folder, Path):
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with (folder / f"{name}.lock").open("w") as file:
        while time.monotonic() < deadline:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(0.02)
            else:
                break
        yield


def remove_tree(folder: Folder) -> None:
    """Deletes a folder with all that is in it; what is not there is no error."""
    if isinstance(folder, S3Path):
        folder.remove_tree()
    else:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def replaced(path: Folder) -> Iterator[Path]:
    """A file of this machine to write; left without an error, it takes the place of `path`, whole."""
    if isinstance(path, S3Path):
        with tempfile.TemporaryDirectory(prefix="labelhouse-") as folder:
            draft = Path(folder) / path.name
            yield draft
            path.upload(draft)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        yield draft
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


@contextmanager
def working_folder(folder: Folder, brought: Sequence[str] = (), kept: Sequence[str] = ()) -> Iterator[Path]:
    """A folder of this machine to work in: `folder` itself, or for one in S3 another that is gone afterwards.

    Args:
        folder: which it stands for.
        brought: files of `folder` that are needed there, those that exist.
        kept: files that go back to `folder` if the work ends without an error.
    """
    if isinstance(folder, Path):
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="labelhouse-") as name:
        work = Path(name)
        for each in brought:
            try:
                (folder / each).download(work / each)
            except FileNotFoundError:
                continue
        yield work
        for each in kept:
            if (work / each).exists():
                (folder / each).upload(work / each)


def local_copy(path: Folder) -> Path:
    """A file of this machine with the content of `path`, to be read only: itself, or a copy kept for the next time."""
    if isinstance(path, Path):
        return path
    copies = _copies() / hashlib.sha256(str(path.parent.parent).encode()).hexdigest()[:16]
    copy = copies / f"{path.parent.name}-{path.etag()}-{path.name}"
    if not copy.exists():
        path.download(copy)
        by_age = sorted(copies.glob("[!.]*"), key=lambda each: each.stat().st_mtime)
        for old in by_age[:-KEPT_COPIES]:
            old.unlink(missing_ok=True)  # whoever has it open keeps reading
    return copy


def modified_at(path: Folder) -> datetime:
    """When a file was written last."""
    if isinstance(path, S3Path):
        return path.modified_at()
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _copies() -> Path:
    """A folder that only this user reads: what lies there is opened without asking where it came from."""
    folder = Path(tempfile.gettempdir()) / f"labelhouse-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_uid != os.getuid() or folder.is_symlink():
        raise PermissionError(errno.EACCES, "the folder for copies of releases is somebody else's", str(folder))
    return folder


def s3_location() -> tuple[str, str | None]:
    """Region and endpoint that AWS's chain gives for S3; no endpoint where it is AWS's own."""
    meta = _client(os.getpid()).meta
    is_own = ".amazonaws.com" in meta.endpoint_url
    return meta.region_name, None if is_own else meta.endpoint_url


@cache
def _client(_pid: int) -> Any:
    """One a process: connections do not survive a fork."""
    import boto3
    from botocore.config import Config

    patient = Config(retries={"mode": "standard", "max_attempts": 8}, connect_timeout=10, read_timeout=60)
    return boto3.client("s3", config=patient)


@contextmanager
def _as_os_errors(path: S3Path) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code"))
        raise OSError(_ERRNO.get(code, errno.EIO), f"S3 answers {code}", str(path)) from None
    except BotoCoreError as error:
        raise OSError(errno.EIO, f"S3 cannot be asked ({type(error).__name__})", str(path)) from None
