"""The raw tables as pyarrow schemas."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

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


#: How strings with few different values wait to be written.
REPEATING = pa.dictionary(pa.int32(), pa.string())


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
            schema = schema.set(number, schema.field(number).with_type(REPEATING))
    return schema


def utc_days(times: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """The UTC days (date32) of times in UTC: without its zone, which a cast would ask at every one of them."""
    return times.cast(pa.timestamp("us")).cast(pa.date32())


def repeated(value: Any, count: int, kind: pa.DataType) -> pa.Array:
    """One value `count` times."""
    if value is None:
        return _nulls(1 << count.bit_length(), kind).slice(0, count)
    if not pa.types.is_dictionary(kind):
        return pa.repeat(pa.scalar(value, kind), count)
    index = pa.repeat(pa.scalar(0, kind.index_type), count)
    return pa.DictionaryArray.from_arrays(index, pa.array([value], kind.value_type))


@lru_cache(256)
def _nulls(count: int, kind: pa.DataType) -> pa.Array:
    """Made once for all chunks of about a size: most columns of an annotation are those of other kinds."""
    return pa.nulls(count, kind)
