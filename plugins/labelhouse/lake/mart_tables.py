"""The published marts as Iceberg tables: replaced whole or by days, tagged with the release that they belong to."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import partial

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.table import Table as IcebergTable
from pyiceberg.transforms import IdentityTransform
from pyiceberg.typedef import Identifier

from labelhouse.lake.catalog import MARTS, RAW, TABLE_PROPERTIES, Lake, retrying
from labelhouse.lake.filters import of_days


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


def replace_all(table: IcebergTable, rows: pa.Table) -> None:
    """The table holds `rows` and nothing else, in one commit."""
    retrying(lambda: table.overwrite(rows))


def append(table: IcebergTable, rows: pa.Table) -> None:
    """Adds `rows`, in one commit."""
    retrying(lambda: table.append(rows))


def replace_days(table: IcebergTable, rows: pa.Table, day_column: str, days: Collection[date]) -> None:
    """The table's rows of `days` are `rows` (all of those days), in one commit."""
    retrying(lambda: table.overwrite(rows, overwrite_filter=of_days(day_column, days)))


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
