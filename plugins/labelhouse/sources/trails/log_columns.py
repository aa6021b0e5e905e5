"""The records of many log files at once, column by column: all that a regular `BatchPutMetrics` call says.

DuckDB reads them (`from_json`, a parser in C that needs no interpreter) straight into Arrow columns, on another core.
It reads leniently: numbers, true and false become texts where texts are wanted, anything else becomes JSON text or
NULL, and of repeated keys the first one counts. What it gives is therefore taken only where it is beyond doubt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate, chain, pairwise
from typing import Self

import duckdb
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.sources.documents import Text
from labelhouse.sources.trails.log_files import cuts

#: What becomes of so much text while it is read fits into a processor's own cache, which makes it twice as fast.
PIECE_BYTES = 512 * 1024

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


@dataclass(frozen=True, slots=True)
class LogColumns:
    """The records of some files, column by column.

    Args:
        pieces: the records of each piece that was read; NULL where it is no JSON.
        ends: place behind the last piece of each file.
        counts: how many records each file has; None where they could not be read as columns.
    """

    pieces: pa.ListArray
    ends: list[int]
    counts: list[int | None]

    def records(self, apart: Mapping[int, int]) -> tuple[pa.StructArray, list[int]]:
        """The records of all files, one after the other, and how many are of each.

        Args:
            apart: places of files that were taken apart, and how many records they have: so many are NULL.
        """
        counts = [apart.get(place, count or 0) for place, count in enumerate(self.counts)]
        if not apart:
            return self.pieces.flatten(), counts
        kind = self.pieces.type.value_type
        found = [
            pa.nulls(apart[place], kind) if place in apart else self.pieces[first:end].flatten()
            for place, (first, end) in enumerate(pairwise([0, *self.ends]))
        ]
        return pa.concat_arrays(found), counts


class LogReader:
    """Reads log files; a context manager, since it holds an in-memory DuckDB and a thread that asks it."""

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

    def begin(self, texts: Sequence[Text | None]) -> Callable[[], LogColumns]:
        """Begins to read plain files (`log_files.is_plain`); None is one that is not to be read."""
        return self._thread.submit(self._read, texts).result

    def _read(self, texts: Sequence[Text | None]) -> LogColumns:
        rows = [list(_pieces(text)) if text else [] for text in texts]
        self._duckdb.register("pieces", pa.Table.from_batches(chain.from_iterable(rows), _SCHEMA))
        try:
            pieces = self._records(_READ)
        except duckdb.InvalidInputException:  # one is no JSON: NULL then, and the others take a quarter longer
            pieces = self._records(f"try({_READ})")
        self._duckdb.unregister("pieces")
        ends = list(accumulate(map(len, rows)))
        lengths = pc.list_value_length(pieces).to_pylist()
        of_files = (lengths[first:end] for first, end in pairwise([0, *ends]))
        return LogColumns(pieces, ends, [sum(each) if each and None not in each else None for each in of_files])

    def _records(self, read: str) -> pa.ListArray:
        found = self._duckdb.sql(f"select {read} as records from pieces").to_arrow_table()["records"]
        return found.chunk(0) if found.num_chunks == 1 else found.combine_chunks()


def _pieces(text: Text) -> Iterator[pa.RecordBatch]:
    """The pieces of a file, each as one row whose bytes stay where they are."""
    data = pa.py_buffer(text)
    for piece in cuts(text, PIECE_BYTES):
        row = pa.StringArray.from_buffers(1, pa.py_buffer(np.array(piece, np.int32)), data)
        yield pa.RecordBatch.from_arrays([row], schema=_SCHEMA)
