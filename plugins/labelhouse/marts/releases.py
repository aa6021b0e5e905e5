"""Releases: sets of marts that belong together. Readers follow one pointer, replaced atomically."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from labelhouse.errors import LakeError
from labelhouse.folders import Folder, S3Path, Version

POINTER = "current.json"
SERVING_FILE = "serving.duckdb"


@dataclass(frozen=True, slots=True)
class PublishedMart:
    """One mart of a release: the Iceberg snapshot that holds it."""

    snapshot_id: int
    row_count: int


@dataclass(frozen=True, slots=True)
class Release:
    """One published set of marts.

    Args:
        release_id: a number with leading zeros, one more than the largest on disk.
        build_id: the build it came from.
        published_at: ISO 8601, UTC.
        snapshots: raw table → snapshot that it was built from; the ledger's is its position.
        fingerprint: of the models and settings; a different one forces a full build.
        marts: mart → what holds it.
        base_release_id: the release before it.
        folder: where its serving file and dbt docs are.
    """

    release_id: str
    build_id: str
    published_at: str
    snapshots: dict[str, int | None]
    fingerprint: str
    marts: dict[str, PublishedMart]
    base_release_id: str | None
    folder: Folder

    @property
    def tag(self) -> str:
        """Name of the Iceberg tag on each of its snapshots."""
        return f"release-{self.release_id}"

    @property
    def serving_path(self) -> Folder:
        """The DuckDB file that readers open: a cache of the release, its content never changes."""
        return self.folder / SERVING_FILE

    @property
    def dbt_docs_path(self) -> Folder:
        """The dbt docs of the models that built it, one HTML file."""
        return self.folder / "dbt_docs.html"

    def write(self) -> None:
        """Writes `release.json` into its folder."""
        facts = asdict(self)
        del facts["folder"]
        replace_file(self.folder / "release.json", json.dumps(facts, indent=1))


def current_release(lake: Folder) -> Release | None:
    """The release that the pointer names; None before the first publication."""
    pointer = read_file(lake / "releases" / POINTER)
    return read_release(lake, pointer["release_id"]) if pointer else None


def read_release(lake: Folder, release_id: str) -> Release:
    """The release of that id."""
    folder = lake / "releases" / release_id
    facts: dict[str, Any] = json.loads((folder / "release.json").read_text())
    marts = {name: PublishedMart(**mart) for name, mart in facts.pop("marts").items()}
    return Release(**facts, marts=marts, folder=folder)


def pointer_version(lake: Folder) -> Version | None:
    """What the pointer holds now, for `point_to`; None in a local lake, where publications wait for each other."""
    pointer = lake / "releases" / POINTER
    return pointer.read_version()[1] if isinstance(pointer, S3Path) else None


def point_to(lake: Folder, release: Release, replacing: Version | None = None) -> None:
    """Makes `release` what everybody reads, in one atomic step.

    Raises:
        LakeError: the pointer is not `replacing` any more: somebody else published.
    """
    pointer, text = lake / "releases" / POINTER, json.dumps({"release_id": release.release_id})
    if not isinstance(pointer, S3Path):
        replace_file(pointer, text)
        return
    try:
        pointer.write_text(text, replacing=replacing)
    except FileExistsError:
        if pointer.read_text() != text:  # else an answer was lost, and the request that was sent again met its own work
            raise LakeError(
                "another release was published since the build began: build again", where=release.build_id
            ) from None


def published(lake: Folder) -> list[Release]:
    """The current release and those before it, newest first, as far back as they are kept.

    A publication that a crash cut short is in nobody's past, so it is not among them.
    """
    found: list[Release] = []
    release = current_release(lake)
    while release:
        found.append(release)
        before = release.base_release_id
        is_kept = before is not None and (lake / "releases" / before / "release.json").exists()
        release = read_release(lake, before) if before and is_kept else None
    return found


def release_folders(lake: Folder) -> list[Folder]:
    """The folders of all releases, whole or not."""
    return sorted((lake / "releases").glob("[0-9]*"), key=lambda folder: folder.name)


def next_release_folder(lake: Folder) -> Folder:
    """A new folder for the next release, which nobody else gets."""
    while True:
        taken = [int(path.name) for path in release_folders(lake)]
        folder = lake / "releases" / f"{max(taken, default=0) + 1:06d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # another publication was first
            continue
        return folder


def read_file(path: Folder) -> dict[str, Any] | None:
    """The JSON object of a file that `replace_file` writes; None where it was never written."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    found: dict[str, Any] = json.loads(text)
    return found


def replace_file(path: Folder, text: str) -> None:
    """Writes `text` to `path` in one atomic step: readers see the old content or the new, never a part."""
    if isinstance(path, S3Path):
        path.write_text(text)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    draft.chmod(0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
