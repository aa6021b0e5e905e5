"""Loads labels into a fresh lake, or only decodes them, in a process of its own that says how long it took.

python load_labels.py FOLDER LAKE | python load_labels.py FOLDER
"""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

import orjson

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


def load(folder: Path, lake: Path) -> dict[str, Any]:
    """Plan, rows, ledger and all."""
    source_named("labeling_output")
    settings = load_settings({}, lake=lake, own_pseudonym_key=True)
    begin = time.perf_counter()
    summary = extract(settings, "labeling_output", Window(), no_client, uri=str(folder))
    return {"seconds": time.perf_counter() - begin, "records_loaded": summary.records_loaded}


if __name__ == "__main__":
    print(json.dumps(decode(Path(sys.argv[1])) if len(sys.argv) == 2 else load(*map(Path, sys.argv[1:]))))
