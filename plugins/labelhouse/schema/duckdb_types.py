"""The column types of the raw tables as DuckDB names them."""

from __future__ import annotations

from labelhouse.schema.columns import ColumnType

DUCKDB_TYPES: dict[ColumnType, str] = {
    "string": "varchar",
    "int": "integer",
    "long": "bigint",
    "double": "double",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp with time zone",
    "binary": "blob",
    "seconds": "decimal(18,3)",
    "usd": "decimal(18,3)",
    "dates": "date[]",
    "attributes": "map(varchar, varchar)",
    "points": "double[]",
}
