"""Tables of what was measured, printed and kept in RESULTS.md."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import pytest

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("pyarrow", "pyiceberg", "duckdb", "msgspec", "deflate", "pyspark")
#: A run whose yardstick moved more than this between rounds proves little.
STEADY = 0.10
#: Smaller runs are for trying the harness out.
KEPT_GIGABYTES, KEPT_ROUNDS = 1.0, 5


def spread(values: Sequence[float], form: str = ".2f") -> str:
    """`median (min–max)`."""
    return f"{median(values):{form}} ({min(values):{form}}–{max(values):{form}})"


def movement(values: Sequence[float]) -> float:
    """How far the slowest is above the fastest, as a share."""
    return max(values) / min(values) - 1


def steadiness(what: str, values: Sequence[float]) -> str:
    """One sentence on how far the yardstick moved, flagged where it moved too far."""
    moved = movement(values)
    verdict = "**too far: repeat on a quiet machine**" if moved > STEADY else "steady"
    return f"{what} moved by {moved:.1%} between rounds: {verdict}."


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table, its columns aligned so that it can be read as text too."""
    cells = [list(header), *map(list, rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def goal(figure: str, wanted: str, measured: str, is_reached: bool) -> list[str]:
    """A row of `figure, goal, measured, reached`."""
    return [figure, wanted, measured, "yes" if is_reached else "**no**"]


def is_kept(config: pytest.Config) -> bool:
    """Whether a run is large enough for RESULTS.md."""
    return config.getoption("--gigabytes") >= KEPT_GIGABYTES and config.getoption("--rounds") >= KEPT_ROUNDS


def circumstances() -> str:
    """One sentence: when, with what, on what."""
    gzip = subprocess.run(["gzip", "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    packages = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; Python {platform.python_version()}, {packages}, gzip {gzip}; "
        f"{os.cpu_count()} cores."
    )


def show(title: str, lines: Sequence[str], *, keep: bool) -> None:
    """Prints a section and, with `keep`, puts it into RESULTS.md in the place of the one with that title."""
    print("\n".join(("", title, "", *lines)))
    if not keep:
        print("\n(too small or too few rounds for RESULTS.md)")
        return
    text = RESULTS.read_text() if RESULTS.exists() else "# What was measured\n"
    section = "\n".join((f"## {title}", "", *lines, ""))
    pattern = re.compile(rf"^## {re.escape(title)}$.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    text = pattern.sub(lambda _: section + "\n", text) if pattern.search(text) else f"{text.rstrip()}\n\n{section}"
    RESULTS.write_text(text.rstrip() + "\n")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(not installed)"
