"""The tables that metrics may read: marts, raw tables, and the schema `status`, which tells of the house's own runs."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

from labelhouse.checks.contracts import table_columns
from labelhouse.schema.duckdb_types import DUCKDB_TYPES
from labelhouse.schema.quality import QUALITY_TABLES

#: Table of the schema `status` → column → DuckDB type.
STATUS_TABLES: dict[str, dict[str, str]] = {
    "builds": {
        "build_id": "varchar",
        "started_at": "timestamptz",
        "state": "varchar",
        "changed_at": "timestamptz",
        "is_held": "boolean",
        "held_step": "varchar",
    },
    "releases": {"release_id": "varchar", "build_id": "varchar", "published_at": "timestamptz"},
    "sources": {
        "source_name": "varchar",
        "is_configured": "boolean",
        "newest_unit_at": "timestamptz",
        "newest_loaded_at": "timestamptz",
    },
    "failed_runs": {"dag_id": "varchar", "run_id": "varchar", "failed_at": "timestamptz"},
}


def known_tables() -> dict[str, dict[str, str]]:
    """Every table that a metric may read → column → DuckDB type."""
    history = {
        f"raw.{table.name}": {column.name: DUCKDB_TYPES[column.type] for column in table.columns}
        for table in QUALITY_TABLES
    }
    return table_columns() | history | {f"status.{name}": columns for name, columns in STATUS_TABLES.items()}


def empty_lake() -> duckdb.DuckDBPyConnection:
    """Every table that a metric may read, without a row: wrong names are found out before there is data."""
    connection = duckdb.connect()
    connection.execute("create schema raw")
    create_status_tables(connection)
    for name, columns in known_tables().items():
        connection.execute(f"create table if not exists {name} ({_declared(columns)})")
    return connection


def create_status_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Creates the schema `status`, without a row."""
    connection.execute("create schema if not exists status")
    for name, columns in STATUS_TABLES.items():
        connection.execute(f"create table status.{name} ({_declared(columns)})")


def _declared(columns: Mapping[str, str]) -> str:
    return ", ".join(f'"{column}" {type_name}' for column, type_name in columns.items())
