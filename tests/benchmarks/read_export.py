"""One pass over an export of the worker activity log, from files to rows in Arrow's memory, and what these say.

python read_export.py EXPORT
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections import Counter
from typing import Any, NoReturn

from labelhouse.identities import Identities
from labelhouse.sources import Window
from labelhouse.sources.worker_activity import SOURCE


def no_client(service: str) -> NoReturn:
    raise AssertionError(f"local files need no client of {service}")


def seconds(column: Any) -> Any:
    """Times as seconds since 1970, 0 for none."""
    import numpy as np

    if isinstance(column, list):
        return np.array([moment.timestamp() if moment else 0 for moment in column]).astype(int)
    return np.frombuffer(column.buffers()[1], np.int64, len(column), 8 * column.offset) // 1_000_000


def main() -> None:
    begin_cpu = time.process_time()
    gc.disable()  # as while units are loaded
    counts, event_types = Counter[str](), Counter[str]()
    units = list(SOURCE.list_units(sys.argv[1], no_client, Window()))
    read = ((unit, SOURCE.read_unit(unit, no_client)) for unit in units)
    for _, chunk in SOURCE.parse(read, Identities("a key for benchmarks, long enough to use")):
        counts["lines"] += chunk.records_loaded
        counts["others"] += chunk.records_read - chunk.records_loaded
        for columns in chunk.tables.values():
            assert len(set(map(len, columns.values()))) == 1
            counts["event_second_sum"] += int(seconds(columns["event_at"]).sum())
            submitted = seconds(columns["submitted_at"])
            is_there = submitted != 0
            counts["elapsed_second_sum"] += int((submitted - seconds(columns["accepted_at"]))[is_there].sum())
            _count(columns["event_type"], event_types)
    spent = {"work_cpu_seconds": time.process_time() - begin_cpu}
    print(json.dumps(counts | spent | {"event_types": event_types}))


def _count(values: Any, counts: Counter[str]) -> None:
    import numpy as np

    if isinstance(values, list):
        counts.update(values)
        return
    numbers = np.frombuffer(values.indices.buffers()[1], np.int32, len(values))
    for name, count in zip(values.dictionary.to_pylist(), np.bincount(numbers).tolist(), strict=False):
        counts[name] += count


if __name__ == "__main__":
    main()
