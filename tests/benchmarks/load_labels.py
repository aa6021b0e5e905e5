"""Loads labels into a fresh lake, only decodes them, or only writes a lake's rows once more, and says how long it took.

python load_labels.py load FOLDER LAKE | decode FOLDER | write LAKE
"""

from __future__ import annotations

import gc
import io
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import orjson
import pyarrow.parquet as pq
from label_files import write_manifest

from labelhouse.extraction import extract
from labelhouse.settings import load_settings
from labelhouse.sources import Window, source_named


def no_client(service: str) -> NoReturn:
    raise AssertionError(f"local files need no client of {service}")


def decode(folder: Path) -> dict[str, Any]:
    """Each document or line by itself, nothing kept, without the garbage collector; reading is not counted."""
    gc.disable()
    spent = 0.0
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        data = path.read_bytes()
        documents = data.splitlines() if path.name == "output.manifest" else [data]
        begin = time.perf_counter()
        for document in documents:
            orjson.loads(document)
        spent += time.perf_counter() - begin
    return {"seconds": spent}


#: Tables that sources of labels fill; beside them are ledger and quarantine.
_LABELS = set(source_named("labeling_output").tables)


def load(folder: Path, lake: Path) -> dict[str, Any]:
    """Plan, rows, ledger and all; before it twice one line, which brings the imports and says what any load takes."""
    source_named("labeling_output")
    with TemporaryDirectory() as place:
        write_manifest(Path(place, "output"), 1)
        least = [_seconds_of_load(Path(place, "output"), Path(place, name)) for name in ("first", "second")][-1]
    return {"seconds": _seconds_of_load(folder, lake), "least_seconds": least}


def _seconds_of_load(folder: Path, lake: Path) -> float:
    settings = load_settings({}, lake=lake, own_pseudonym_key=True)
    begin = time.perf_counter()
    extract(settings, "labeling_output", Window(), no_client, uri=str(folder))
    return time.perf_counter() - begin


def write(lake: Path) -> dict[str, Any]:
    """The Parquet files of a lake's labels once more, into memory, from rows that are ready: no load can cost less."""
    paths = sorted(path for path in lake.rglob("*.parquet") if path.relative_to(lake).parts[2] in _LABELS)
    spent = 0.0
    for path in paths:
        rows = pq.read_table(path, partitioning=None)
        begin = time.perf_counter()
        pq.write_table(rows, io.BytesIO(), compression="zstd")
        spent += time.perf_counter() - begin
    return {"seconds": spent}


if __name__ == "__main__":
    task = {"load": load, "decode": decode, "write": write}[sys.argv[1]]
    print(json.dumps(task(*map(Path, sys.argv[2:]))))
