"""The schema `status`: builds, releases, newest loads and failed runs, as they are when alarms are evaluated."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import duckdb

from labelhouse.checks.alarms.tables import STATUS_TABLES
from labelhouse.folders import Folder, modified_at
from labelhouse.marts.build import kept_builds, read_build
from labelhouse.marts.failed_runs import failed_runs
from labelhouse.marts.releases import published
from labelhouse.settings import Settings

#: The raw table that `status.sources` is made of.
LEDGER = "ingest_ledger"

_NEWEST_LOADS = """
    insert into status.sources
    select source_name, configured is not null, newest_unit_at, newest_loaded_at
    from (select unnest($sources) as source_name, true as configured)
    full join (
        select source_name, max(unit_at) as newest_unit_at, max(loaded_at) as newest_loaded_at
        from raw.ingest_ledger
        group by source_name
    ) using (source_name)
"""


def fill_status_tables(connection: duckdb.DuckDBPyConnection, settings: Settings, names: Collection[str]) -> None:
    """Fills those of the tables that are named; `status.sources` needs `raw.ingest_ledger`."""
    lake = settings.lake.resolve()
    if "builds" in names:
        _insert(connection, "builds", [_build_row(lake, build_id) for build_id in kept_builds(lake)])
    if "releases" in names:
        rows = [[each.release_id, each.build_id, datetime.fromisoformat(each.published_at)] for each in published(lake)]
        _insert(connection, "releases", rows)
    if "failed_runs" in names:
        runs = [[run.dag_id, run.run_id, datetime.fromisoformat(run.failed_at)] for run in failed_runs(lake)]
        _insert(connection, "failed_runs", runs)
    if "sources" in names:
        connection.execute(_NEWEST_LOADS, {"sources": sorted(settings.sources)})


def _build_row(lake: Folder, build_id: str) -> list[Any]:
    build = read_build(lake, build_id)
    changed_at = modified_at(build.folder(lake) / "build.json")
    held_step = build.held["step"] if build.held else None
    return [build_id, build.started_at, build.state, changed_at, build.state == "held", held_step]


def _insert(connection: duckdb.DuckDBPyConnection, name: str, rows: list[list[Any]]) -> None:
    if rows:
        marks = ", ".join("?" * len(STATUS_TABLES[name]))
        connection.executemany(f"insert into status.{name} values ({marks})", rows)
