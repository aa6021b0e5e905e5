"""How far a run is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime


class Progress:
    """A progress bar on a terminal, a plain line a step elsewhere; both on standard error."""

    def __enter__(self) -> Callable[[str, int, int], None]:
        if not sys.stderr.isatty():
            return _Lines()
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (TextColumn("{task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Bar(*columns, console=Console(stderr=True), transient=True)
        self._bar.start()
        task = self._bar.add_task("")
        return lambda step, done, total: self._bar.update(task, description=step, completed=done, total=total)

    def __exit__(self, *error: object) -> None:
        if hasattr(self, "_bar"):
            self._bar.stop()


class _Lines:
    """Prints a step once, when it begins."""

    def __init__(self) -> None:
        self._step = ""

    def __call__(self, step: str, _done: int, _total: int) -> None:
        if step != self._step:
            self._step = step
            print(f"{datetime.now(UTC):%H:%M:%S} {step}", file=sys.stderr, flush=True)
