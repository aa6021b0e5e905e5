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
    "usd": pa.decimal128(18, 3),
    "dates": pa.list_(pa.date32()),
    "attributes": pa.map_(pa.string(), pa.string()),
    "points": pa.list_(pa.float64()),
}


def arrow_schema(table: Table) -> pa.Schema:
    """The columns of `table`, in order; only required ones are not nullable."""
    return pa.schema(
        [pa.field(column.name, ARROW_TYPES[column.type], nullable=not column.required) for column in table.columns]
    )


def load_schema(table: Table) -> pa.Schema:
    """`arrow_schema` with the columns of repeating strings dictionary-encoded: how rows wait to be written."""
    schema = arrow_schema(table)
    for number, column in enumerate(table.columns):
        if column.repeats:
            schema = schema.set(number, schema.field(number).with_type(pa.dictionary(pa.int32(), pa.string())))
    return schema
