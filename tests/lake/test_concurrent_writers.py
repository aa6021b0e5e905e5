"""Writers at the same time, in processes of their own: nothing lost, nothing twice, everything landed.

`make bench` lets them load 25 units each, and twice as many of them on PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path

from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings
from lake_units import expected, visible
from lake_writers import assert_all_landed, at_once, batch, in_background, load_all, load_all_unlocked, replace_all
from postgres import running_postgres

WRITERS = 8


def test_on_sqlite(tmp_path: Path) -> None:
    settings = {"lake": str(tmp_path / "lake")}
    Lake(load_settings({}, **settings)).raw("ingest_ledger")
    at_once(load_all, [(settings, writer, 3) for writer in range(WRITERS)])
    assert_all_landed(settings, WRITERS, 3)


def test_on_postgresql(tmp_path: Path) -> None:
    with running_postgres(["lake"]) as postgres:
        settings = {"lake": str(tmp_path / "lake"), "catalog_uri": postgres.uri("lake")}
        Lake(load_settings({}, **settings)).raw("ingest_ledger")
        at_once(load_all, [(settings, writer, 2) for writer in range(WRITERS)])
        assert_all_landed(settings, WRITERS, 2)


def test_without_locks_as_on_several_machines(tmp_path: Path) -> None:
    """Two deployments on one lake: what the catalog refuses is looked at again."""
    settings = {"lake": str(tmp_path / "lake")}
    Lake(load_settings({}, **settings)).raw("ingest_ledger")
    at_once(load_all_unlocked, [(settings, writer, 3) for writer in range(WRITERS // 2)])
    assert_all_landed(settings, WRITERS // 2, 3)


def test_readers_meet_whole_batches_while_they_are_replaced(tmp_path: Path) -> None:
    settings = {"lake": str(tmp_path / "lake")}
    lake = Lake(load_settings({}, **settings))
    replace_all(settings, range(1))
    met = []
    with in_background(replace_all, (settings, range(1, 8))) as is_at_it:
        while is_at_it():
            rows = visible(lake)
            versions = {row[1] for row in rows}
            assert len(versions) == 1, "one load or the next, never some of each"
            assert rows == expected(*batch(int(*versions)))
            met.append(int(*versions))
    assert met == sorted(met)
    assert len(set(met)) > 1, "something was replaced meanwhile"
    assert visible(lake) == expected(*batch(7))
