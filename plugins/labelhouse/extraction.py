"""Filling the lake from one source: `plan` what is new, `load_batch` each part of it, or `extract` all at once."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count
from multiprocessing import get_context
from threading import Lock
from typing import Self

import msgspec

from labelhouse.errors import SourceError
from labelhouse.folders import Folder
from labelhouse.identities import load_identities
from labelhouse.identity_map import Directory, remember_all
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger, LedgerRow, units_with_quarantine
from labelhouse.lake.regression import refuse_older_catalog
from labelhouse.lake.write import BatchLoad, LoadedUnit
from labelhouse.marts.releases import replace_file
from labelhouse.memory import memory_of_a_load, prepare_memory
from labelhouse.settings import Place, Settings
from labelhouse.sources import Clients, Source, Unit, Window, source_named
from labelhouse.sources.delivery import Delivered
from labelhouse.sources.requests import careful, through

#: Airflow maps at most this many batches over one plan; longer windows get larger batches.
MOST_BATCHES = 200

#: Stored bytes that one load commits at most, so that memory does not grow with the window.
BATCH_BYTES = 256 * 1024 * 1024

#: Plans are kept for who looks back; a run uses its own within hours.
KEPT_PLANS = 500

#: `progress(step, done, total)`
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """What one extraction will load: units that the lake does not hold yet at their version."""

    plan_id: str
    source_name: str
    unit_count: int
    known_count: int
    batch_count: int


class _Planned(msgspec.Struct, frozen=True):
    """A plan as it is written down. Its batches stay text: who loads one has no use for the others."""

    source_name: str
    planned_at: datetime
    again: list[str]
    batches: list[msgspec.Raw]


@lru_cache(1)  # of one batch after the other; a plan never changes
def _planned(path: Folder) -> _Planned:
    return msgspec.json.decode(path.read_bytes(), type=_Planned)


@dataclass(frozen=True, slots=True)
class LoadSummary:
    """What became of the units and records of a load. Adds up.

    Args:
        unit_count: units that were committed.
        unchanged_count: read, and found to hold what the lake has: units of an API, whose version is their content.
        missing_count: gone or replaced since they were listed: the next plan sees what is there now.
        unreadable_count: refused by the source, e.g. archived or encrypted for somebody else: planned again next time.
    """

    unit_count: int = 0
    unchanged_count: int = 0
    missing_count: int = 0
    unreadable_count: int = 0
    records_read: int = 0
    records_loaded: int = 0
    records_duplicate: int = 0
    records_quarantined: int = 0
    records_filtered: int = 0

    def __add__(self, other: LoadSummary) -> LoadSummary:
        return LoadSummary(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def seen_count(self) -> int:
        """Units that were planned, whatever became of them."""
        return self.unit_count + self.unchanged_count + self.missing_count + self.unreadable_count

    @classmethod
    def of(cls, rows: list[LedgerRow], **counts_of_units: int) -> Self:
        """The summary of ledger rows, and of the units that got none."""
        counts = {
            each.name: sum(getattr(row, each.name) for row in rows)
            for each in fields(cls)
            if each.name.startswith("records_")
        }
        return cls(unit_count=len(rows), **counts_of_units, **counts)


def plan(
    settings: Settings,
    source_name: str,
    window: Window,
    clients: Clients,
    *,
    uri: str | None = None,
    connection: str | None = None,
    replay_quarantined: bool = False,
    shares: int = 1,
) -> Plan:
    """Lists the source and writes down, in the lake, the units in `window` that are new or changed.

    Args:
        uri: where to look instead of where the settings say.
        connection: what to look through there, see `settings.Place`.
        replay_quarantined: plan what has records in quarantine again, for a parser that has learned.
        shares: no batch may hold more of the units than one such share, rounded up.

    Raises:
        SourceError: the source is unknown, not configured, or cannot be listed.
    """
    source = source_named(source_name)
    lake, planned_at = Lake(settings), datetime.now(UTC)
    refuse_older_catalog(lake)
    known = Ledger(lake).known_versions()
    replayed = units_with_quarantine(lake) if replay_quarantined else set()
    units, known_count = [], 0
    places = [Place(uri=uri, connection=connection)] if uri else places_of(settings, source_name)
    for unit in _listed(source, places, careful(clients, _pace(settings, source_name)), window):
        if unit.unit_at not in window:
            continue
        if unit.version and known.get(unit.uri) == unit.version and unit.uri not in replayed:
            known_count += 1
        else:
            units.append(unit)
    batches = _batches(units, settings.units_per_batch, shares)
    texts = [msgspec.Raw(msgspec.json.encode(batch)) for batch in batches]
    document = msgspec.json.encode(_Planned(source_name, planned_at, sorted(replayed), texts))
    plan_id = f"{planned_at:%Y%m%dT%H%M%S.%fZ}-{hashlib.sha256(document).hexdigest()[:12]}"
    if batches:
        replace_file(lake.dir / "plans" / f"{plan_id}.json", document.decode())
        plans: list[Folder] = list((lake.dir / "plans").glob("*.json"))
        for old in sorted(plans, key=lambda path: path.name)[:-KEPT_PLANS]:
            old.unlink(missing_ok=True)
    return Plan(plan_id, source_name, len(units), known_count, len(batches))


def load_batch(
    settings: Settings, plan_id: str, batch_number: int, clients: Clients, tick: Callable[[], None] | None = None
) -> LoadSummary:
    """Loads one batch of a plan. Doing it twice, or at the same time as somebody else, changes nothing.

    What has been loaded since the plan was made, by another run or by an attempt that could not say so any more,
    is not read again; the summary counts it.

    Args:
        tick: called once a unit.

    Raises:
        SettingError: no key for the pseudonyms.
        SourceError: a unit cannot be read.
    """
    lake = Lake(settings)
    planned = _planned(lake.dir / "plans" / f"{plan_id}.json")
    units = msgspec.json.decode(planned.batches[batch_number], type=list[Unit])
    done = Ledger(lake).loaded_since(planned.planned_at, {unit.uri: unit.version for unit in units})
    done_uris = {row.unit_uri for row in done}
    left = [unit for unit in units if unit.uri not in done_uris]
    source, again = source_named(planned.source_name), frozenset(planned.again)
    loaded = load_units(settings, source, left, clients, tick, again=again) if left else LoadSummary()
    return LoadSummary.of(done) + loaded


def load_units(
    settings: Settings,
    source: Source,
    units: list[Unit],
    clients: Clients,
    tick: Callable[[], None] | None = None,
    *,
    again: Collection[str] = (),
) -> LoadSummary:
    """Loads `units` in one commit. One that cannot be had is counted and left for the next plan.

    A unit of an API that has nothing to say takes nothing away: a log that forgot its oldest hours is no reason to
    forget them here, and an hour in which nothing happened is not worth a row of the ledger.

    Args:
        again: URIs of units without a version to load even where the lake has this very content.

    Raises:
        SourceError: none of them can be read.
        SourceUnavailableError: the source does not answer now.
    """
    lake = Lake(settings)
    load = BatchLoad(lake, source.name, source.tables, [unit.uri for unit in units], source.same_content)
    read = (source.read_clear if settings.identities == "clear" else None) or source.read_unit
    delivered = Delivered(read, units, careful(clients, _pace(settings, source.name)))
    known = Ledger(lake).known_versions() if any(not unit.version for unit in units) else {}
    loaded: dict[str, LoadedUnit] = {}
    people: list[Directory] = []
    unchanged_count = 0

    def begun() -> Iterator[tuple[Unit, bytes]]:
        nonlocal unchanged_count
        for unit, data, sha256 in delivered:
            if unit.version or (data and (unit.uri in again or known.get(unit.uri) != sha256)):
                version = unit.version or sha256
                loaded[unit.uri] = LoadedUnit(unit.uri, version, unit.unit_at, sha256, unit.size_bytes or len(data))
                load.begin(loaded[unit.uri])
                yield unit, data
            else:
                unchanged_count += 1
            if tick:
                tick()

    with memory_of_a_load():
        for unit, chunk in source.parse(begun(), load_identities(settings)):
            load.add(loaded[unit.uri], chunk)
            people += chunk.people
        if delivered.refusals and len(delivered.refusals) == len(units):
            raise delivered.refusals[0]
        remember_all(settings, people)  # before the commit: what fails here is loaded and remembered by the next try
        rows = load.commit()
    return LoadSummary.of(
        rows,
        unchanged_count=unchanged_count,
        missing_count=delivered.missing_count,
        unreadable_count=len(delivered.refusals),
    )


def _batches(units: list[Unit], most_units: int, shares: int) -> list[list[Unit]]:
    """Units in their order, cut into batches by number and bytes, at most `MOST_BATCHES` of them."""
    size = max(min(most_units, -(-len(units) // shares)), -(-len(units) // MOST_BATCHES), 1)
    size_bytes = max(BATCH_BYTES, sum(unit.size_bytes for unit in units) // MOST_BATCHES)
    while len(batches := _cut(units, size, size_bytes)) > MOST_BATCHES:
        size, size_bytes = size + -(-size // 4), size_bytes + size_bytes // 4
    return batches


def _cut(units: list[Unit], most_units: int, most_bytes: int) -> list[list[Unit]]:
    batches: list[list[Unit]] = []
    batch_bytes = 0
    for unit in units:
        if not batches or len(batches[-1]) == most_units or batch_bytes + unit.size_bytes > most_bytes:
            batches.append([])
            batch_bytes = 0
        batches[-1].append(unit)
        batch_bytes += unit.size_bytes
    return batches


def extract(
    settings: Settings,
    source_name: str,
    window: Window,
    clients: Clients,
    on_progress: Progress | None = None,
    *,
    uri: str | None = None,
    replay_quarantined: bool = False,
    processes: int = 1,
) -> LoadSummary:
    """Plans and loads a window, in this process or in several.

    Args:
        processes: how many load at the same time, this one among them; `clients` is sent to the others.
    """
    planned = plan(
        settings, source_name, window, clients, uri=uri, replay_quarantined=replay_quarantined, shares=processes
    )
    if processes > 1 and planned.batch_count > 1:
        return _load_in_processes(settings, planned, clients, min(processes, planned.batch_count), on_progress)
    units_done = count(1)

    def tick() -> None:
        if on_progress:
            on_progress(f"load {source_name}", next(units_done), planned.unit_count)

    loads = (load_batch(settings, planned.plan_id, number, clients, tick) for number in range(planned.batch_count))
    return sum(loads, LoadSummary())


def _load_in_processes(
    settings: Settings, planned: Plan, clients: Clients, processes: int, on_progress: Progress | None
) -> LoadSummary:
    """Loads here and in further processes: each takes the next batch when it is done with one."""
    numbers, told, loaded = iter(range(planned.batch_count)), Lock(), LoadSummary()

    def take(load: Callable[[int], LoadSummary]) -> None:
        nonlocal loaded
        while (number := next(numbers, None)) is not None:
            try:
                summary = load(number)
            except BaseException:
                deque(numbers, maxlen=0)  # nobody takes another
                raise
            with told:
                loaded += summary
                if on_progress:
                    on_progress(f"load {planned.source_name}", loaded.seen_count, planned.unit_count)

    def load_here(number: int) -> LoadSummary:
        return load_batch(settings, planned.plan_id, number, clients)

    def load_elsewhere(number: int) -> LoadSummary:
        return pool.submit(load_batch, settings, planned.plan_id, number, clients).result()

    others = processes - 1
    pool = ProcessPoolExecutor(others, get_context("spawn"), prepare_memory)
    with pool, ThreadPoolExecutor(others) as waiting:
        taken = [waiting.submit(take, load_elsewhere) for _ in range(others)]
        take(load_here)
        for each in taken:
            each.result()
    return loaded


def places_of(settings: Settings, source_name: str) -> tuple[Place, ...]:
    """The places of a source, as the settings say.

    Raises:
        SourceError: they name none.
    """
    if source_name not in settings.sources:
        allowed = "a JSON object of source name to URI"
        raise SourceError("the source has no URI", where="LABELHOUSE_SOURCES", value=source_name, allowed=allowed)
    return settings.sources[source_name].places


def _listed(source: Source, places: Sequence[Place], clients: Clients, window: Window) -> Iterator[Unit]:
    """The units of every place, each with the connection of its place; one that two places hold is of the first.

    Raises:
        SourceError: through two connections APIs tell different things under one name: one of them would be lost.
    """
    holders: dict[str, Place] = {}
    for place in places:
        for unit in source.list_units(place.uri, through(clients, place.connection), window):
            if len(places) > 1 and (holder := holders.setdefault(unit.uri, place)) is not place:
                if not unit.version and holder.connection != place.connection:
                    what = "two places with connections of their own hold a unit of the same name"
                    raise SourceError(what, where=f"LABELHOUSE_SOURCES.{source.name}", value=unit.uri)
                continue
            yield replace(unit, connection=place.connection) if place.connection else unit


def _pace(settings: Settings, source_name: str) -> float | None:
    found = settings.sources.get(source_name)
    return found.requests_per_second if found else None
