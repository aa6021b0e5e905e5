"""Appending rows to Iceberg as the loader does, in turns with pyarrow's plain Parquet write of the same rows.

    python append_rows.py LOGS FOLDER ROUNDS

loads the logs once, keeps the tables of metric points that the loader appended, and prints the seconds that either way
took in every round. Dictionaries differ from batch to batch; making one of them is part of either way's work, and
`prepared` says what pyarrow takes once that is done.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from load_trail import no_client

from labelhouse.extraction import extract
from labelhouse.lake.catalog import Lake
from labelhouse.lake.write import BatchLoad
from labelhouse.schema.tables import TRAINING_METRICS
from labelhouse.settings import load_settings
from labelhouse.sources import Window

NAME = TRAINING_METRICS.name
append_as_the_loader_does = BatchLoad._append


def loaded_tables(logs: str, folder: Path) -> list[pa.Table]:
    """The tables of points of one load, each as the loader appended it."""
    tables: list[pa.Table] = []

    def keep(load: BatchLoad, name: str, rows: pa.Table) -> None:
        if name == NAME:
            tables.append(rows)
        append_as_the_loader_does(load, name, rows)

    BatchLoad._append = keep
    settings = load_settings(lake=folder, own_pseudonym_key=True)
    extract(settings, "cloudtrail", Window(), no_client, uri=logs)
    return tables


def seconds(write: Callable[[], None]) -> tuple[float, float]:
    """Wall and processor time of `write`."""
    begin, cpu = time.perf_counter(), time.process_time()
    write()
    return time.perf_counter() - begin, time.process_time() - cpu


def main() -> None:
    logs, out, rounds = sys.argv[1:]
    folder = Path(out)
    tables = loaded_tables(logs, folder / "lake")
    prepared = [table.unify_dictionaries() for table in tables]
    found: dict[str, list[tuple[float, float]]] = {"parquet": [], "prepared": [], "iceberg": []}
    for number in range(int(rounds)):
        place = folder / str(number)
        place.mkdir()
        lake = Lake(load_settings(lake=place / "lake"))
        lake.raw(NAME)
        load = BatchLoad(lake, "cloudtrail", (NAME,), (), str)

        def iceberg(load: BatchLoad = load) -> None:
            for table in tables:
                append_as_the_loader_does(load, NAME, table)

        def parquet(tables: list[pa.Table] = tables, place: Path = place) -> None:
            for index, table in enumerate(tables):
                pq.write_table(table, place / f"{index}.parquet", compression="zstd")

        ways = [("parquet", parquet), ("prepared", partial(parquet, prepared)), ("iceberg", iceberg)]
        for name, way in ways if number % 2 == 0 else ways[::-1]:
            found[name].append(seconds(way))
        rows = sum(table.num_rows for table in tables)
        assert lake.raw(NAME).scan().count() == rows == sum(map(_row_count, place.glob("*.parquet")))
        shutil.rmtree(place)
    print(json.dumps({"rows": rows, "tables": len(tables), "bytes": sum(each.nbytes for each in tables)} | found))


def _row_count(file: Path) -> int:
    return pq.read_metadata(file).num_rows


if __name__ == "__main__":
    main()
