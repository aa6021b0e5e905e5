"""Empty marts with the columns that dbt's models promise."""

from __future__ import annotations

from functools import cache

import duckdb
import yaml

from labelhouse.settings import PROJECT_DIR


@cache
def mart_columns() -> dict[str, str]:
    """The columns of every mart as they stand in CREATE TABLE."""
    found: dict[str, str] = {}
    for path in sorted((PROJECT_DIR / "dbt" / "models" / "marts").rglob("*.yml")):
        for model in yaml.safe_load(path.read_text()).get("models", []):
            found[model["name"]] = ", ".join(f"{each['name']} {each['data_type']}" for each in model["columns"])
    return found


def make_mart(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """An empty mart."""
    connection.execute(f"create table {name} ({mart_columns()[name]})")
