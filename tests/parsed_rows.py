"""What parsing gives, as the rows that the lake would hold of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from labelhouse.schema.arrow import load_schema
from labelhouse.schema.tables import TABLES

#: Columns that are added when a chunk is written.
ADDED = frozenset({"unit_uri", "unit_version", "loaded_at", "source_name"})


def rows_by_unit(unit_uri: str, table: str, columns: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Unit URI → its rows of a chunk, which may say itself whose they are."""
    own = dict(columns)
    units = own.pop("unit_uri", None)
    rows = rows_of(table, own)
    if units is None:
        return {unit_uri: rows}
    units.validate(full=True)
    found: dict[str, list[dict[str, Any]]] = {}
    for uri, row in zip(units.to_pylist(), rows, strict=True):
        found.setdefault(uri, []).append(row)
    return found


def rows_of(table: str, columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a chunk: every column of the table, of its type, required ones with a value."""
    schema = load_schema(TABLES[table])
    assert set(columns) <= set(schema.names) - ADDED
    count = len(columns["position"])
    values = {}
    for field in schema:
        if field.name not in ADDED:
            column = columns.get(field.name, [None] * count)
            array = column if isinstance(column, pa.Array) else pa.array(column, field.type)
            array.validate(full=True)
            assert array.type == field.type, field.name
            values[field.name] = array.to_pylist()
            assert field.nullable or None not in values[field.name], field.name
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]
