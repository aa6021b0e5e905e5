"""The published marts as Iceberg tables: replaced whole or by days, tagged with the release that they belong to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import partial
from uuid import uuid4

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Identifier

from labelhouse.errors import LakeError
from labelhouse.lake.catalog import MARTS, RAW, TABLE_PROPERTIES, Lake, retrying
from labelhouse.lake.filters import of_days

#: A property of snapshots: which write made it.
_WRITE_ID = "labelhouse.write-id"


def open_mart(lake: Lake, name: str) -> IcebergTable | None:
    """The table of a published mart, or None before its first publication."""
    identifier = lake.identifier(MARTS, name)
    return lake.catalog.load_table(identifier) if lake.catalog.table_exists(identifier) else None


def ensure_mart(lake: Lake, name: str, columns: pa.Schema, day_column: str | None) -> IcebergTable:
    """The mart's table with exactly `columns`: created, or its schema changed when the model's has."""
    table = open_mart(lake, name)
    if table is None:
        table = lake.create_table(MARTS, name, schema=columns, properties=TABLE_PROPERTIES)
        if day_column:
            with table.update_spec() as spec:
                spec.add_field(day_column, IdentityTransform(), day_column)
        return table
    held = {field.name: _type_name(field) for field in table.schema().as_arrow()}
    wanted = {field.name: _type_name(field) for field in columns}
    if held == wanted:
        return table
    gone = [column for column, type_name in held.items() if wanted.get(column) != type_name]
    with table.update_schema(allow_incompatible_changes=True) as update:
        for column in gone:
            update.delete_column(column)
    with table.update_schema() as update:
        update.union_by_name(columns)
    return table


def _type_name(field: pa.Field) -> str:
    """The type as both sides call it: pyiceberg reads large strings, and names what is inside a list its own way."""
    kind = field.type
    if pa.types.is_map(kind):
        return f"map of {_type_name(kind.item_field)}"
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return f"list of {_type_name(kind.value_field)}"
    return str(kind).removeprefix("large_")


class MartWrite:
    """What one publication writes into the table of one mart; nobody else's rows may end up among them.

    Args:
        table: of the mart, restored to what the publication starts from.
    """

    def __init__(self, table: IcebergTable) -> None:
        self.table = table
        self._start = _snapshot_id(table)
        self._mark = {_WRITE_ID: uuid4().hex}

    def replace_all(self, rows: pa.Table) -> None:
        """The table holds `rows` and nothing else, in one commit."""
        retrying(lambda: self.table.overwrite(rows, snapshot_properties=self._mark))

    def append(self, rows: pa.Table) -> None:
        """Adds `rows`, in one commit."""
        retrying(lambda: self.table.append(rows, snapshot_properties=self._mark))

    def replace_days(self, rows: pa.Table, day_column: str, days: Collection[date]) -> None:
        """The table's rows of `days` are `rows` (all of those days), in one commit."""
        wanted = of_days(day_column, days)
        retrying(lambda: self.table.overwrite(rows, overwrite_filter=wanted, snapshot_properties=self._mark))

    def finish(self) -> Snapshot:
        """The snapshot that holds what was written, and below it only what the publication started from.

        Raises:
            LakeError: another publication wrote to the table meanwhile, or put it back.
        """
        snapshots = {each.snapshot_id: each for each in self.table.refresh().metadata.snapshots}
        own = {name for name, each in snapshots.items() if self._is_own(each)}
        newest = _snapshot_id(self.table)
        line, at = set[int](), newest
        while at in own:
            line.add(at)
            at = snapshots[at].parent_snapshot_id
        if line != own or at != self._start or newest is None:
            raise LakeError("another publication wrote to the mart meanwhile: build again", where=self.table.name()[-1])
        return snapshots[newest]

    def _is_own(self, snapshot: Snapshot) -> bool:
        summary = snapshot.summary
        return summary is not None and summary.additional_properties.get(_WRITE_ID) == self._mark[_WRITE_ID]


def _snapshot_id(table: IcebergTable) -> int | None:
    current = table.current_snapshot()
    return current.snapshot_id if current else None


def restore(table: IcebergTable, snapshot_id: int | None) -> None:
    """Makes `snapshot_id` current: what a publication that crashed, or a newer release, left is not built upon."""
    current = table.current_snapshot()
    if current is None or current.snapshot_id == snapshot_id:
        return
    if snapshot_id is None:
        retrying(lambda: table.delete(AlwaysTrue()))
        return
    with table.manage_snapshots() as manage:
        manage.set_current_snapshot(snapshot_id=snapshot_id)


def tag(table: IcebergTable, snapshot_id: int, name: str) -> None:
    """Keeps a snapshot from being expired."""
    retrying(lambda: table.refresh().manage_snapshots().create_tag(snapshot_id, name).commit())


def untag(lake: Lake, name: str) -> None:
    """Removes a tag from every table that has it."""
    for namespace in (RAW, MARTS):
        for identifier in lake.tables(namespace):
            retrying(partial(_untag, lake, identifier, name))


def _untag(lake: Lake, identifier: Identifier, name: str) -> None:
    table = lake.catalog.load_table(identifier)
    if name in table.metadata.refs:
        table.manage_snapshots().remove_tag(name).commit()
