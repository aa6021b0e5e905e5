"""What the demo is doing: a live list of phases on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

Say = Callable[[str], None]


class Phases:
    """Phases one after the other, each with its duration."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.seconds: dict[str, float] = {}

    def add(self, name: str, seconds: float) -> None:
        """A phase that is over: it ran before this process."""
        self.seconds[name] = seconds
        self._console.print(f"✓ {name}: {seconds:.1f} s", highlight=False)

    @contextmanager
    def phase(self, name: str) -> Iterator[Say]:
        """Times a phase; the function it gives shows how far the phase is."""
        begin = time.monotonic()
        detail = ""
        if self._console.is_terminal:
            with self._console.status(name) as status:

                def say(text: str) -> None:
                    nonlocal detail
                    detail = text
                    status.update(f"{name}: {text}")

                yield say
        else:
            self._console.print(f"{name} …", highlight=False)

            def say(text: str) -> None:
                nonlocal detail
                detail = text

            yield say
        self.seconds[name] = time.monotonic() - begin
        suffix = f" ({detail})" if detail else ""
        self._console.print(f"✓ {name}: {self.seconds[name]:.1f} s{suffix}", highlight=False)

    def table(self) -> Table:
        """Every phase and its duration."""
        table = Table("Phase", box=None)
        table.add_column("Seconds", justify="right")
        for name, seconds in self.seconds.items():
            table.add_row(name, f"{seconds:.1f}")
        table.add_row("Together", f"{sum(self.seconds.values()):.1f}", style="bold")
        return table
