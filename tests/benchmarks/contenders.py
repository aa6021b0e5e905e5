"""Who is measured: commands over the same log files, each with a check of what it made of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.measure import Measurement, measure
from benchmarks.read_back import assert_true, lake_facts, parquet_facts
from labelhouse.settings import PREFIX

HERE = Path(__file__).parent
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith((PREFIX, "AWS_"))}
YARDSTICK, INTERPRETER, PARTS = "gzip -dc", "interpreter", "parts of a load"
ONE, TWO, SPARK = "labelhouse, 1 process", "labelhouse, 2 processes", "PySpark local[2]"


@dataclass
class Trail:
    """A generated trail: its log files, and the truth about them."""

    folder: Path
    truth: dict[str, Any]
    files: list[str]

    @property
    def logs(self) -> str:
        return str(self.folder / "AWSLogs")

    @property
    def gigabytes(self) -> float:
        return float(self.truth["gigabytes"])

    @property
    def size(self) -> str:
        truth = self.truth
        return (
            f"{truth['files']} files, {truth['raw_bytes'] / 1e9:.2f} GB unpacked ({truth['gzip_bytes'] / 1e6:.0f} MB "
            f"packed), {truth['records']:,} records of which {truth['metric_calls']:,} are BatchPutMetrics calls "
            f"({truth['metric_call_bytes'] / truth['raw_bytes']:.0%} of the bytes), {truth['points']:,} points"
        )


@dataclass
class Contender:
    """What takes its turn in every round.

    Args:
        command: from a folder to write to, the command.
        check: raises AssertionError when that folder does not hold the truth.
    """

    name: str
    command: Callable[[Path], list[str]]
    check: Callable[[Path], None] = lambda _: None
    runs: list[Measurement] = field(default_factory=list)

    def run(self, out: Path, *, proportionally: bool = False) -> Measurement:
        """One turn. The folder is gone afterwards."""
        try:
            result = measure(
                self.command(out), ENVIRONMENT, proportionally=proportionally, discard=self.name == YARDSTICK
            )
            self.check(out)
        finally:
            shutil.rmtree(out, ignore_errors=True)
        return result

    def ratios(self, to: Contender, what: str = "wall_seconds") -> list[float]:
        """Wall time, or another figure, in every round as a multiple of the other's."""
        pairs = zip(self.runs, to.runs, strict=True)
        return [getattr(mine, what) / getattr(other, what) for mine, other in pairs]


def generate(folder: Path, gigabytes: float) -> Trail:
    """A trail in a folder of its own, read once so that the first round finds it in memory as the others do."""
    command = [sys.executable, str(HERE / "trail.py"), str(folder), "--gigabytes", str(gigabytes)]
    subprocess.run(command, check=True, capture_output=True)
    files = sorted(map(str, folder.rglob("*.json.gz")))
    for file in files:
        Path(file).read_bytes()
    return Trail(folder, json.loads((folder / "truth.json").read_text()), files)


def load(trail: Trail, processes: int) -> Contender:
    """Files to rows, ledger and quarantine in a fresh lake."""
    script = [sys.executable, str(HERE / "load_trail.py"), trail.logs]
    return Contender(
        name=TWO if processes == 2 else ONE,
        command=lambda out: [*script, str(out), str(processes)],
        check=lambda out: assert_true(lake_facts(out), trail.truth),
    )


def contenders(trail: Trail) -> tuple[list[Contender], str]:
    """Everybody who takes part, the yardsticks first; and one sentence where PySpark cannot."""
    found = [
        Contender(YARDSTICK, lambda _: ["gzip", "-dc", *trail.files]),
        Contender(INTERPRETER, lambda _: [sys.executable, str(HERE / "interpret.py")]),
        Contender(PARTS, lambda out: [sys.executable, str(HERE / "parts.py"), trail.logs, str(out)]),
        load(trail, 1),
        load(trail, 2),
    ]
    if not find_spec("pyspark"):
        return found, "PySpark did not take part: it is not installed (`uv sync --group bench`)."
    if not shutil.which("java"):
        return found, "PySpark did not take part: there is no Java."
    spark = Contender(
        name=SPARK,
        command=lambda out: [sys.executable, str(HERE / "spark_rows.py"), trail.logs, str(out)],
        check=lambda out: assert_true(parquet_facts(out), trail.truth),
    )
    return [*found, spark], ""
