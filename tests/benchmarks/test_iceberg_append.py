"""What Iceberg costs over plain Parquet files, on the rows of a trail. `make bench` prints it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import median

import pytest

from benchmarks.contenders import ENVIRONMENT, HERE, Trail
from benchmarks.measure import measure
from benchmarks.results import circumstances, goal, is_kept, show, spread, steadiness, table

pytestmark = pytest.mark.timeout(0)

WAYS = {
    "parquet": "pyarrow, Parquet with zstd",
    "prepared": "the same, one dictionary a column made beforehand",
    "iceberg": "Iceberg, as the loader appends",
}


def test_appending_the_points_of_a_trail(trail: Trail, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    rounds = pytestconfig.getoption("--rounds")
    command = [sys.executable, str(HERE / "append_rows.py"), trail.logs, str(tmp_path), str(rounds)]
    found = json.loads(measure(command, ENVIRONMENT).output)
    assert found["rows"] == trail.truth["points"]
    wall = {name: [seconds for seconds, _ in found[name]] for name in WAYS}
    ratios, prepared = (
        [mine / yardstick for mine, yardstick in zip(wall["iceberg"], wall[name], strict=True)]
        for name in ("parquet", "prepared")
    )
    rows = [[what, spread(wall[name]), spread([cpu for _, cpu in found[name]])] for name, what in WAYS.items()]
    lines = [
        circumstances(),
        "",
        f"{found['rows']:,} points in {found['tables']} tables ({found['bytes'] / 1e6:,.0f} MB of Arrow), the very "
        f"ones that the loader appends; {rounds} rounds in one process; median (least–most).",
        "",
        *table(["way", "wall s", "CPU s"], rows),
        "",
        steadiness("The yardstick (pyarrow)", wall["parquet"]),
        "",
        *table(
            ["figure", "goal", "measured", "reached"],
            [
                goal("Iceberg / Parquet", "≤ 1.25", spread(ratios), median(ratios) <= 1.25),
                ["Iceberg / Parquet of one dictionary", "", spread(prepared), ""],
            ],
        ),
    ]
    show("CloudTrail: Iceberg append", lines, keep=is_kept(pytestconfig))
