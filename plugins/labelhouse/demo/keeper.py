"""Runs commands as one family: `python keeper.py SPECIFICATION`, with a pipe from its parent as stdin.

The family ends as a whole when one of the commands ends, on SIGTERM, and when the pipe closes, which
happens however the parent goes, kill -9 included. Airflow moves its task processes into groups of
their own and its workers outlive a killed scheduler, so what is ended is the session, not a group.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]


def end_session(session_id: int) -> None:
    """Kills every process of a session but the caller."""
    while members := _members(session_id):
        for pid in members:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _members(session_id: int) -> list[int]:
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, psutil.NoSuchProcess):  # it ended while we looked
            if pid != os.getpid() and os.getsid(pid) == session_id and not _is_zombie(pid):
                found.append(pid)
    return found


def _is_zombie(pid: int) -> bool:
    return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)


def _start(commands: dict[str, list[str]], logs_dir: Path) -> list[subprocess.Popen[bytes]]:
    started = []
    for name, command in commands.items():
        with (logs_dir / f"{name}.log").open("ab") as log:
            started.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    return started


def _wait_until_it_must_end(children: list[subprocess.Popen[bytes]]) -> None:
    while all(child.poll() is None for child in children):
        readable, _, _ = select.select([sys.stdin], [], [], 0.5)
        if readable and not os.read(sys.stdin.fileno(), 1):
            return  # the parent is gone


def main() -> None:
    """Runs `{"commands": {name: [word, …]}, "logs_dir": path, "grace_seconds": number}` from the first argument."""
    specification = json.loads(sys.argv[1])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    children: list[subprocess.Popen[bytes]] = []
    try:
        children = _start(specification["commands"], Path(specification["logs_dir"]))
        _wait_until_it_must_end(children)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for child in children:
            child.terminate()
        deadline = time.monotonic() + specification["grace_seconds"]
        while time.monotonic() < deadline and any(child.poll() is None for child in children):
            time.sleep(0.05)
        end_session(os.getsid(0))


if __name__ == "__main__":
    main()
