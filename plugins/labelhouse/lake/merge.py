"""Few files instead of many: every load adds one to the ledger, and opens all of them."""

from __future__ import annotations

from uuid import uuid4

import pyarrow as pa
from pyiceberg.expressions import AlwaysTrue
from pyiceberg.io.pyarrow import ArrowScan, schema_to_pyarrow, write_file
from pyiceberg.table import FileScanTask, WriteTask
from pyiceberg.table import Table as IcebergTable

from labelhouse.lake.transaction import CompareAndSwap

#: So many small files may lie beside each other; whoever would add another one makes one of them.
SMALL_FILES, SMALL_BYTES = 16, 1024 * 1024


def append_merging(opened: IcebergTable, rows: pa.Table) -> None:
    """Commits `rows` to a table without partitions, in one file with those of small files where these are many.

    Raises:
        pyiceberg.exceptions.CommitFailedException: somebody committed to the table since it was opened.
    """
    small = _small_files(opened)
    with CompareAndSwap(opened) as transaction:
        if len(small) < SMALL_FILES:
            transaction.append(rows)
            return
        merged = _merged(opened, small, rows)
        task = WriteTask(uuid4(), 0, opened.schema(), merged.combine_chunks().to_batches())
        with transaction.update_snapshot().overwrite() as snapshot:
            for each in small:
                snapshot.delete_data_file(each.file)
            for data_file in write_file(opened.io, opened.metadata, iter([task])):
                snapshot.append_data_file(data_file)


def _small_files(opened: IcebergTable) -> list[FileScanTask]:
    return [task for task in opened.scan().plan_files() if task.file.file_size_in_bytes < SMALL_BYTES]


def _merged(opened: IcebergTable, small: list[FileScanTask], rows: pa.Table) -> pa.Table:
    """All columns of the table, those too that a later release added and `rows` have not."""
    columns = schema_to_pyarrow(opened.schema(), include_field_ids=False)
    held = ArrowScan(opened.metadata, opened.io, opened.schema(), AlwaysTrue()).to_table(small).cast(columns)
    given = {
        column.name: rows[column.name].cast(column.type)
        if column.name in rows.column_names
        else pa.nulls(rows.num_rows, column.type)
        for column in columns
    }
    return pa.concat_tables([held, pa.table(given, schema=columns)])
