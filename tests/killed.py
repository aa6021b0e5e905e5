"""Runs a piece of work in a process of its own that is killed, for real, before or after its n-th commit.

Used as `python -m killed MODULE:FUNCTION ARGUMENT MOMENT`, MOMENT being `before 3`, `after 3`, or the name of a
function (`labelhouse.marts.publish:point_to`) with `before` or `after` in front.
"""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
FOLDERS = ("plugins", "tests", "tests/faults")


def run_killed(work: str, argument: str, moment: str) -> bool:
    """Does `work` (module:function) with `argument`; returns whether the moment came (and it was killed)."""
    done = subprocess.run(
        [sys.executable, "-m", "killed", work, argument, moment],
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join(str(PROJECT / folder) for folder in ("plugins", "tests", "tests/faults"))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr[-3000:]
    return done.returncode != 0


def _kill_at(moment: str) -> None:
    when, what = moment.split()
    if what.isdigit():
        from pyiceberg.catalog.sql import SqlCatalog

        counted = itertools.count(1)
        _patch(SqlCatalog, "commit_table", when, lambda: next(counted) == int(what))
    else:
        module, function = what.split(":")
        _patch(importlib.import_module(module), function, when, lambda: True)


def _patch(owner: Any, name: str, when: str, is_moment: Callable[[], bool]) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        now = is_moment()
        if now and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if now:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapper)


if __name__ == "__main__":
    work, argument, moment = sys.argv[1:]
    module, function = work.split(":")
    target = getattr(importlib.import_module(module), function)
    _kill_at(moment)
    target(argument)
