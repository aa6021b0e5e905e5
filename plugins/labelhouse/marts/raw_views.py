"""The lake as DuckDB sees it: `raw.<table>` and `changed.<table>`, views over exactly one state's files.

Nothing but the list of newest loads is materialised: DuckDB streams the Parquet files with push-down. Columns are
found by Iceberg's field ids, so a column that was added later is NULL in older files.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

import duckdb
from pyiceberg.table import Table as IcebergTable

from labelhouse.lake.catalog import Lake
from labelhouse.lake.filters import DayRange, day_ranges, during, since
from labelhouse.lake.snapshots import ALL_ROWS, Snapshots, current_snapshot, data_files
from labelhouse.schema.columns import Table
from labelhouse.schema.duckdb_types import DUCKDB_TYPES
from labelhouse.schema.tables import DAY_TABLES, INGEST_LEDGER, QUARANTINE, TABLES


def create_views(
    connection: duckdb.DuckDBPyConnection, lake: Lake, snapshots: Snapshots, days: Sequence[date] | None
) -> None:
    """Creates the schemas `raw` and `changed` in an open DuckDB file.

    Args:
        connection: the file, writable.
        lake: the lake.
        snapshots: raw table → snapshot, from `lake.snapshots.pin`; only these get views.
        days: UTC days that changed; None for all of them.
    """
    connection.execute("create schema if not exists raw; create schema if not exists changed")
    ranges = None if days is None else day_ranges(days)
    opened = {name: lake.raw(name) for name in snapshots}
    tables = [TABLES[name] for name in snapshots]
    for table in sorted(tables, key=lambda each: each is not INGEST_LEDGER):  # the others look at it
        rows = _scan(table, opened[table.name], data_files(opened[table.name], snapshots[table.name]))
        connection.execute(f"create or replace view raw.{table.name} as {_visible(table, rows)}")
        if table is INGEST_LEDGER:
            connection.execute(_NEWEST_LOADS)
        if table.name in DAY_TABLES:
            wanted = ALL_ROWS if ranges is None else during(ranges)
            rows = _scan(table, opened[table.name], data_files(opened[table.name], snapshots[table.name], wanted))
            connection.execute(f"create or replace view changed.{table.name} as {_visible(table, rows, ranges)}")
    _create_days(connection, days)


def create_history_view(
    connection: duckdb.DuckDBPyConnection, lake: Lake, table: Table, first_at: datetime | None = None
) -> None:
    """Creates `raw.<table>` for a table of the house's own history, from a moment on: earlier days are not opened."""
    opened = lake.raw(table.name)
    assert table.day_column
    rows = ALL_ROWS if first_at is None else since(table.day_column, first_at)
    query = f"select * from {_scan(table, opened, data_files(opened, current_snapshot(opened), rows))} as rows"
    if first_at is not None:
        query += f" where {table.day_column} >= timestamptz '{first_at.isoformat()}'"
    connection.execute(f"create or replace view raw.{table.name} as {query}")


#: A table: every look at any other one asks it, and the ledger is long.
_NEWEST_LOADS = """
    create or replace table raw.newest_loads as
    select unit_uri, unit_version, loaded_at, duplicate_of is not null as is_duplicate
    from raw.ingest_ledger
    qualify row_number() over (partition by unit_uri order by loaded_at desc) = 1
"""


def _visible(table: Table, rows: str, ranges: list[DayRange] | None = None) -> str:
    """A query over the visible ones of `rows`: those that the newest ledger row of their unit vouches for."""
    query = f"select * from {rows} as rows"
    conditions = []
    if "unit_version" in table.column_names and table is not INGEST_LEDGER:
        duplicates = "" if table is QUARANTINE else "and not newest_loads.is_duplicate"
        conditions.append(
            f"""exists (
                select 1 from raw.newest_loads
                where newest_loads.unit_uri = rows.unit_uri
                    and newest_loads.unit_version = rows.unit_version
                    and newest_loads.loaded_at = rows.loaded_at {duplicates}
            )"""
        )
    if ranges is not None:
        conditions.append(_in_ranges(table, ranges))
    return query + (f" where {' and '.join(conditions)}" if conditions else "")


def _scan(table: Table, opened: IcebergTable, files: list[str]) -> str:
    """All rows of `files`, as something to select from."""
    if not files:
        nulls = ", ".join(f"cast(null as {DUCKDB_TYPES[each.type]}) as {each.name}" for each in table.columns)
        return f"(select {nulls} where false)"
    fields = ", ".join(
        f"{opened.schema().find_field(column.name).field_id}: "
        f"{{name: '{column.name}', type: '{DUCKDB_TYPES[column.type]}', default_value: NULL}}"
        for column in table.columns
    )
    paths = ", ".join("'" + path.replace("'", "''") + "'" for path in files)
    return f"read_parquet([{paths}], schema = MAP {{{fields}}})"


def _in_ranges(table: Table, ranges: list[DayRange]) -> str:
    each = (
        f"({table.day_column} >= timestamptz '{days.first} 00:00:00+00' "
        f"and {table.day_column} < timestamptz '{days.last + timedelta(days=1)} 00:00:00+00')"
        for days in ranges
    )
    return f"({' or '.join(each) or 'false'})"


def _create_days(connection: duckdb.DuckDBPyConnection, days: Sequence[date] | None) -> None:
    """`changed.days(day_start_at)`: the UTC days that changed; in a full build every day that has rows."""
    connection.execute("create or replace table changed.days (day_start_at timestamptz)")
    if days is None:
        every = " union ".join(
            f"select date_trunc('day', {each.day_column}) from raw.{each.name}" for each in DAY_TABLES.values()
        )
        connection.execute(f"insert into changed.days {every} order by all")
    elif days:
        starts = [[f"{day} 00:00:00+00"] for day in days]
        connection.executemany("insert into changed.days values (?::timestamptz)", starts)
