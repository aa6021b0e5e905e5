"""Filling the lake: what is planned in which batches, how units are read, what becomes of those that cannot be had."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise, permutations
from pathlib import Path
from threading import Barrier, Lock, current_thread
from time import sleep
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from copied_records import TABLES, LogFile, chunk, holders, no_clients, same_content
from labelhouse import extraction
from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.extraction import LoadSummary
from labelhouse.identities import Identities
from labelhouse.lake.catalog import Lake
from labelhouse.settings import Settings
from labelhouse.sources import Clients, Source, Unit, UnitGone, UnitReplaced, Window, delivery
from labelhouse.sources.parsed import Parsed
from lake_units import START
from lake_writers import at_once, backfill
from trail_units import ACCOUNT, call, event, gzipped, log, point

# --- a place whose units a test makes up


@dataclass
class Place:
    """Units by their name, each with the events that it holds, or with what reading it raises."""

    units: dict[str, str | Exception]
    sizes: dict[str, int] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    parsed: list[str] = field(default_factory=list)
    on_read: Callable[[Unit], None] = lambda unit: None
    on_parse: Callable[[Unit], None] = lambda unit: None

    @property
    def source(self) -> Source:
        return Source("cloudtrail", "", TABLES, self.list_units, self.read_unit, self.parse, same_content)

    def list_units(self, uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
        return (Unit(name, "v1", START, self.sizes.get(name, 1)) for name in self.units)

    def read_unit(self, unit: Unit, clients: Clients) -> bytes:
        self.reads.append(unit.uri)
        self.on_read(unit)
        found = self.units[unit.uri]
        if isinstance(found, Exception):
            raise found
        return found.encode()

    def parse(self, units: Iterable[tuple[Unit, bytes]], identities: Identities) -> Iterator[tuple[Unit, Parsed]]:
        for unit, data in units:
            self.on_parse(unit)
            self.parsed.append(unit.uri)
            yield unit, chunk(LogFile(unit.uri, data.decode()))


@pytest.fixture
def load(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LoadSummary]:
    """Extracts a place."""

    def extract(place: Place, units_per_batch: int = 100, **options: Any) -> LoadSummary:
        monkeypatch.setattr(extraction, "source_named", lambda name: place.source)
        own = settings.model_copy(update={"units_per_batch": units_per_batch})
        return extraction.extract(own, "cloudtrail", Window(), no_clients, uri="somewhere", **options)

    return extract


def many(count: int, **others: Exception) -> dict[str, str | Exception]:
    """Units `u00`, `u01`, … of one event each; `others` take the place of those of their names."""
    return {f"u{number:02}": f"e{number}" for number in range(count)} | others


# --- batches


SIZES = st.lists(st.sampled_from([0, 1, 1000, 10**6, 10**8, 3 * 10**8, 5 * 10**8]), max_size=900)


@given(sizes=SIZES, most=st.integers(1, 300), shares=st.integers(1, 4))
def test_batches_hold_every_unit_once_in_order_and_are_at_most_200(sizes: list[int], most: int, shares: int) -> None:
    units = [Unit(str(number), "v1", START, size) for number, size in enumerate(sizes)]
    batches = extraction._batches(units, most, shares)
    assert [unit for batch in batches for unit in batch] == units
    assert all(batches)
    assert len(batches) <= extraction.MOST_BATCHES
    if len(units) <= most * 50 and sum(sizes) < extraction.BATCH_BYTES * 50:
        for batch in batches:
            assert len(batch) <= min(most, -(-len(units) // shares))
            assert len(batch) == 1 or sum(unit.size_bytes for unit in batch) <= extraction.BATCH_BYTES


def test_huge_units_among_many_small_ones_make_no_more_batches_than_allowed() -> None:
    sizes = [500 * 1024 * 1024 if number % 666 == 0 else 1 for number in range(40_000)]
    units = [Unit(str(number), "v1", START, size) for number, size in enumerate(sizes)]
    assert 100 < len(extraction._batches(units, 100, 1)) <= extraction.MOST_BATCHES


def test_units_are_loaded_in_the_order_of_the_listing(load: Callable[..., LoadSummary], lake: Lake) -> None:
    place = Place(many(20))
    ticks: list[tuple[str, int, int]] = []
    summary = load(place, units_per_batch=6, on_progress=lambda *progress: ticks.append(progress))
    assert summary == LoadSummary(unit_count=20, records_read=20, records_loaded=20)
    assert place.parsed == sorted(place.units)
    assert ticks == [("load cloudtrail", number, 20) for number in range(1, 21)]
    assert len(lake.raw("ingest_ledger").snapshots()) == 4


# --- reading


GONE, REPLACED = UnitGone("gone"), UnitReplaced("replaced")
REFUSED = SourceError("the object is archived", value="s3://a")


def test_units_that_cannot_be_had_are_counted_once(load: Callable[..., LoadSummary], lake: Lake) -> None:
    place = Place(many(14, u00=REFUSED, u03=GONE, u04=REFUSED, u05=REPLACED, u13=GONE))
    summary = load(place)
    assert (summary.unit_count, summary.missing_count, summary.unreadable_count) == (9, 3, 2)
    assert Counter(place.reads) == dict.fromkeys(place.units, 1)
    assert holders(lake) == {f"e{number}": f"u{number:02}" for number in (1, 2, 6, 7, 8, 9, 10, 11, 12)}
    place.units |= many(14)
    again = load(place)
    assert (again.unit_count, again.records_loaded) == (5, 5), "the next plan has them, and nothing else"


def test_a_batch_of_which_everything_is_refused_fails(load: Callable[..., LoadSummary], lake: Lake) -> None:
    with pytest.raises(SourceError, match="archived"):
        load(Place({"a": REFUSED, "b": SourceError("access is denied")}))
    assert load(Place({"a": REFUSED, "b": GONE})) == LoadSummary(missing_count=1, unreadable_count=1)
    assert holders(lake) == {}


def test_a_source_that_does_not_answer_ends_the_load_at_once(load: Callable[..., LoadSummary], lake: Lake) -> None:
    place = Place(many(60, u02=SourceUnavailableError("S3 cannot be read just now")))
    with pytest.raises(SourceUnavailableError, match="just now"):
        load(place)
    assert len(place.reads) <= 3 + delivery.READERS, "no more than what was read ahead"
    assert place.parsed == ["u00", "u01"]
    assert holders(lake) == {}


def test_units_are_read_ahead_but_only_so_many(load: Callable[..., LoadSummary]) -> None:
    """As many at the same time as there are readers, and not many more than are parsed."""
    barrier, ahead = Barrier(delivery.READERS), []

    def on_read(unit: Unit) -> None:
        if unit.uri < f"u{delivery.READERS:02}":
            barrier.wait(60)  # the first ones are read together, or never
        assert current_thread().name.startswith("read")

    place = Place(many(40), on_read=on_read)
    place.on_parse = lambda unit: ahead.append(len(place.reads) - len(place.parsed))
    load(place)
    assert max(ahead) <= delivery.READERS + 2


def test_what_another_run_loaded_meanwhile_is_not_read_again(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what an attempt loaded that died before it could say so."""
    place = Place(many(5))
    monkeypatch.setattr(extraction, "source_named", lambda name: place.source)
    first, second = (extraction.plan(settings, "cloudtrail", Window(), no_clients, uri="somewhere") for _ in range(2))
    loads = [extraction.load_batch(settings, each.plan_id, 0, no_clients) for each in (first, second, first)]
    assert loads == [LoadSummary(unit_count=5, records_read=5, records_loaded=5)] * 3, "so that it is announced"
    assert sorted(place.reads) == sorted(place.units)
    assert lake.raw("ingest_ledger").scan().to_arrow().num_rows == 5


def test_one_batch_of_several_that_fails_and_is_tried_again_ends_like_a_clean_run(
    settings: Settings, lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = Place(many(9))
    monkeypatch.setattr(extraction, "source_named", lambda name: place.source)
    clean, torn = _another_lake(settings, tmp_path / "clean"), settings.model_copy(update={"units_per_batch": 3})
    extraction.extract(clean, "cloudtrail", Window(), no_clients, uri="somewhere")
    plan = extraction.plan(torn, "cloudtrail", Window(), no_clients, uri="somewhere")
    place.units["u04"] = SourceUnavailableError("the bucket does not answer")
    for number in (2, 1, 0):
        try:
            extraction.load_batch(torn, plan.plan_id, number, no_clients)
        except SourceUnavailableError:
            assert number == 1
    assert len(holders(lake)) == 6, "nothing of the batch that failed, all of the others"
    place.units["u04"] = "e4"
    loads = [extraction.load_batch(torn, plan.plan_id, number, no_clients) for number in (1, 2)]
    assert loads == [LoadSummary(unit_count=3, records_read=3, records_loaded=3)] * 2, "cleared: done again, or not"
    assert facts(lake) == facts(Lake(clean))
    assert lake.raw("ingest_ledger").scan().to_arrow().num_rows == 9


def test_readers_make_their_clients_one_at_a_time(settings: Settings) -> None:
    """boto3 must not make two at the same time; whoever makes them need not know of threads."""
    making, place = Lock(), Place(many(20))

    def clients(service: str) -> str:
        assert making.acquire(blocking=False), "nobody else is making one"
        sleep(0.002)
        making.release()
        return service

    source = replace(place.source, read_unit=lambda unit, make: place.read_unit(unit, make) * (make("s3") == "s3"))
    loaded = extraction.load_units(settings, source, list(place.list_units("", clients, Window())), clients)
    assert loaded.records_loaded == 20


@pytest.mark.parametrize("size", [10, 60, 100, 200])
def test_what_is_read_ahead_is_bounded(
    load: Callable[..., LoadSummary], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """Bytes that wait or are being read, beside those of the unit that is parsed: the limit and one unit more."""
    monkeypatch.setattr(delivery, "READ_AHEAD_BYTES", 100)
    lock, begun, most = Lock(), Counter[str](), 0

    def on_read(unit: Unit) -> None:
        nonlocal most
        with lock:
            begun[unit.uri] = unit.size_bytes
            most = max(most, begun.total())

    def on_parse(unit: Unit) -> None:
        with lock:
            del begun[unit.uri]

    names = many(12)
    sizes = {name: 1 if name < "u04" else size for name in names}
    load(Place(names, sizes, on_read=on_read, on_parse=on_parse))
    assert most <= 100 + size


# --- the collector


def test_the_collector_is_off_while_units_are_loaded_and_on_again_afterwards(load: Callable[..., LoadSummary]) -> None:
    states: list[bool] = []
    load(Place(many(3), on_parse=lambda unit: states.append(gc.isenabled())))
    assert states == [False] * 3
    assert gc.isenabled()


def _fail(unit: Unit) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize(
    ("place", "error"),
    [
        (Place(many(3), on_parse=_fail), ZeroDivisionError),
        (Place(many(3), on_read=_fail), ZeroDivisionError),
        (Place({"a": REFUSED}), SourceError),
        (Place({"a": SourceUnavailableError("throttled")}), SourceUnavailableError),
    ],
    ids=["parsing", "reading", "refused", "unavailable"],
)
def test_the_collector_is_on_again_after_an_error(
    load: Callable[..., LoadSummary], place: Place, error: type[Exception]
) -> None:
    with pytest.raises(error):
        load(place)
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off(load: Callable[..., LoadSummary]) -> None:
    gc.disable()
    try:
        load(Place(many(1)))
        assert not gc.isenabled()
    finally:
        gc.enable()


# --- log files of two trails: the same events, in files of their own


def write_trails(folder: Path, days: int = 3) -> str:
    """Eight calls and two changes a day; the second trail cuts its files elsewhere, and delivers some a day later."""
    for day in range(days):
        started = START + timedelta(days=day)
        records = [_record(day, number, started) for number in range(10)]
        for trail, cuts in (("one", (0, 3, 7, 10)), ("two", (0, 5, 10))):
            for part, (first, last) in enumerate(pairwise(cuts)):
                late = timedelta(days=1) if trail == "two" and part else timedelta(minutes=20)
                _deliver(folder / trail, started + late + timedelta(minutes=part), records[first:last])
    return str(folder)


def _record(day: int, number: int, started: datetime) -> dict[str, Any]:
    at = started + timedelta(minutes=number)
    common = {"eventID": f"{day:08}-0000-4000-8000-{number:012}", "eventTime": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    if number in {4, 8}:
        return event("StopTrainingJob", {"trainingJobName": f"job-{number}"}, **common)
    timestamp = int(at.timestamp() * 1000)
    return call(*(point(timestamp=timestamp, step=step, value=number + step / 10) for step in range(3)), **common)


def _deliver(trail: Path, at: datetime, records: list[dict[str, Any]]) -> None:
    name = f"{ACCOUNT}_CloudTrail_eu-west-1_{at:%Y%m%dT%H%MZ}_{len(records):016}.json.gz"
    path = trail / f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{at:%Y/%m/%d}/{name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzipped(log(*records, call(errorCode="AccessDenied"))))


def facts(lake: Lake) -> dict[str, list[tuple[Any, ...]]]:
    """What the rows say, wherever they came from."""
    origin = {"unit_uri", "unit_version", "position", "loaded_at"}
    found = {}
    for name in TABLES:
        rows = lake.raw(name).scan().to_arrow().to_pylist()
        found[name] = sorted(tuple(str(value) for key, value in row.items() if key not in origin) for row in rows)
    return found


def _another_lake(settings: Settings, folder: Path) -> Settings:
    return settings.model_copy(
        update={"lake": folder, "pseudonym_key": SecretStr("one key for all lakes of these tests")}
    )


def extract_trails(settings: Settings, uri: str, window: Window | None = None, processes: int = 1) -> LoadSummary:
    return extraction.extract(settings, "cloudtrail", window or Window(), no_clients, uri=uri, processes=processes)


def test_several_processes_load_what_one_loads(tmp_path: Path, settings: Settings) -> None:
    uri = write_trails(tmp_path / "trails")
    one, two = (_another_lake(settings, tmp_path / name) for name in ("one", "two"))
    expected = LoadSummary(unit_count=15, records_read=75, records_loaded=30, records_duplicate=30, records_filtered=15)
    assert extract_trails(one, uri) == expected
    assert extract_trails(two, uri, processes=2) == expected
    assert facts(Lake(one)) == facts(Lake(two))
    assert [len(rows) for rows in facts(Lake(one)).values()] == [72, 6]
    assert extract_trails(two, uri, processes=2) == LoadSummary(), "nothing is new"


def test_overlapping_backfills_end_the_same_in_any_order_and_at_the_same_time(
    tmp_path: Path, settings: Settings
) -> None:
    """By delivery: each window begins before the one before it ends; both trails deliver everything."""
    uri = write_trails(tmp_path / "trails", days=2)
    halves = [START + timedelta(hours=12 * number) for number in range(7)]
    windows = [Window(halves[first], halves[last]) for first, last in ((0, 2), (1, 4), (2, 6))]
    orders = {"".join(map(str, order)): order for order in permutations(range(3))}
    results = []
    for name in [*orders, "whole", "at the same time"]:
        own = _another_lake(settings, tmp_path / name).model_copy(update={"units_per_batch": 4})
        if name in orders:
            for number in orders[name]:
                extract_trails(own, uri, windows[number])
        elif name == "whole":
            extract_trails(own, uri)
        else:
            at_once(backfill, [(own, "cloudtrail", uri, window) for window in windows])
        lake = Lake(own)
        ledger = lake.raw("ingest_ledger").scan().to_arrow().to_pylist()
        assert len(ledger) == 10, "each file once"
        parts = ("loaded", "duplicate", "quarantined", "filtered")
        assert all(row["records_read"] == sum(row[f"records_{part}"] for part in parts) for row in ledger)
        assert sum(row["records_loaded"] for row in ledger) == 20
        results.append(facts(lake))
    assert results == [results[0]] * 8
    assert [len(rows) for rows in results[0].values()] == [48, 4]
