"""The raw tables as pyarrow schemas."""

from __future__ import annotations

import pyarrow as pa

from labelhouse.schema.columns import ColumnType, Table

ARROW_TYPES: dict[ColumnType, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    "binary": pa.binary(),
    "seconds": pa.decimal128(18, 3),
    "dates": pa.list_(pa.date32()),
}


def arrow_schema(table: Table) -> pa.Schema:
    """The columns of `table`, in order; only required ones are not nullable."""
    return pa.schema(
        [pa.field(column.name, ARROW_TYPES[column.type], nullable=not column.required) for column in table.columns]
    )
