"""Processes that write to one lake at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from multiprocessing import get_context
from multiprocessing.context import BaseContext
from typing import Any

from labelhouse.extraction import extract
from labelhouse.lake import write as write_module
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.schema.tables import INGEST_LEDGER
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Window
from lake_units import Sample, expected, stored, visible, write

#: How long a writer may take.
PATIENCE_SECONDS = 1200


def writing() -> BaseContext:
    """Processes of their own, that need not import everything again."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["lake_units", "lake_writers"])
    return context


def units_of(writer: int, loads: int) -> list[Sample]:
    """What one writer loads, a commit each."""
    return [Sample(f"s3://{writer}/{number}", "v1", 2) for number in range(loads)]


def load_all(settings: dict[str, Any], writer: int, loads: int) -> None:
    """One writer: a load, and its commits, for each of its units."""
    lake = Lake(load_settings({}, **settings))
    for unit in units_of(writer, loads):
        write(lake, unit)


def load_all_unlocked(settings: dict[str, Any], writer: int, loads: int) -> None:
    """As `load_all` on a machine of its own, where nobody waits for the others' turn."""
    write_module.one_after_the_other = lambda *_: nullcontext()  # type: ignore[assignment]
    load_all(settings, writer, loads)


def batch(number: int) -> list[Sample]:
    """Units that are loaded together, at their version `number`, in which they have more or fewer rows."""
    return [Sample(f"s3://batch/{each}", str(number), 2 + (number + each) % 3) for each in range(3)]


def replace_all(settings: dict[str, Any], numbers: Iterable[int]) -> None:
    """Loads the batch at one version after the other."""
    lake = Lake(load_settings({}, **settings))
    for number in numbers:
        write(lake, *batch(number))


def backfill(settings: Settings, source_name: str, uri: str, window: Window) -> None:
    """One of several backfills."""
    extract(settings, source_name, window, {}.__getitem__, uri=uri)


@contextmanager
def in_background(work: Callable[..., None], arguments: tuple[Any, ...]) -> Iterator[Callable[[], bool]]:
    """Does `work` meanwhile; what it gives says whether it still does. It has to succeed."""
    process = writing().Process(target=work, args=arguments)  # type: ignore[attr-defined]
    process.start()
    yield process.is_alive
    process.join(PATIENCE_SECONDS)
    assert process.exitcode == 0


def at_once(work: Callable[..., None], arguments: Iterable[tuple[Any, ...]]) -> None:
    """Does `work` with each of the arguments, all at the same time; all of them succeed."""
    context = writing()
    processes = [context.Process(target=work, args=each) for each in arguments]  # type: ignore[attr-defined]
    for process in processes:
        process.start()
    for process in processes:
        process.join(PATIENCE_SECONDS)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def assert_all_landed(settings: dict[str, Any], writers: int, loads: int) -> None:
    """Nothing is lost and nothing is there twice: rows, ledger, and files that hold them."""
    lake = Lake(load_settings({}, **settings))
    units = [unit for writer in range(writers) for unit in units_of(writer, loads)]
    assert visible(lake) == expected(*units)
    assert stored(lake) == 2 * len(units)
    ledger = lake.raw(INGEST_LEDGER.name).scan(selected_fields=("unit_uri",)).to_arrow()
    assert set(Counter(ledger["unit_uri"].to_pylist()).values()) == {1}
    assert len(Ledger(lake).known_versions()) == writers * loads
