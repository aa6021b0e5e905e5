"""What a column and a table are: declared once, everything else is derived from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ColumnType = Literal[
    "string", "int", "long", "double", "boolean", "date", "timestamp", "binary", "seconds", "usd", "dates",
    "attributes", "points",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Args:
        name: snake_case, its unit in the suffix (`_at`, `_seconds`, `_count`, `_ratio`, `_bytes`, …).
        type: `timestamp` is UTC with microseconds, `seconds` and `usd` a decimal(18, 3), `dates` a list of dates,
            `attributes` a map of text to text, `points` a list of numbers.
        doc: one sentence, shown in dbt docs and Iceberg.
        required: never NULL.
        repeats: a string with few different values, which loads keep dictionary-encoded.
    """

    name: str
    type: ColumnType
    doc: str
    required: bool = False
    repeats: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One raw table of the lake.

    Args:
        name: `raw.<name>` everywhere.
        doc: what one row is.
        columns: in order; Iceberg field ids follow it, so add new ones at the end.
        key: the columns that tell rows apart.
        day_column: the timestamp whose UTC day partitions the table, if any.
        record_key: the column that is the same in every copy of a record, whichever unit delivers it.
        is_history: whether it is what the house keeps about its own runs: no source fills it and no mart reads it.
    """

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    day_column: str | None = None
    record_key: str | None = None
    is_history: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names, in order."""
        return tuple(column.name for column in self.columns)


#: Where a row comes from: the first columns of every raw table.
ORIGIN = (
    Column(
        "unit_uri",
        "string",
        "URI of the unit (S3 object, API window) that the row was read from.",
        required=True,
        repeats=True,
    ),
    Column(
        "unit_version",
        "string",
        "Version of that unit: its ETag, or a hash where it has none.",
        required=True,
        repeats=True,
    ),
    Column(
        "position",
        "string",
        "Place in the unit: line or answer number from 0, `record/part` for a part.",
        required=True,
    ),
    Column(
        "loaded_at",
        "timestamp",
        "When the unit was loaded. Rows are visible while the ledger's newest row of their unit holds the same "
        "version and time.",
        required=True,
    ),
)
EVENT_AT = Column(
    "event_at",
    "timestamp",
    "When it happened; the unit's own time where the record has none. Partitions the table by UTC day.",
    required=True,
)
