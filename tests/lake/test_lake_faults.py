"""Disks that are full, catalogs that do not answer or went back in time, commits that are lost or meet another."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing, nullcontext
from itertools import count
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException, ValidationException

from labelhouse.errors import LakeError, LakeUnavailableError
from labelhouse.lake import catalog as catalog_module
from labelhouse.lake import write as write_module
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.lake.regression import refuse_older_catalog
from labelhouse.settings import Settings, load_settings
from lake_units import Sample, expected, stored, visible, write

OLD = Sample("s3://a/1", "v1", 20, bad=1)
NEW = Sample("s3://a/1", "v2", 7)
OTHER = Sample("s3://a/2", "v1", 3)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    """A lake that holds `OLD`."""
    lake = Lake(settings)
    write(lake, OLD)
    return lake


@pytest.mark.parametrize("number", range(1, 4), ids=["rows", "ledger", "sweep"])
def test_a_commit_that_landed_and_was_reported_as_refused(
    lake: Lake, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """The answer to a commit was lost, the request was sent again, and met its own work."""
    real, counted = SqlCatalog.commit_table, count(1)

    def refused_after_all(*arguments: Any) -> Any:
        done = real(*arguments)
        if next(counted) == number:
            raise CommitFailedException("the table has changed")
        return done

    monkeypatch.setattr(SqlCatalog, "commit_table", refused_after_all)
    write(lake, NEW)
    monkeypatch.undo()
    assert visible(lake) == expected(NEW)
    assert stored(lake) == 7
    assert Ledger(lake).known_versions() == {"s3://a/1": "v2"}


@pytest.mark.parametrize("error", [CommitFailedException("busy"), ValidationException("conflict")])
def test_a_conflict_is_looked_at_again(lake: Lake, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Somebody else committed the very units in between: the whole batch is computed anew, on what is there now."""
    monkeypatch.setattr(write_module, "one_after_the_other", lambda *_: nullcontext())  # as on another machine
    real, is_first = SqlCatalog.commit_table, iter([True])
    own = Lake(load_settings({}, lake=lake.dir))

    def in_between(*arguments: Any) -> Any:
        if next(is_first, False):
            write(own, OTHER)
            raise error
        return real(*arguments)

    monkeypatch.setattr(SqlCatalog, "commit_table", in_between)
    write(lake, NEW)
    assert visible(lake) == expected(NEW, OTHER)
    assert stored(lake) == 10


def test_a_locked_catalog_is_waited_for(lake: Lake) -> None:
    with closing(sqlite3.connect(lake.dir / "catalog.db", check_same_thread=False)) as other:
        other.execute("begin exclusive")
        Timer(1.0, other.rollback).start()
        write(Lake(load_settings({}, lake=lake.dir)), NEW)
    assert visible(lake) == expected(NEW)


def test_a_catalog_locked_for_good_fails_and_leaves_nothing_behind(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    uri = f"sqlite:///{lake.dir / 'catalog.db'}?timeout=0.05"
    impatient = Lake(load_settings({}, lake=lake.dir, catalog_uri=uri))
    impatient.raw("ingest_ledger")
    patient = catalog_module.Retrying
    monkeypatch.setattr(
        catalog_module, "Retrying", lambda **options: patient(**options | {"stop": catalog_module.stop_after_delay(1)})
    )
    with closing(sqlite3.connect(lake.dir / "catalog.db")) as other:
        other.execute("begin exclusive")
        with pytest.raises(LakeUnavailableError, match=r"the catalog cannot be written \(database is locked\)"):
            write(impatient, NEW)
    monkeypatch.undo()
    assert visible(lake) == expected(OLD)
    write(lake, NEW)
    assert (visible(lake), stored(lake)) == (expected(NEW), 7)
    named = {path for table in ("worker_responses", "quarantine") for path in files_of(lake, table)}
    orphans = {path for path in (lake.dir / "warehouse").rglob("*.parquet") if str(path) not in named}
    assert len([path for path in orphans if "worker_responses" in str(path)]) <= 2, "what the attempt wrote, not more"


def files_of(lake: Lake, name: str) -> list[str]:
    """Every data file that any snapshot of the table names."""
    table = lake.raw(name)
    found = table.inspect.all_files()["file_path"].to_pylist() if table.current_snapshot() else []
    return [path.removeprefix("file://") for path in found]


def test_a_missing_file_is_named(lake: Lake) -> None:
    (gone, *_) = [path for path in files_of(lake, "worker_responses") if Path(path).exists()]
    Path(gone).unlink()
    with pytest.raises(Exception, match=Path(gone).name):
        visible(lake)


def test_a_catalog_restored_from_an_older_backup_is_noticed(lake: Lake, tmp_path: Path) -> None:
    shutil.copy(lake.dir / "catalog.db", tmp_path / "backup.db")
    refuse_older_catalog(lake)
    seen = Ledger(lake).snapshot_id
    write(lake, NEW)
    refuse_older_catalog(lake, seen)
    newer = Ledger(lake).snapshot_id
    write(lake, OTHER)
    shutil.copy(tmp_path / "backup.db", lake.dir / "catalog.db")
    restored = Lake(load_settings({}, lake=lake.dir))
    with pytest.raises(LakeError, match=r"raw\.ingest_ledger: the catalog is older than the lake"):
        refuse_older_catalog(restored, newer)
    with pytest.raises(LakeError, match=r"raw\.ingest_ledger: the catalog is older than the lake"):
        refuse_older_catalog(restored, seen)
