"""The raw tables as Iceberg schemas and partition specs."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from pyiceberg.partitioning import UNPARTITIONED_PARTITION_SPEC, PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import DayTransform
from pyiceberg.types import (
    BinaryType,
    BooleanType,
    DateType,
    DecimalType,
    DoubleType,
    IcebergType,
    IntegerType,
    ListType,
    LongType,
    MapType,
    NestedField,
    StringType,
    TimestamptzType,
)

from labelhouse.schema.columns import ColumnType, Table

#: Partition fields are numbered from here, by the Iceberg specification.
FIRST_PARTITION_FIELD_ID = 1000

PRIMITIVES: dict[ColumnType, IcebergType] = {
    "string": StringType(),
    "int": IntegerType(),
    "long": LongType(),
    "double": DoubleType(),
    "boolean": BooleanType(),
    "date": DateType(),
    "timestamp": TimestamptzType(),
    "binary": BinaryType(),
    "seconds": DecimalType(18, 3),
    "usd": DecimalType(18, 3),
}


def iceberg_schema(table: Table) -> Schema:
    """The columns of `table` with their texts; ids 1, 2, … in order, those inside lists and maps after them.

    That is how a catalog numbers them when it creates the table, so the ids here are those in its files.
    """
    inner_ids = count(len(table.columns) + 1)
    fields = []
    for field_id, column in enumerate(table.columns, start=1):
        kind = PRIMITIVES.get(column.type) or _nested(column.type, inner_ids)
        fields.append(NestedField(field_id, column.name, kind, required=column.required, doc=column.doc))
    return Schema(*fields)


def _nested(kind: ColumnType, ids: Iterator[int]) -> IcebergType:
    """A list or a map; what is inside takes the next ids."""
    if kind == "attributes":
        return MapType(next(ids), StringType(), next(ids), StringType(), value_required=False)
    element = DateType() if kind == "dates" else DoubleType()
    return ListType(element_id=next(ids), element=element, element_required=False)


def partition_spec(table: Table) -> PartitionSpec:
    """The UTC day of the table's day column; a table without one is not partitioned."""
    if table.day_column is None:
        return UNPARTITIONED_PARTITION_SPEC
    return PartitionSpec(
        PartitionField(
            source_id=table.column_names.index(table.day_column) + 1,
            field_id=FIRST_PARTITION_FIELD_ID,
            transform=DayTransform(),
            name=f"{table.day_column}_day",
        )
    )
