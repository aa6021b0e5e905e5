"""The bytes of units in their order, read a few ahead: an object store answers slowly."""

from __future__ import annotations

import hashlib
import logging
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Clients, Unit, UnitGone, UnitReplaced
from labelhouse.sources.objects import is_on_disk
from labelhouse.sources.requests import through

#: Units are read ahead by so many threads, and up to so many bytes …
READERS = 4
READ_AHEAD_BYTES = 64 * 1024 * 1024
#: … but for files so small that handing one to a thread and back takes longer than reading it.
AT_ONCE_BYTES = 64 * 1024

log = logging.getLogger(__name__)


class Delivered:
    """The bytes of `units`, read by `read`; counts those that cannot be had."""

    def __init__(self, read: Callable[[Unit, Clients], bytes], units: list[Unit], clients: Clients) -> None:
        self._read_unit, self._units, self._clients = read, units, clients
        self.missing_count = 0
        self.refusals: list[SourceError] = []

    def __iter__(self) -> Iterator[tuple[Unit, bytes, str]]:
        """Units, their bytes, and the SHA-256 of these.

        Raises:
            SourceUnavailableError: the source does not answer now.
        """
        waiting: deque[tuple[Unit, Callable[[], tuple[bytes, str]]]] = deque()
        readers = ThreadPoolExecutor(READERS, thread_name_prefix="read")
        try:
            for unit in self._units:
                if unit.size_bytes > AT_ONCE_BYTES or not is_on_disk(unit):
                    waiting.append((unit, readers.submit(self._read, unit).result))
                else:
                    waiting.append((unit, partial(self._read, unit)))
                    if len(waiting) == 1:  # nothing is read ahead of it
                        yield from self._next(waiting)
                while len(waiting) > READERS or sum(each.size_bytes for each, _ in waiting) > READ_AHEAD_BYTES:
                    yield from self._next(waiting)
            while waiting:
                yield from self._next(waiting)
        finally:
            readers.shutdown(cancel_futures=True)

    def _read(self, unit: Unit) -> tuple[bytes, str]:
        data = self._read_unit(unit, through(self._clients, unit.connection))
        return data, hashlib.sha256(data).hexdigest()

    def _next(self, waiting: deque[tuple[Unit, Callable[[], tuple[bytes, str]]]]) -> Iterator[tuple[Unit, bytes, str]]:
        unit, read = waiting.popleft()
        try:
            yield unit, *read()
        except (UnitGone, UnitReplaced):
            self.missing_count += 1
        except SourceUnavailableError:
            raise
        except SourceError as refusal:
            log.warning("A unit is left for the next load: %s", refusal)
            self.refusals.append(refusal)
