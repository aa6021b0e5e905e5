"""What the demo is doing: a spinner with what it is at on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

#: Says what a phase is at; the last thing said stands beside its duration.
Say = Callable[[str], None]

_COLUMNS = (
    SpinnerColumn(),
    TextColumn("{task.description}"),
    TimeElapsedColumn(),
    TextColumn("{task.fields[detail]}", style="dim", markup=False),
)


class Phases:
    """Phases one after the other, each with its duration."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._seconds: dict[str, float] = {}

    def add(self, name: str, seconds: float, detail: str = "") -> None:
        """A phase that is over."""
        self._seconds[name] = seconds
        self._print(f"✓ {name}: {seconds:.1f} s" + (f" ({detail})" if detail else ""))

    @contextmanager
    def phase(self, name: str) -> Iterator[Say]:
        """Times what is done inside."""
        begin = time.monotonic()
        is_plain = not self._console.is_terminal
        if is_plain:
            self._print(f"{name} …")
        with Progress(*_COLUMNS, console=self._console, transient=True, disable=is_plain) as progress:
            task = progress.add_task(name, total=None, detail="")
            yield lambda detail: progress.update(task, detail=detail)
        self.add(name, time.monotonic() - begin, progress.tasks[0].fields["detail"])

    def table(self) -> Table:
        """Every phase and its duration."""
        table = Table("Phase", box=None)
        table.add_column("Seconds", justify="right")
        for name, seconds in self._seconds.items():
            table.add_row(name, f"{seconds:.1f}")
        table.add_row("Together", f"{sum(self._seconds.values()):.1f}", style="bold")
        return table

    def _print(self, line: str) -> None:
        self._console.print(line, highlight=False, markup=False, soft_wrap=True)
