"""Appending rows to a table partitioned by day.

pyiceberg's own `append` filters all rows once for every day and copies them twice. A load's rows come in batches of
one unit, nearly all of one day: here they go to that day's file as they are, and only mixed batches are filtered.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain, count
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.io.pyarrow import write_file
from pyiceberg.partitioning import PartitionFieldValue, PartitionKey
from pyiceberg.table import Table as IcebergTable
from pyiceberg.table import WriteTask

from labelhouse.lake.transaction import LightTransaction
from labelhouse.schema.arrow import utc_days
from labelhouse.schema.columns import Table


def append(opened: IcebergTable, declared: Table, rows: pa.Table) -> None:
    """Commits `rows` (`schema.arrow.load_schema`) to a table that has a `day_column`, one data file a day."""
    assert declared.day_column
    [field] = opened.spec().fields
    numbers, write_uuid = count(), uuid4()
    with LightTransaction(opened) as transaction, transaction.update_snapshot().merge_append() as snapshot:
        metadata = opened.metadata
        tasks = (
            WriteTask(
                write_uuid=write_uuid,
                task_id=next(numbers),
                schema=metadata.schema().select(*rows.column_names),  # a later release may have added some
                # one batch: pyiceberg projects each onto its schema, column by column
                record_batches=pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches(),
                partition_key=PartitionKey([PartitionFieldValue(field, day)], opened.spec(), metadata.schema()),
            )
            for day, batches in sorted(_by_day(rows, declared.day_column).items())
        )
        # several at once only where they have a way to go: here each would take memory, and time, from the others
        together = ([task] for task in tasks) if opened.location().startswith("file:") else [tasks]
        for data_file in chain.from_iterable(write_file(opened.io, metadata, iter(each)) for each in together):
            snapshot.append_data_file(data_file)


def _by_day(rows: pa.Table, day_column: str) -> dict[int, list[pa.RecordBatch]]:
    """Days since 1970 → batches of that UTC day."""
    found: dict[int, list[pa.RecordBatch]] = defaultdict(list)
    for batch in rows.to_batches():
        days = utc_days(batch[day_column]).cast(pa.int32())
        distinct = pc.unique(days).to_pylist()
        for day in distinct:
            found[day].append(batch if len(distinct) == 1 else batch.filter(pc.equal(days, day)))
    return found
