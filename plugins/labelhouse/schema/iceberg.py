"""The raw tables as Iceberg schemas and partition specs."""

from __future__ import annotations

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
    """The columns of `table` with their texts; ids 1, 2, … in order, those of list elements after them.

    That is how a catalog numbers them when it creates the table, so the ids here are those in its files.
    """
    element_ids = count(len(table.columns) + 1)
    fields = []
    for field_id, column in enumerate(table.columns, start=1):
        kind = (
            ListType(element_id=next(element_ids), element=DateType(), element_required=False)
            if column.type == "dates"
            else PRIMITIVES[column.type]
        )
        fields.append(NestedField(field_id, column.name, kind, required=column.required, doc=column.doc))
    return Schema(*fields)


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
