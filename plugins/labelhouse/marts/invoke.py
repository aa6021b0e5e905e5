"""The process that dbt runs in: one start for several commands (a JSON list of lists, the second argument)."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Invokes dbt with each command; exits with 1 at the first that does not succeed."""
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
