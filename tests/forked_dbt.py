"""dbt in processes that are forked from one that has imported it: importing takes as long as building the marts."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb"])


def run_dbt(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """dbt's command line with nothing but this environment, in this folder, whatever its outcome."""
    output = folder / "output.txt"
    process = _FORKS.Process(target=_invoke, args=(list(arguments), dict(environment), folder, output))
    process.start()
    process.join()
    return subprocess.CompletedProcess(list(arguments), process.exitcode or 0, stdout=output.read_text(), stderr="")


def _invoke(arguments: list[str], environment: dict[str, str], folder: Path, output: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    with output.open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    try:
        cli(arguments)
    finally:
        DuckDBConnectionManager.close_all_connections()  # nothing else would: such a process ends at once
