"""Releases: sets of marts that belong together. Readers follow one pointer, replaced atomically."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

POINTER = "current.json"


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
        warehouse: `s3://…` of the tables that hold it; None where that is the lake's folder.
    """

    release_id: str
    build_id: str
    published_at: str
    snapshots: dict[str, int | None]
    fingerprint: str
    marts: dict[str, PublishedMart]
    base_release_id: str | None
    folder: Path
    warehouse: str | None = None

    @property
    def tag(self) -> str:
        """Name of the Iceberg tag on each of its snapshots."""
        return f"release-{self.release_id}"

    @property
    def serving_path(self) -> Path:
        """The DuckDB file that readers open: a cache of the release, its content never changes."""
        return self.folder / "serving.duckdb"

    @property
    def dbt_docs_path(self) -> Path:
        """The dbt docs of the models that built it, one HTML file."""
        return self.folder / "dbt_docs.html"

    def write(self) -> None:
        """Writes `release.json` into its folder."""
        facts = asdict(self)
        del facts["folder"]
        replace_file(self.folder / "release.json", json.dumps(facts, indent=1))


def current_release(lake: Path) -> Release | None:
    """The release that the pointer names; None before the first publication."""
    pointer = read_file(lake / "releases" / POINTER)
    return read_release(lake, pointer["release_id"]) if pointer else None


def read_release(lake: Path, release_id: str) -> Release:
    """The release of that id."""
    folder = lake / "releases" / release_id
    facts: dict[str, Any] = json.loads((folder / "release.json").read_text())
    marts = {name: PublishedMart(**mart) for name, mart in facts.pop("marts").items()}
    return Release(**facts, marts=marts, folder=folder)


def point_to(lake: Path, release: Release) -> None:
    """Makes `release` what everybody reads, in one atomic step."""
    replace_file(lake / "releases" / POINTER, json.dumps({"release_id": release.release_id}))


def published(lake: Path) -> list[Release]:
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


def release_folders(lake: Path) -> list[Path]:
    """The folders of all releases, whole or not."""
    return sorted((lake / "releases").glob("[0-9]*"))


def next_release_folder(lake: Path) -> Path:
    """A new folder for the next release."""
    taken = [int(path.name) for path in release_folders(lake)]
    folder = lake / "releases" / f"{max(taken, default=0) + 1:06d}"
    folder.mkdir(parents=True)
    return folder


def read_file(path: Path) -> dict[str, Any] | None:
    """The JSON object of a file that `replace_file` writes; None where it was never written."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    found: dict[str, Any] = json.loads(text)
    return found


def replace_file(path: Path, text: str) -> None:
    """Writes `text` to `path` in one atomic step: readers see the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    draft = Path(name)
    draft.chmod(0o644)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
