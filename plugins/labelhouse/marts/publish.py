"""Publishing a build: marts to Iceberg, their snapshots tagged, a serving file, then one pointer.

A crash at any point leaves readers on the old release, whole. The next publication starts from the
snapshots of that release, whatever was written after them, so it ends as if nothing had happened.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from labelhouse.errors import LakeError
from labelhouse.folders import remove_tree
from labelhouse.lake.catalog import Lake
from labelhouse.lake.mart_tables import MartWrite, ensure_mart, open_mart, restore, tag, untag
from labelhouse.marts.build import Build, read_manifest
from labelhouse.marts.releases import (
    PublishedMart,
    Release,
    current_release,
    next_release_folder,
    point_to,
    pointer_version,
    published,
    release_folders,
)
from labelhouse.marts.serving import write_serving_file
from labelhouse.settings import Settings

#: How many days one commit replaces: pyiceberg writes a partitioned table from memory.
DAYS_PER_COMMIT = 31


@dataclass(frozen=True, slots=True)
class MartModel:
    """What a dbt model says about its publication, in its `meta.publish`.

    Args:
        name: of the mart.
        day_column: publishing replaces the days of this column; None: it replaces everything.
        changed_days_model: the model whose rows are the days to replace.
    """

    name: str
    day_column: str | None
    changed_days_model: str | None


def mart_models(manifest: dict[str, Any]) -> list[MartModel]:
    """The marts of a dbt manifest, by name."""
    found = []
    for node in manifest["nodes"].values():
        publish = node["config"].get("meta", {}).get("publish") if node["resource_type"] == "model" else None
        if publish:
            by_days = publish["replace"] == "days"
            found.append(
                MartModel(
                    name=node["name"],
                    day_column=publish["day_column"] if by_days else None,
                    changed_days_model=publish["changed_days_model"] if by_days else None,
                )
            )
    return sorted(found, key=lambda model: model.name)


def publish_build(settings: Settings, build: Build) -> Release:
    """Publishes a build that passed everything and returns the new release; a second time, it finds it done.

    Raises:
        LakeError: another release was published since the build began.
    """
    lake = Lake(settings)
    with _alone(lake):
        pointer = pointer_version(lake.dir)
        before = current_release(lake.dir)
        if before and before.build_id == build.build_id:
            return before
        if (before and before.release_id) != build.base_release_id:
            raise LakeError(
                "another release was published since the build began: build again",
                where=build.build_id,
                value=before and before.release_id,
                allowed=f"release {build.base_release_id}",
            )
        with build.opened(lake.dir) as connection:
            models = mart_models(read_manifest(settings, build))
            marts = {model.name: write_mart(lake, connection, model, build, before) for model in models}
        folder = next_release_folder(lake.dir)
        release = Release(
            folder=folder,
            release_id=folder.name,
            build_id=build.build_id,
            published_at=datetime.now(UTC).isoformat(timespec="seconds"),
            snapshots=build.snapshots,
            fingerprint=build.fingerprint,
            marts=marts,
            base_release_id=build.base_release_id,
        )
        tag_snapshots(lake, release)
        write_files(settings, lake, release, build, before)
        point_to(lake.dir, release, replacing=pointer)
    return release


@contextmanager
def _alone(lake: Lake) -> Iterator[None]:
    """One publication at a time; the lock of one that was killed is free at once.

    In S3 there is no lock: a publication that another one overtook finds it out, and publishes nothing.
    """
    if not isinstance(lake.dir, Path):
        yield
        return
    path = lake.dir / "releases" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def write_mart(
    lake: Lake, connection: duckdb.DuckDBPyConnection, model: MartModel, build: Build, before: Release | None
) -> PublishedMart:
    """Writes one mart on top of the snapshot that the release `before` holds of it."""
    held = before.marts.get(model.name) if before else None
    relation = connection.table(model.name)
    existing = open_mart(lake, model.name)
    if existing is not None:
        restore(existing, held.snapshot_id if held else None)
    table = ensure_mart(lake, model.name, relation.limit(0).to_arrow_table().schema, model.day_column)
    write = MartWrite(table)
    if model.day_column is None:
        write.replace_all(relation.to_arrow_table())
    elif build.days is None or held is None:
        _replace_every_day(connection, model, write)
    else:
        _replace_changed_days(connection, model, write)
    snapshot = write.finish()
    assert snapshot.summary is not None
    return PublishedMart(snapshot.snapshot_id, int(snapshot.summary["total-records"] or 0))


def _replace_every_day(connection: duckdb.DuckDBPyConnection, model: MartModel, write: MartWrite) -> None:
    """Writes all days in commits of a few, so that memory stays bounded; nobody reads before the pointer moves."""
    write.replace_all(connection.table(model.name).limit(0).to_arrow_table())
    for days in _day_chunks(connection, f'select distinct "{model.day_column}" from "{model.name}" order by 1'):
        write.append(_rows_of(connection, model, days))


def _replace_changed_days(connection: duckdb.DuckDBPyConnection, model: MartModel, write: MartWrite) -> None:
    assert model.day_column is not None
    for days in _day_chunks(connection, f'select "{model.day_column}" from "{model.changed_days_model}" order by 1'):
        write.replace_days(_rows_of(connection, model, days), model.day_column, days)


def _day_chunks(connection: duckdb.DuckDBPyConnection, query: str) -> list[list[date]]:
    days = [day for (day,) in connection.execute(query).fetchall()]
    return [days[start : start + DAYS_PER_COMMIT] for start in range(0, len(days), DAYS_PER_COMMIT)]


def _rows_of(connection: duckdb.DuckDBPyConnection, model: MartModel, days: list[date]) -> pa.Table:
    wanted = f'select * from "{model.name}" where "{model.day_column}" = any($days)'
    return connection.sql(wanted, params={"days": days}).to_arrow_table()


def tag_snapshots(lake: Lake, release: Release) -> None:
    """Keeps everything the release consists of, and was built from, from being expired."""
    for name, mart in release.marts.items():
        table = open_mart(lake, name)
        assert table is not None
        tag(table, mart.snapshot_id, release.tag)
    for name, snapshot_id in release.snapshots.items():
        if snapshot_id is not None:
            tag(lake.raw(name), snapshot_id, release.tag)


def write_files(settings: Settings, lake: Lake, release: Release, build: Build, before: Release | None) -> None:
    """Writes the release's own files: what readers open, the dbt docs, and last `release.json`."""
    write_serving_file(lake, release, settings.label_attributes)
    made = build.folder(lake.dir) / "target" / "static_index.html"
    docs = made if made.exists() else before and before.dbt_docs_path
    if docs:
        release.dbt_docs_path.write_text(docs.read_text().replace(str(lake.dir), "lake"))  # no paths of this machine
    release.write()


def clean_up(settings: Settings, build: Build) -> None:
    """Forgets releases beyond the last retained ones, those that a crash cut short, and the build's large files."""
    lake = Lake(settings)
    with _alone(lake):
        kept = {each.release_id for each in published(lake.dir)[: settings.retained_releases]}
        for folder in release_folders(lake.dir):
            # a newer one is that of a publication under way
            if folder.name not in kept and folder.name <= max(kept, default=""):
                untag(lake, f"release-{folder.name}")
                remove_tree(folder)  # readers that have its file open keep reading
    build.database(lake.dir).unlink(missing_ok=True)
    remove_tree(build.folder(lake.dir) / "target")
