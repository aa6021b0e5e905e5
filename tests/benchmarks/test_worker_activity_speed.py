"""An export of the worker activity log, from files to rows, against `gzip -dc` of the same files.

What counts is processor time, start-up and all. A run counts only after its rows were found to be the truth.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from benchmarks.activity_export import write
from benchmarks.contenders import HERE, YARDSTICK, Contender
from benchmarks.results import circumstances, goal, is_kept, show, spread, steadiness, table

pytestmark = pytest.mark.timeout(0)

ROWS = "labelhouse, files to rows"
MEGABYTES, SMALLER_MEGABYTES = 800, 40
MOST = 1.2


def test_an_export_becomes_rows(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    is_whole = is_kept(pytestconfig)
    truth = write(tmp_path / "export", MEGABYTES if is_whole else SMALLER_MEGABYTES)
    files = sorted(map(str, tmp_path.rglob("*.gz")))
    command = [sys.executable, str(HERE / "read_export.py"), str(tmp_path / "export" / "exportedlogs")]
    yardstick, rows = (
        Contender(YARDSTICK, lambda _: ["gzip", "-dc", *files]),
        Contender(ROWS, lambda _: command),
    )
    for number in range(pytestconfig.getoption("--rounds")):
        for contender in (yardstick, rows) if number % 2 == 0 else (rows, yardstick):
            contender.runs.append(contender.run(tmp_path / "out"))
    said = [json.loads(run.output) for run in rows.runs]
    for each in said:
        assert {name: each[name] for name in ("lines", "others", "event_types")} == {
            "lines": truth.lines,
            "others": 0,
            "event_types": truth.event_types,
        }
        assert each["event_second_sum"] == truth.event_second_sum
        assert each["elapsed_second_sum"] == truth.elapsed_second_sum
    show("Worker activity log: files to rows", report(truth, yardstick, rows, said), keep=is_whole)


def report(truth: Any, yardstick: Contender, rows: Contender, said: list[dict[str, Any]]) -> list[str]:
    """The lines of the section."""
    ratios = rows.ratios(yardstick, "cpu_seconds")
    work = [each["work_cpu_seconds"] / other.cpu_seconds for each, other in zip(said, yardstick.runs, strict=True)]
    return [
        circumstances(),
        "",
        f"{truth.files} files, {truth.raw_bytes / 1e6:,.0f} MB unpacked ({truth.gzip_bytes / 1e6:.0f} MB packed), "
        f"{truth.lines:,} lines. {len(rows.runs)} rounds; median (least–most). Start-up is included.",
        "",
        *table(
            ["contender", "wall s", "CPU s", "peak MB"],
            [
                [
                    each.name,
                    spread([run.wall_seconds for run in each.runs]),
                    spread([run.cpu_seconds for run in each.runs]),
                    f"{max(run.peak_bytes for run in each.runs) / 1e6:,.0f}",
                ]
                for each in (yardstick, rows)
            ],
        ),
        "",
        steadiness("The yardstick's CPU", [run.cpu_seconds for run in yardstick.runs]),
        "",
        *table(
            ["figure", "goal", "measured", "reached"],
            [
                goal("CPU of files to rows / gzip -dc", f"≤ {MOST}", spread(ratios), median(ratios) <= MOST),
                ["the same, after start-up", "", spread(work), ""],
            ],
        ),
    ]
