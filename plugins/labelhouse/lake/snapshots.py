"""What the lake holds at one moment: the snapshots of all raw tables that belong together, and their files."""

from __future__ import annotations

from collections.abc import Iterable

from pyiceberg.expressions import AlwaysTrue, BooleanExpression
from pyiceberg.table import Table as IcebergTable

from labelhouse.lake.catalog import Lake
from labelhouse.schema.tables import INGEST_LEDGER, TABLES

Snapshots = dict[str, int | None]

ALL_ROWS = AlwaysTrue()


def pin(lake: Lake, names: Iterable[str] = TABLES) -> Snapshots:
    """Raw table → its current snapshot, all consistent with one state of the ledger, which is always among them.

    Rows are committed before the ledger and swept after it, so a set of snapshots is consistent when
    the ledger stood still while it was taken.
    """
    while True:
        ledger = current_snapshot(lake.raw(INGEST_LEDGER.name))
        snapshots = {name: current_snapshot(lake.raw(name)) for name in names} | {INGEST_LEDGER.name: ledger}
        if current_snapshot(lake.raw(INGEST_LEDGER.name)) == ledger:
            return snapshots


def current_snapshot(table: IcebergTable) -> int | None:
    """The table's current snapshot; None while it holds nothing."""
    snapshot = table.current_snapshot()
    return snapshot.snapshot_id if snapshot else None


def data_files(table: IcebergTable, snapshot_id: int | None, rows: BooleanExpression = ALL_ROWS) -> list[str]:
    """Paths of the Parquet files of a snapshot; of those only that may hold some of `rows`."""
    if snapshot_id is None:
        return []
    planned = table.scan(row_filter=rows, snapshot_id=snapshot_id).plan_files()
    return sorted(task.file.file_path.removeprefix("file://") for task in planned)
