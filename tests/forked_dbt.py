"""dbt in processes that are forked from one that has imported it: importing takes as long as building the marts."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb"])


def run_dbt(arguments: Sequence[str], environment: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """dbt's command line with nothing but this environment, in this folder, whatever its outcome."""
    with tempfile.NamedTemporaryFile() as output:
        process = _FORKS.Process(target=_invoke, args=(list(arguments), dict(environment), folder, output.name))
        process.start()
        process.join()
        said = Path(output.name).read_text()
    return subprocess.CompletedProcess(list(arguments), process.exitcode or 0, stdout=said, stderr="")


@dataclass(frozen=True)
class ForkedBuilds:
    """Stands in for `labelhouse.marts.invoke.invoke_dbt`, where not the process itself is tested.

    A lake's first build finds what dbt parsed for the first lake of all; lakes with settings of their own parse.
    """

    parsed: Path

    def __call__(
        self, commands: Sequence[Sequence[str]], environment: Mapping[str, str], folder: Path
    ) -> subprocess.CompletedProcess[str]:
        """Runs the commands until one fails."""
        if self.parsed.exists():
            environment = {"DBT_PARTIAL_PARSE_FILE_PATH": str(self.parsed), **environment}
        for command in commands:
            done = run_dbt(command, environment, folder)
            if done.returncode:
                break
        made = Path(environment["DBT_TARGET_PATH"]) / self.parsed.name
        if made.exists() and not self.parsed.exists():
            shutil.copyfile(made, self.parsed)
        return done


def _invoke(arguments: list[str], environment: dict[str, str], folder: Path, output: str) -> None:
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    with Path(output).open("wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import cli

    try:
        cli(arguments)
    finally:
        DuckDBConnectionManager.close_all_connections()  # nothing else would: such a process ends at once
