"""What the lake holds at one moment: the snapshots of all raw tables that belong together, and their files."""

from __future__ import annotations

from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import Table as IcebergTable

from labelhouse.lake.catalog import Lake
from labelhouse.lake.filters import DayRange, during
from labelhouse.schema.tables import INGEST_LEDGER, TABLES

Snapshots = dict[str, int | None]


def pin(lake: Lake) -> Snapshots:
    """Raw table → its current snapshot, all consistent with one state of the ledger.

    Rows are committed before the ledger and swept after it, so a set of snapshots is consistent when
    the ledger stood still while it was taken.
    """
    while True:
        ledger = _current(lake.raw(INGEST_LEDGER.name))
        snapshots = {name: _current(lake.raw(name)) for name in TABLES} | {INGEST_LEDGER.name: ledger}
        if _current(lake.raw(INGEST_LEDGER.name)) == ledger:
            return snapshots


def _current(table: IcebergTable) -> int | None:
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else None


def data_files(table: IcebergTable, snapshot_id: int | None, ranges: list[DayRange] | None = None) -> list[str]:
    """Paths of the Parquet files of a snapshot; with `ranges`, only those that may hold rows of these days."""
    if snapshot_id is None:
        return []
    rows = AlwaysTrue() if ranges is None else during(ranges)
    planned = table.scan(row_filter=rows, snapshot_id=snapshot_id).plan_files()
    return sorted(task.file.file_path.removeprefix("file://") for task in planned)
