"""Runs a command and says what it took: time, processor and memory, of it and of every process it starts."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Event, Thread
from typing import IO

import psutil

#: Memory is looked at this often; who belongs to the tree, every fifth time, because that costs a millisecond.
SAMPLE_SECONDS, SAMPLES_PER_TREE = 0.05, 5


class CommandError(Exception):
    """The command failed; the message is the end of what it said."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one command took.

    Args:
        wall_seconds: from its start until it was gone.
        cpu_seconds: user and system, of it and of all descendants that were waited for.
        peak_bytes: most resident memory, summed over the tree. Pages that processes share count in each, unless
            `proportionally` was asked for.
        output: what it printed.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def measure(
    command: Sequence[str],
    environment: Mapping[str, str] | None = None,
    *,
    proportionally: bool = False,
    discard: bool = False,
) -> Measurement:
    """Runs `command` to its end.

    Args:
        proportionally: share what processes share among them (PSS). Looking costs a process of 700 MB ten
            milliseconds each time, so times taken that way do not count.
        discard: send its output to /dev/null instead of keeping it.

    Raises:
        CommandError: it ended with anything but 0.
    """
    with TemporaryFile("w+") as output, TemporaryFile("w+") as errors:
        begin = time.perf_counter()
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL if discard else output, stderr=errors
        )
        watch = _Watch(process.pid, proportionally)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.stop()
        if process.returncode:
            raise CommandError(
                f"{Path(command[0]).name} ended with {process.returncode}: {_end(errors) or _end(output)}"
            )
        output.seek(0)
        return Measurement(wall_seconds, usage.ru_utime + usage.ru_stime, watch.peak_bytes, output.read())


class _Watch(Thread):
    """Samples the memory of a process tree until told to stop."""

    def __init__(self, pid: int, proportionally: bool) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._root = psutil.Process(pid)
        self._proportionally = proportionally
        self._done = Event()

    def run(self) -> None:
        tree, count = [self._root], 0
        while not self._done.wait(SAMPLE_SECONDS):
            if count % SAMPLES_PER_TREE == 0:
                tree = self._tree()
            count += 1
            self.peak_bytes = max(self.peak_bytes, sum(map(self._bytes, tree)))

    def stop(self) -> None:
        self._done.set()
        self.join()

    def _tree(self) -> list[psutil.Process]:
        try:
            return [self._root, *self._root.children(recursive=True)]
        except psutil.Error:
            return []

    def _bytes(self, process: psutil.Process) -> int:
        try:
            return process.memory_full_info().pss if self._proportionally else process.memory_info().rss
        except (psutil.Error, OSError):  # it has just ended
            return 0


def _end(file: IO[str]) -> str:
    file.seek(0)
    return " | ".join(file.read().strip().splitlines()[-3:])
