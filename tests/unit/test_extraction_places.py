"""Several places of one source, and units of an API, of which only the content tells whether they changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from copied_records import TABLES, LogFile, chunk, holders, no_clients
from labelhouse import extraction
from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.extraction import LoadSummary
from labelhouse.identities import Identities
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.settings import Settings, SourceSettings
from labelhouse.sources import Clients, Source, Unit, Window, one_by_one
from labelhouse.sources.parsed import Parsed
from lake_units import START


@dataclass
class Api:
    """Hours of a log: their URIs, with the events that each one holds now; every hour reads through `clients`."""

    hours: dict[str, dict[str, str | Exception]]
    asked: list[tuple[str, str]] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    bad: dict[str, int] = field(default_factory=dict)

    @property
    def source(self) -> Source:
        parse = one_by_one(self.parse)
        return Source("cloudtrail", "", TABLES, self.list_units, self.read_unit, parse, lambda uri: uri)

    def parse(self, unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
        yield chunk(LogFile(unit.uri, data.decode(), bad=self.bad.get(unit.uri, 0)))

    def list_units(self, uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
        self.asked.append(("list", clients("s3")))
        for number, hour in enumerate(self.hours[uri]):
            yield Unit(hour, self.versions.get(hour, ""), START + timedelta(hours=number), 0)

    def read_unit(self, unit: Unit, clients: Clients) -> bytes:
        self.asked.append((unit.uri, clients("s3")))
        found = next(hours[unit.uri] for hours in self.hours.values() if unit.uri in hours)
        if isinstance(found, Exception):
            raise found
        return found.encode()


@pytest.fixture
def load(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., LoadSummary]:
    """Extracts the places of an API, as the settings name them."""

    def extract(api: Api, places: Any = "log", window: Window | None = None, **options: Any) -> LoadSummary:
        monkeypatch.setattr(extraction, "source_named", lambda name: api.source)
        own = settings.model_copy(update={"sources": {"cloudtrail": SourceSettings.model_validate(places)}})
        return extraction.extract(own, "cloudtrail", window or Window(), str, **options)

    return extract


def ledger(lake: Lake) -> dict[str, tuple[int, int]]:
    """Unit → how often it was loaded, and the records that it holds now."""
    rows = lake.raw("ingest_ledger").scan().to_arrow().sort_by("loaded_at").to_pylist()
    loads = [row["unit_uri"] for row in rows]
    return {row["unit_uri"]: (loads.count(row["unit_uri"]), row["records_read"]) for row in rows}


# --- units without a version


def test_only_hours_with_another_content_are_loaded_again(load: Callable[..., LoadSummary], lake: Lake) -> None:
    api = Api({"log": {"10h": "e1 e2", "11h": "e3", "12h": "e4"}})
    first = load(api)
    assert first == LoadSummary(unit_count=3, records_read=4, records_loaded=4)
    snapshots = len(lake.raw("ingest_ledger").snapshots())
    assert load(api) == LoadSummary(unchanged_count=3)
    assert len(lake.raw("ingest_ledger").snapshots()) == snapshots, "nothing was committed, and so nothing is built"
    api.hours["log"]["11h"] = "e3 e5"
    assert load(api) == LoadSummary(unit_count=1, unchanged_count=2, records_read=2, records_loaded=2)
    assert ledger(lake) == {"10h": (1, 2), "11h": (2, 2), "12h": (1, 1)}
    assert holders(lake) == {"e1": "10h", "e2": "10h", "e3": "11h", "e4": "12h", "e5": "11h"}


def test_what_is_unchanged_is_counted_by_every_batch(load: Callable[..., LoadSummary], settings: Settings) -> None:
    api = Api({"log": {f"{number:02}h": f"e{number}" for number in range(7)}})
    ticks: list[int] = []
    assert load(api).unit_count == 7
    assert load(api, on_progress=lambda step, done, total: ticks.append(done)) == LoadSummary(unchanged_count=7)
    assert ticks == list(range(1, 8))


def test_an_hour_without_events_is_no_row_and_takes_nothing_away(load: Callable[..., LoadSummary], lake: Lake) -> None:
    """A log forgets what is older than its retention: that is no news about what happened then."""
    api = Api({"log": {"10h": "e1", "11h": "", "12h": "e2"}})
    assert load(api) == LoadSummary(unit_count=2, unchanged_count=1, records_read=2, records_loaded=2)
    assert set(ledger(lake)) == {"10h", "12h"}
    api.hours["log"]["10h"] = ""
    assert load(api) == LoadSummary(unchanged_count=3)
    assert holders(lake) == {"e1": "10h", "e2": "12h"}


def test_an_attempt_that_could_not_say_what_it_loaded_is_counted_by_the_next_one(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else nobody would announce the tables that it changed."""
    api = Api({"log": {"10h": "e1", "11h": "e2"}})
    monkeypatch.setattr(extraction, "source_named", lambda name: api.source)
    planned = extraction.plan(settings, "cloudtrail", Window(), str, uri="log")
    once, again = (extraction.load_batch(settings, planned.plan_id, 0, str) for _ in range(2))
    assert once == again == LoadSummary(unit_count=2, records_read=2, records_loaded=2)
    assert [uri for uri, _ in api.asked] == ["list", "10h", "11h"], "and nothing is read twice"
    later = extraction.plan(settings, "cloudtrail", Window(), str, uri="log")
    assert extraction.load_batch(settings, later.plan_id, 0, str) == LoadSummary(unchanged_count=2)


def test_a_replay_loads_an_unchanged_hour_again(load: Callable[..., LoadSummary], lake: Lake) -> None:
    api = Api({"log": {"10h": "e1", "11h": "e2"}}, bad={"10h": 1})
    assert load(api).records_quarantined == 1
    api.bad.clear()
    assert load(api, replay_quarantined=True) == LoadSummary(
        unit_count=1, unchanged_count=1, records_read=1, records_loaded=1
    )


def test_the_window_chooses_hours(load: Callable[..., LoadSummary], lake: Lake) -> None:
    api = Api({"log": {"00h": "e1", "01h": "e2", "02h": "e3"}})
    load(api, window=Window(START + timedelta(hours=1), START + timedelta(hours=2)))
    assert holders(lake) == {"e2": "01h"}


# --- several places


def test_places_are_read_through_their_connections(load: Callable[..., LoadSummary], lake: Lake) -> None:
    api = Api({"one": {"one/10h": "e1"}, "two": {"two/10h": "e2"}})
    places = ["one", {"uri": "two", "connection": "aws_eu"}]
    assert load(api, places) == LoadSummary(unit_count=2, records_read=2, records_loaded=2)
    assert sorted(api.asked) == [
        ("list", "s3"),
        ("list", "s3#aws_eu"),
        ("one/10h", "s3"),
        ("two/10h", "s3#aws_eu"),
    ]
    assert load(api, places) == LoadSummary(unchanged_count=2)


def test_the_connection_of_a_unit_is_in_the_plan(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process reads it: by then the settings may say something else."""
    api = Api({"two": {"10h": "e2"}}, versions={"10h": "v1"})
    monkeypatch.setattr(extraction, "source_named", lambda name: api.source)
    planned = extraction.plan(settings, "cloudtrail", Window(), str, uri="two", connection="aws_eu")
    document = json.loads((settings.lake / "plans" / f"{planned.plan_id}.json").read_text())
    assert [unit["connection"] for unit in document["batches"][0]] == ["aws_eu"]
    extraction.load_batch(settings, planned.plan_id, 0, str)
    assert api.asked[-1] == ("10h", "s3#aws_eu")


def test_a_unit_that_two_places_hold_is_loaded_once(load: Callable[..., LoadSummary], lake: Lake) -> None:
    api = Api({"above": {"a": "e1", "b": "e2"}, "below": {"b": "e2"}}, versions={"b": "v1"})
    assert load(api, ["above", {"uri": "below", "connection": "other"}]).unit_count == 2
    assert [asked for asked in api.asked if asked[0] == "b"] == [("b", "s3")], "through the first"


def test_units_of_two_accounts_are_never_taken_for_one(load: Callable[..., LoadSummary], lake: Lake) -> None:
    """Of an object every account sees the same; what an API says is another thing in every account."""
    api = Api({"one": {"10h": "e1"}, "two": {"10h": "e2"}})
    with pytest.raises(SourceError, match=r"LABELHOUSE_SOURCES\.cloudtrail: two places .*: '10h'"):
        load(api, ["one", {"uri": "two", "connection": "aws_two"}])
    assert load(api, ["one", "two"]).unit_count == 1, "the same account twice is one account"


@pytest.mark.parametrize("error", [SourceError("no such log group"), SourceUnavailableError("throttled")])
def test_a_place_that_cannot_be_listed_fails_the_plan(
    load: Callable[..., LoadSummary], lake: Lake, error: SourceError
) -> None:
    """Else a place that is gone would look like one in which nothing happens."""

    class Broken(Api):
        def list_units(self, uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
            if uri == "broken":
                raise error
            return super().list_units(uri, clients, window)

    with pytest.raises(type(error), match=str(error)):
        load(Broken({"one": {"10h": "e1"}}), ["one", "broken"])
    assert holders(lake) == {}


def test_a_source_without_a_place_is_one_sentence(settings: Settings) -> None:
    with pytest.raises(SourceError, match="LABELHOUSE_SOURCES: the source has no URI: 'cloudtrail'"):
        extraction.plan(settings, "cloudtrail", Window(), no_clients)


# --- the ledger


def test_any_version_will_do_where_only_the_content_tells(load: Callable[..., LoadSummary], lake: Lake) -> None:
    before = datetime.now(UTC)
    load(Api({"log": {"10h": "e1", "11h": "e2"}}, versions={"11h": "v1"}))
    found = Ledger(lake)
    assert {row.unit_uri for row in found.loaded_since(before, {"10h": "", "11h": "v1"})} == {"10h", "11h"}
    assert {row.unit_uri for row in found.loaded_since(before, {"10h": "v2", "11h": "v2"})} == set()
    assert found.loaded_since(datetime.now(UTC), {"10h": "", "11h": "v1"}) == []
