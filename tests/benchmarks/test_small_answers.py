"""Many small worker-response files, to rows of the lake, against reading each and decoding its JSON."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.results import circumstances, goal, is_kept, show, spread, table
from copied_records import no_clients
from labelhouse.extraction import extract
from labelhouse.settings import load_settings
from labelhouse.sources import Window

pytestmark = pytest.mark.timeout(0)

FILES, FEWER_FILES = 100_000, 5_000
MOST = 2.0
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_AbCdEf123"


def test_small_answers_become_rows(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    is_whole = is_kept(pytestconfig)
    count = FILES if is_whole else FEWER_FILES
    _write(tmp_path / "output", count)
    _write(tmp_path / "one", 1)
    _load(tmp_path / "one", tmp_path / "lake-of-one", 1)  # what is imported only now is not counted
    files = sorted(map(str, (tmp_path / "output").rglob("*.json")))
    decodes, loads, floors = list[float](), list[float](), list[dict[str, float]]()
    for number in range(pytestconfig.getoption("--rounds")):
        lake = tmp_path / f"lake-{number}"
        decodes.append(_cpu_seconds_of(_decode, files))
        loads.append(_cpu_seconds_of(_load, tmp_path / "output", lake, count))
        floors.append(_floors(tmp_path / "output", files, lake))
        print(f"decode {decodes[-1]:.2f} s, load {loads[-1]:.2f} s")
    ratios = [load / decode for load, decode in zip(loads, decodes, strict=True)]
    least = [sum(floor.values()) / decode for floor, decode in zip(floors, decodes, strict=True)]
    lines = [
        circumstances(),
        "",
        f"{count:,} files of one answer, with plan and ledger; processor time; {len(loads)} rounds in one process, "
        "after the imports. Beside it what each step costs alone, in C or nearly so, in the same rounds: no load can "
        "cost less than all of them.",
        "",
        *table(
            ["figure", "goal", "measured", "reached"],
            [
                goal("load / read and decode", f"≤ {MOST:g}", spread(ratios), max(ratios) <= MOST),
                ["all steps alone / read and decode", "", spread(least), ""],
                ["read and decode, µs a file", "", spread([each / count * 1e6 for each in decodes]), ""],
                ["load, µs a file", "", spread([each / count * 1e6 for each in loads]), ""],
                *(
                    [f"{step} alone, µs a file", "", spread([each[step] / count * 1e6 for each in floors]), ""]
                    for step in floors[0]
                ),
            ],
        ),
    ]
    show("Worker responses: small files to rows", lines, keep=is_whole)


def _floors(folder: Path, files: list[str], lake: Path) -> dict[str, float]:
    """What the steps of a load cost alone, in processor seconds."""
    texts: list[bytes] = []
    read = _cpu_seconds_of(_read, files, texts)
    rows = [
        (path.relative_to(lake).parts[2], pq.read_table(path, partitioning=None)) for path in lake.rglob("*.parquet")
    ]
    return {
        "listing": _cpu_seconds_of(_list, str(folder)),
        "reading": read,
        "hashing": _cpu_seconds_of(lambda: [hashlib.sha256(text).hexdigest() for text in texts]),
        "decoding": _cpu_seconds_of(lambda: [orjson.loads(text) for text in texts]),
        "writing the ledger": _cpu_seconds_of(_write_tables, [each for name, each in rows if name == "ingest_ledger"]),
        "writing the rows": _cpu_seconds_of(_write_tables, [each for name, each in rows if name != "ingest_ledger"]),
    }


def _list(folder: str) -> None:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _list(entry.path)
            else:
                entry.stat()


def _read(files: list[str], texts: list[bytes]) -> None:
    for name in files:
        file = os.open(name, os.O_RDONLY)
        texts.append(os.read(file, 65536))
        os.close(file)


def _write_tables(tables: list[pa.Table]) -> None:
    for each in tables:
        pq.write_table(each, io.BytesIO(), compression="zstd")


def _write(folder: Path, count: int) -> None:
    for number in range(count):
        minute, second = divmod(number % 3600, 60)
        place = folder / f"birds/annotations/worker-response/iteration-1/{number}"
        place.mkdir(parents=True)
        answer = {
            "acceptanceTime": f"2026-03-02T10:{minute:02d}:{second:02d}.123Z",
            "answerContent": {"crowd-image-classifier": {"label": "wren"}},
            "submissionTime": f"2026-03-02T11:{minute:02d}:{second:02d}.456Z",
            "timeSpentInSeconds": 3.25 + number / 1000,
            "workerId": f"private.us-east-1.{number % 50:016x}",
            "workerMetadata": {
                "identityData": {
                    "identityProviderType": "Cognito",
                    "issuer": ISSUER,
                    "sub": f"00000000-0000-4000-8000-{number % 50:012d}",
                }
            },
        }
        (place / f"2026-03-02_11:{minute:02d}:{second:02d}.json").write_text(json.dumps({"answers": [answer]}))


def _decode(files: list[str]) -> None:
    for file in files:
        orjson.loads(Path(file).read_bytes())


def _load(folder: Path, lake: Path, count: int) -> None:
    settings = load_settings({}, lake=lake, own_pseudonym_key=True)
    summary = extract(settings, "labeling_output", Window(), no_clients, uri=str(folder))
    assert summary.records_loaded == count


def _cpu_seconds_of(step: Any, *arguments: Any) -> float:
    began = time.process_time()
    step(*arguments)
    return time.process_time() - began
