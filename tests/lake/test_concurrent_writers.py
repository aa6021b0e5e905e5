"""Writers at the same time, in processes of their own: nothing lost, nothing twice, everything landed.

`make bench` lets them load 25 units each, and twice as many of them on PostgreSQL.
"""

from __future__ import annotations

from pathlib import Path

from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings
from lake_writers import assert_all_landed, at_once, load_all
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
