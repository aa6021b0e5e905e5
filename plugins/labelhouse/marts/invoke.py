"""dbt in a process of its own: it changes logging and signal handlers of the one it is in."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1


def invoke_dbt(
    commands: Sequence[Sequence[str]], environment: Mapping[str, str], folder: Path
) -> subprocess.CompletedProcess[str]:
    """Runs dbt's commands one after the other, until one fails: one start for all, with nothing but `environment`."""
    arguments = [str(os.getpid()), json.dumps(commands)]
    return subprocess.run(
        [sys.executable, "-m", "labelhouse.marts.invoke", *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def main() -> None:
    """The process: invokes dbt with each command; exits with 1 at the first that does not succeed."""
    _end_with(int(sys.argv[1]))
    from dbt.cli.main import dbtRunner

    runner = dbtRunner()
    for command in json.loads(sys.argv[2]):
        result = runner.invoke(command)
        if not result.success:
            print(result.exception or "", file=sys.stderr)
            sys.exit(1)


def _end_with(parent: int) -> None:
    """A killed task takes its dbt along, which would keep the build file locked for the next attempt (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit(1)


if __name__ == "__main__":
    main()
