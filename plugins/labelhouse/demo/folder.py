"""The demo's folder: what makes a second demo continue the first, and a lock so that only one runs in it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from labelhouse.demo.world import HISTORY
from labelhouse.errors import LabelhouseError


class DemoError(LabelhouseError):
    """The demo cannot run here, or did not get as far as it should."""


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """A folder with `world.json` (seed and start), `airflow/`, `lake/` and `lock`."""

    path: Path

    @property
    def airflow(self) -> Path:
        """Airflow's home."""
        return self.path / "airflow"

    @property
    def lake(self) -> Path:
        """The lake."""
        return self.path / "lake"

    def world(self, seed: int) -> tuple[int, datetime]:
        """Seed and start of the world that lives here; a new one has two weeks of history already."""
        path = self.path / "world.json"
        if not path.exists():
            start = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - HISTORY
            path.write_text(json.dumps({"seed": seed, "start": start.isoformat()}))
        kept = json.loads(path.read_text())
        return kept["seed"], datetime.fromisoformat(kept["start"])

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder as long as this process lives.

        Raises:
            DemoError: another demo holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("a+") as lock:
            self._take(lock)
            yield

    def _take(self, lock: TextIO) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise DemoError(
                f"a demo runs here already, as process {lock.read()}: stop it first", where=str(self.path)
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()

    def remove(self) -> None:
        """Removes everything the demo keeps.

        Raises:
            DemoError: it is running.
        """
        if self.path.exists():
            with self.locked():
                shutil.rmtree(self.path)
