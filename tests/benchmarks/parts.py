"""What a load of a trail cannot do without, part by part: seconds of the processor, each part alone.

python parts.py LOGS FOLDER

The last part writes the points to FOLDER as one Parquet file, as pyarrow does it by itself.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import load_trail  # what a load imports before it begins

AT = datetime(2026, 3, 2, tzinfo=UTC)


def main() -> None:
    logs, out = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyiceberg.catalog import sql  # noqa: F401  # the catalog of a local lake

    from labelhouse.identities import Identities
    from labelhouse.memory import memory_of_a_load
    from labelhouse.sources import Unit
    from labelhouse.sources.cloudtrail import GROUP_BYTES
    from labelhouse.sources.documents import unpack
    from labelhouse.sources.trails.log_columns import LogReader
    from labelhouse.sources.trails.metric_calls import MetricCalls  # noqa: F401

    spent = {"start of Python and imports": time.process_time()}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        begin = time.process_time()
        result = work()
        spent[name] = spent.get(name, 0.0) + time.process_time() - begin
        return result

    source, identities = load_trail.source_named("cloudtrail"), Identities("a key of no consequence, long enough")
    files = sorted(logs.rglob("*.json.gz"))
    with memory_of_a_load(), LogReader() as reader:
        group = list[Any]()
        for file in files:
            packed = file.read_bytes()
            group.append(timed("unpack (deflate)", lambda packed=packed: unpack(packed)))
            if sum(map(len, group)) >= GROUP_BYTES:  # what is left at the end is a hundredth at most
                timed("read the records (DuckDB)", lambda group=group: reader.begin(group)())
                group = []
        units = ((Unit(file.as_uri(), "1", AT, file.stat().st_size), file.read_bytes()) for file in files)
        found = [chunk.arrays for _, chunk in source.parse(units, identities) if chunk.arrays]
        rows = pa.concat_tables([pa.table(arrays["training_metrics"]) for arrays in found])
        rows = rows.unify_dictionaries().combine_chunks()
        out.mkdir(parents=True)
        timed("write Parquet (pyarrow, zstd)", lambda: pq.write_table(rows, out / "points.parquet", compression="zstd"))
    print(json.dumps(spent))


if __name__ == "__main__":
    main()
