"""Loading labels against decoding the same bytes with orjson, and writing the rows alone. `make bench` prints it.

Each round decodes and loads, each in a process of its own; a time counts only after what arrived was found to be all.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.compute as pc
import pytest

from benchmarks.contenders import ENVIRONMENT, HERE
from benchmarks.label_files import write_manifest, write_sequences
from benchmarks.measure import Measurement, measure
from benchmarks.results import circumstances, goal, is_kept, show, spread, steadiness, table
from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings

pytestmark = pytest.mark.timeout(0)

BOXES, LINES = 2_000_000, 500_000
MOST, MOST_MEGABYTES = 2.0, 1000


def test_sequences_become_rows(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    boxes = int(BOXES * min(1.0, pytestconfig.getoption("--gigabytes")))
    frames = write_sequences(tmp_path / "output", boxes)
    what = f"{boxes:,} boxes in {frames:,} frames"
    report("Sequences: SeqLabel files to rows", what, tmp_path, {"frames": frames, "annotations": boxes}, pytestconfig)


def test_a_manifest_becomes_rows(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    lines = int(LINES * min(1.0, pytestconfig.getoption("--gigabytes")))
    write_manifest(tmp_path / "output", lines)
    what = f"A manifest of {lines:,} lines"
    report("Manifests: lines to rows", what, tmp_path, {"manifest_entries": lines}, pytestconfig)


def report(title: str, what: str, folder: Path, truth: dict[str, int], config: pytest.Config) -> None:
    """Measures, and prints the section."""
    decodes, loads, writes, least = list[float](), list[float](), list[float](), list[float]()
    runs = list[Measurement]()
    for _ in range(config.getoption("--rounds")):
        decodes.append(_said(measure(_command("decode", folder / "output"), ENVIRONMENT))["seconds"])
        run = measure(_command("load", folder / "output", folder / "lake"), ENVIRONMENT)
        assert {name: _row_count(folder / "lake", name) for name in truth} == truth
        writes.append(_said(measure(_command("write", folder / "lake"), ENVIRONMENT))["seconds"])
        shutil.rmtree(folder / "lake")
        loads.append(_said(run)["seconds"])
        least.append(_said(run)["least_seconds"])
        runs.append(run)
        print(f"decode {decodes[-1]:.2f} s, load {loads[-1]:.2f} s, {run.peak_bytes / 1e6:.0f} MB")
    size = sum(path.stat().st_size for path in (folder / "output").rglob("*") if path.is_file())
    ratios = [load / decode for load, decode in zip(loads, decodes, strict=True)]
    floors = [write / decode for write, decode in zip(writes, decodes, strict=True)]
    shares = [each / decode for each, decode in zip(least, decodes, strict=True)]
    peak = max(run.peak_bytes for run in runs) / 1e6
    lines = [
        circumstances(),
        "",
        f"{what}, {size / 1e6:,.0f} MB; {len(loads)} rounds; median (least–most). Times are after the imports: of "
        "orjson.loads alone, with the collector off, of the whole load with its plan and ledger, of that of a single "
        "line, and of writing the rows of that lake once more with pyarrow, into memory.",
        "",
        *table(
            ["figure", "goal", "measured", "reached"],
            [
                goal("load / orjson.loads", f"≤ {MOST:g}", spread(ratios), median(ratios) <= MOST),
                goal("load, peak MB", f"< {MOST_MEGABYTES:,}", f"{peak:,.0f}", peak < MOST_MEGABYTES),
                ["writing the rows / orjson.loads", "", spread(floors), ""],
                ["load of one line / orjson.loads", "", spread(shares), ""],
                ["orjson.loads, s", "", spread(decodes), ""],
                ["load, s", "", spread(loads), ""],
                ["load, processor s, with imports", "", spread([run.cpu_seconds for run in runs]), ""],
                ["load, MB/s", "", spread([size / 1e6 / load for load in loads], ".0f"), ""],
            ],
        ),
        "",
        steadiness("orjson.loads", decodes),
    ]
    show(title, lines, keep=is_kept(config))


def _command(task: str, *paths: Path) -> list[str]:
    return [sys.executable, str(HERE / "load_labels.py"), task, *map(str, paths)]


def _said(run: Measurement) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(run.output)
    return said


def _row_count(lake: Path, name: str) -> int:
    """How many rows a raw table has, of a single load."""
    rows = Lake(load_settings({}, lake=lake, own_pseudonym_key=True)).raw(name).scan(selected_fields=("position",))
    return sum(int(pc.count(batch["position"]).as_py()) for batch in rows.to_arrow_batch_reader())
