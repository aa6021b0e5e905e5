"""`python -m labelhouse.demo`: a simulated AWS account and Airflow, from nothing to a chart; `clean` removes them.

`account` serves the account alone, for an Airflow that runs elsewhere.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from rich.console import Console

from labelhouse.demo.folder import DemoFolder
from labelhouse.errors import LabelhouseError
from labelhouse.settings import PROJECT_DIR

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str] | None = None) -> int:
    """Runs the demo, or its account, until it is stopped; 0: stopped or cleaned, 1: it could not go on."""
    parser = argparse.ArgumentParser(prog="python -m labelhouse.demo", description=__doc__)
    parser.add_argument("what", nargs="?", choices=("run", "account", "clean"), default="run")
    parser.add_argument("--folder", type=Path, default=PROJECT_DIR / ".demo", help="where it keeps everything")
    parser.add_argument("--host", default="127.0.0.1", help="where the account answers, when it is served alone")
    parser.add_argument(
        "--port", type=int, default=8080, help="of the UI (the next free one if it is taken), or of the account alone"
    )
    parser.add_argument("--seed", type=int, default=7, help="of a new world; one that exists keeps its own")
    parser.add_argument("--began", type=float, metavar="EPOCH", help="when make began to install")
    chosen = parser.parse_args(arguments)
    console = Console()
    folder = DemoFolder(chosen.folder.resolve())
    _end_with_make()
    for asked_to_stop in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(asked_to_stop, signal.default_int_handler)
    try:
        if chosen.what == "clean":
            folder.remove()
        elif chosen.what == "account":
            from labelhouse.demo.conductor import serve_account

            serve_account(folder, console, host=chosen.host, port=chosen.port, seed=chosen.seed)
        else:
            from labelhouse.demo.conductor import run

            installed_in = time.time() - chosen.began if chosen.began else None
            run(folder, console, port=chosen.port, seed=chosen.seed, installed_in=installed_in)
    except KeyboardInterrupt:
        return 0
    except LabelhouseError as error:
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        return 1
    return 0


def _end_with_make() -> None:
    """Lets the system end this process with the make that started it, even if that is killed (Linux only)."""
    if "MAKELEVEL" in os.environ and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
