"""As many writers at the same time as a busy day has: how long until all has landed, nothing lost, nothing twice."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks.results import circumstances, goal, is_kept, show, table
from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings
from lake_writers import assert_all_landed, at_once, load_all
from postgres import running_postgres

pytestmark = pytest.mark.timeout(0)

LOADS = 25
ON_SQLITE, ON_POSTGRESQL = 8, 16
MOST_SECONDS_A_LOAD = 1.0


def test_many_writers(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    rows = _row("SQLite", ON_SQLITE, _seconds(ON_SQLITE, lake=str(tmp_path / "sqlite")))
    with running_postgres(["lake"]) as postgres:
        uri = postgres.uri("lake")
        rows += _row("PostgreSQL", ON_POSTGRESQL, _seconds(ON_POSTGRESQL, lake=str(tmp_path / "lake"), catalog_uri=uri))
    lines = [
        circumstances(),
        "",
        "Processes that load at the same time into one lake, one unit a load, two commits each; then every row, every "
        "ledger row and every file is compared with what was loaded: none lost, none twice.",
        "",
        *table(["figure", "goal", "measured", "reached"], rows),
    ]
    show("Many writers", lines, keep=is_kept(pytestconfig))


def _seconds(writers: int, **settings: Any) -> float:
    """Until the last of them is done."""
    Lake(load_settings({}, **settings)).raw("ingest_ledger")
    began = time.monotonic()
    at_once(load_all, [(settings, writer, LOADS) for writer in range(writers)])
    taken = time.monotonic() - began
    assert_all_landed(settings, writers, LOADS)
    return taken


def _row(catalog: str, writers: int, seconds: float) -> list[list[str]]:
    loads = writers * LOADS
    what = f"{catalog}, {writers} writers × {LOADS} loads"
    return [
        goal(
            f"{what}, s a load",
            f"≤ {MOST_SECONDS_A_LOAD:g}",
            f"{seconds / loads:.2f}",
            seconds / loads <= MOST_SECONDS_A_LOAD,
        ),
        [f"{what}, s", "", f"{seconds:.0f}", ""],
    ]
