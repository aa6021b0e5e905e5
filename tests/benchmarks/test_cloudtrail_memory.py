"""Memory of loading CloudTrail, and whether it stays flat when there is ten times as much. `make bench` prints it.

Taken apart from the times, because looking closely costs some: pages that processes share count once.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.contenders import Trail, generate, load
from benchmarks.results import circumstances, goal, is_kept, show, table

pytestmark = pytest.mark.timeout(0)

#: How much more input the second measurement takes, and how much more memory it may take.
MORE_INPUT, MORE_MEMORY = 10, 1.15


def test_memory_of_loading_a_trail(trail: Trail, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    peaks = {trail.gigabytes: _peaks(trail, tmp_path)}
    is_full = pytestconfig.getoption("--full")
    more = trail.gigabytes * MORE_INPUT
    if is_full:
        larger = generate(tmp_path / "larger", more)
        peaks[larger.gigabytes] = _peaks(larger, tmp_path)
        shutil.rmtree(larger.folder)
    rows = [
        [f"{size:g} GB", *(f"{peak / 1e6:,.0f}" for peak in by_processes.values())]
        for size, by_processes in peaks.items()
    ]
    lines = [
        circumstances(),
        "",
        "Most memory at any time (PSS, summed over the processes), MB.",
        "",
        *table(["input, unpacked", "1 process", "2 processes"], rows),
        "",
    ]
    if is_full:
        lines += table(["figure", "goal", "measured", "reached"], _goals(*peaks.values()))
    else:
        lines.append(f'Not measured: {more:g} GB, `make bench BENCH_OPTIONS="--full"` does.')
    show("CloudTrail: memory", lines, keep=is_full and is_kept(pytestconfig))


def _peaks(trail: Trail, tmp_path: Path) -> dict[int, int]:
    """Number of processes → most bytes at any time."""
    return {
        processes: load(trail, processes).run(tmp_path / "out", proportionally=True).peak_bytes for processes in (1, 2)
    }


def _goals(small: dict[int, int], large: dict[int, int]) -> list[list[str]]:
    rows = []
    for processes, peak in large.items():
        more = peak / small[processes]
        rows += [
            goal(
                f"peak MB with ten times the input, {processes} process(es)",
                "< 1,000",
                f"{peak / 1e6:,.0f}",
                peak < 1e9,
            ),
            goal("the same as a multiple of one time", f"≤ {MORE_MEMORY}", f"{more:.2f}", more <= MORE_MEMORY),
        ]
    return rows
