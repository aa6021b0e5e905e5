"""The columns of every table a check may name: of raw tables from the schema, of marts from their contracts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from labelhouse.schema.duckdb_types import DUCKDB_TYPES
from labelhouse.schema.tables import DAY_TABLES, TABLES
from labelhouse.settings import PROJECT_DIR

MARTS_DIR = PROJECT_DIR / "dbt" / "models" / "marts"

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is

#: Table → column → DuckDB type.
Columns = dict[str, dict[str, str]]


@cache
def mart_contracts(folder: Path = MARTS_DIR) -> dict[str, dict[str, Any]]:
    """Mart → what its YAML says of it."""
    paths = sorted(folder.rglob("*.yml"))
    documents = [yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader) for path in paths]  # noqa: S506 - safe
    return {model["name"]: model for document in documents for model in document["models"]}


def mart_columns() -> Columns:
    """The marts as their contracts have them."""
    return {
        name: {column["name"]: column["data_type"] for column in model["columns"]}
        for name, model in mart_contracts().items()
    }


def partial_marts() -> frozenset[str]:
    """The marts that hold only the changed days in a build: publishing replaces those days."""
    settings = {name: model["config"]["meta"]["publish"] for name, model in mart_contracts().items()}
    return frozenset(name for name, publish in settings.items() if publish.get("replace") == "days")


def raw_columns() -> Columns:
    """The raw tables that sources fill, as the schema has them."""
    return {
        table.name: {column.name: DUCKDB_TYPES[column.type] for column in table.columns}
        for table in TABLES.values()
        if not table.is_history
    }


def table_columns() -> Columns:
    """The marts by their names, the raw tables as `raw.<name>`."""
    return mart_columns() | {f"raw.{name}": columns for name, columns in raw_columns().items()}


def empty_build() -> duckdb.DuckDBPyConnection:
    """A build file in memory without a single row: what a query over it may name can be told before there is data."""
    connection = duckdb.connect()
    statements = ["create schema raw", "create schema changed", "create table changed.days (day_start_at timestamptz)"]
    for name, columns in raw_columns().items():
        statements.append(f"create table raw.{name} ({_definition(columns)})")
        if name in DAY_TABLES:
            statements.append(f"create view changed.{name} as from raw.{name}")
    statements += [f"create table main.{name} ({_definition(columns)})" for name, columns in mart_columns().items()]
    connection.execute(";\n".join(statements))
    return connection


def _definition(columns: dict[str, str]) -> str:
    return ", ".join(f'"{name}" {data_type}' for name, data_type in columns.items())
