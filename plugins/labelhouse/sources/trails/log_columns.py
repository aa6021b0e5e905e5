"""The records of many log files at once, column by column: all that a regular `BatchPutMetrics` call says.

DuckDB reads them (`from_json`, a parser in C that needs no interpreter) straight into Arrow columns, on another core.
It reads leniently: numbers, true and false become texts where texts are wanted, anything else becomes JSON text or
NULL, and of repeated keys the first one counts. What it gives is therefore taken only where it is beyond doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.sources.documents import MAX_RECORD_BYTES

#: "JSON" keeps the quotes of a text: of digits alone nothing else would tell it from a number.
_RECORD = {
    **dict.fromkeys(
        (
            "eventSource",
            "eventName",
            "errorCode",
            "eventID",
            "eventTime",
            "awsRegion",
            "sourceIPAddress",
            "userAgent",
        ),
        "VARCHAR",
    ),
    "recipientAccountId": "JSON",
    "userIdentity": {"type": "VARCHAR", "arn": "VARCHAR", "invokedBy": "VARCHAR"},
    "resources": [{"ARN": "VARCHAR", "type": "VARCHAR", "accountId": "JSON"}],
    "requestParameters": {
        "trialComponentName": "VARCHAR",
        "metricData": [{"metricName": "VARCHAR", "timestamp": "DOUBLE", "step": "VARCHAR", "value": "DOUBLE"}],
    },
    "responseElements": {"errors": "JSON"},
}
_SHAPE = msgspec.json.encode([_RECORD]).decode()
_READ = f"from_json('[' || records || ']', '{_SHAPE}')"
_SCHEMA = pa.schema([("records", pa.string())])


class LogReader:
    """Reads the texts of log files; a context manager, since it holds an in-memory DuckDB and a thread that asks it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="records")
        self._duckdb = duckdb.connect(
            config={
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "enable_external_access": False,
                "threads": 1,
            }
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._duckdb.close()

    def begin(self, pieces: Sequence[Sequence[msgspec.Raw]]) -> Callable[[], pa.StructArray]:
        """Begins to read; what it returns waits for all records, one after the other.

        Those of a piece that cannot be read, or not as so many, are NULL.
        """
        return self._thread.submit(self._read, pieces).result

    def _read(self, pieces: Sequence[Sequence[msgspec.Raw]]) -> pa.StructArray:
        self._duckdb.register("pieces", pa.Table.from_batches(map(_row, pieces), _SCHEMA))
        try:
            read = self._records(_READ)
        except duckdb.InvalidInputException:  # one is no text: NULL then, and the others take a quarter longer
            read = self._records(f"try({_READ})")
        self._duckdb.unregister("pieces")
        counts = [len(records) for records in pieces]
        is_whole = pc.equal(pc.list_value_length(read), pa.array(counts, pa.int32()))
        if pc.all(is_whole, skip_nulls=False).as_py():
            return read.flatten()
        kind, found = read.type.value_type, zip(read, is_whole.to_pylist(), counts, strict=True)
        return pa.concat_arrays([each.values if is_one else pa.nulls(count, kind) for each, is_one, count in found])

    def _records(self, read: str) -> pa.ListArray:
        found = self._duckdb.sql(f"select {read} as records from pieces").to_arrow_table()["records"]
        return found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()


def _row(records: Sequence[msgspec.Raw]) -> pa.RecordBatch:
    """The text of records, separated by commas, as one row; its bytes stay where they are."""
    text = b",".join(records)
    if len(text) > MAX_RECORD_BYTES:
        text = b""  # so that it is looked at
    ends = pa.py_buffer(np.array([0, len(text)], np.int32))
    return pa.RecordBatch.from_arrays([pa.StringArray.from_buffers(1, ends, pa.py_buffer(text))], schema=_SCHEMA)
