"""Runs a piece of work in a process of its own that is killed or stopped, for real, before or after its n-th commit.

Used as `python -m killed MODULE:FUNCTION ARGUMENT MOMENT SIGNAL`, MOMENT being `before 3`, `after 3`, or the name of a
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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
FOLDERS = ("plugins", "tests", "tests/faults")


def run_killed(work: str, argument: str, moment: str) -> bool:
    """Does `work` (module:function) with `argument`; returns whether the moment came (and it was killed)."""
    process = _started(work, argument, moment, signal.SIGKILL)
    _, errors = process.communicate()
    assert process.returncode in {0, -signal.SIGKILL}, errors[-3000:]
    return process.returncode != 0


@contextmanager
def stopped(work: str, argument: str, moment: str) -> Iterator[None]:
    """The process stands still from that moment until the block ends; then it goes on, and has to succeed."""
    process = _started(work, argument, moment, signal.SIGSTOP)
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), "the moment never came"
        yield
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate()
        assert process.returncode == 0, errors[-3000:]
    finally:
        process.kill()


def running(work: str, argument: str) -> subprocess.Popen[str]:
    """Begins `work` in a process that nobody disturbs."""
    return _started(work, argument, "before 1000000", signal.SIGKILL)


def _started(work: str, argument: str, moment: str, how: signal.Signals) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "killed", work, argument, moment, how.name],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(str(PROJECT / folder) for folder in FOLDERS)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def _signal_at(moment: str, how: signal.Signals) -> None:
    when, what = moment.split()
    if what.isdigit():
        from pyiceberg.catalog.sql import SqlCatalog

        counted = itertools.count(1)
        _patch(SqlCatalog, "commit_table", when, how, lambda: next(counted) == int(what))
    else:
        module, function = what.split(":")
        _patch(importlib.import_module(module), function, when, how, lambda: True)


def _patch(owner: Any, name: str, when: str, how: signal.Signals, is_moment: Callable[[], bool]) -> None:
    real = getattr(owner, name)

    @functools.wraps(real)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        now = is_moment()
        if now and when == "before":
            os.kill(os.getpid(), how)
        result = real(*args, **kwargs)
        if now and when == "after":
            os.kill(os.getpid(), how)
        return result

    setattr(owner, name, wrapper)


if __name__ == "__main__":
    work, argument, moment, name = sys.argv[1:]
    module, function = work.split(":")
    target = getattr(importlib.import_module(module), function)
    _signal_at(moment, signal.Signals[name])
    target(argument)
