"""A family of processes ends as a whole, however its parent or one of its members ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from labelhouse.demo import keeper

#: Starts a process in a group of its own, as Airflow does with tasks, and does not react to SIGTERM.
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen(["sleep", "600"], process_group=0)
open(sys.argv[1], "w").close()
time.sleep(600)
"""


def specification(folder: Path, **commands: list[str]) -> str:
    return json.dumps({"commands": commands, "logs_dir": str(folder), "grace_seconds": 0.5})


def start(folder: Path, **commands: list[str]) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-P", keeper.__file__, specification(folder, **commands)]
    return subprocess.Popen(words, stdin=subprocess.PIPE, start_new_session=True)


def stubborn(folder: Path) -> list[str]:
    return [sys.executable, "-c", STUBBORN, str(folder / "ready")]


def wait_until_ready(folder: Path) -> None:
    deadline = time.monotonic() + 30
    while not (folder / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def members(session_id: int) -> list[str]:
    """Command lines of the living processes of a session."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == session_id and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


def test_a_terminated_family_leaves_nobody_behind(tmp_path: Path) -> None:
    family = start(tmp_path, stubborn=stubborn(tmp_path), sleeper=["sleep", "600"])
    wait_until_ready(tmp_path)
    assert len(members(family.pid)) == 4, "the keeper, two commands and what one of them started"
    family.terminate()
    family.wait(20)
    assert members(family.pid) == []


def test_when_one_ends_all_end(tmp_path: Path) -> None:
    family = start(tmp_path, stubborn=stubborn(tmp_path), short=["sleep", "1"])
    family.wait(30)
    assert members(family.pid) == []


def test_a_killed_parent_takes_the_family_along(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "family = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, start_new_session=True)\n"
        "print(family.pid, flush=True)\n"
        "time.sleep(600)"
    )
    words = [sys.executable, "-P", keeper.__file__, specification(tmp_path, stubborn=stubborn(tmp_path))]
    parent = subprocess.Popen([sys.executable, "-c", code, *words], stdout=subprocess.PIPE, text=True)
    assert parent.stdout
    session_id = int(parent.stdout.readline())
    wait_until_ready(tmp_path)
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while members(session_id):
        assert time.monotonic() < deadline, members(session_id)
        time.sleep(0.1)
