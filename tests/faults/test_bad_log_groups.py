"""Log groups in bad weather: an hour is loaded whole or not at all, and everything once in the end."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activity_units import (
    at,
    export,
    gzipped,
)
from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.extraction import extract, load_units
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Unit, Window, control_plane, requests
from labelhouse.sources.worker_activity import SOURCE
from log_group import (
    CREDENTIALS_EXPIRED,
    PASSING,
    PLACE,
    START,
    THROTTLED,
    TOKEN_EXPIRED,
    LogGroup,
    event,
    milliseconds,
)
from served_aws import refused

AN_HOUR = timedelta(hours=1)
WINDOW = Window(START, START + 2 * AN_HOUR)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control_plane, "WAITS_SECONDS", (0.0, 0.0, 0.0))
    monkeypatch.setattr(requests, "REQUESTS_PER_SECOND", {})


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)


def filled(count: int = 6, **options: Any) -> LogGroup:
    """A log group of two hours, in pages of two events."""
    first = milliseconds(START)
    events = [
        event(number, first + 60_000 * number, json.dumps(at(START + timedelta(minutes=number))))
        for number in range(count)
    ]
    return LogGroup(events, [slice(place, place + 2) for place in range(0, max(count, 1), 2)], **options)


def loaded(settings: Settings, group: LogGroup, window: Window = WINDOW) -> Any:
    return extract(settings, "worker_activity", window, group.clients, uri=PLACE)


def rows(settings: Settings) -> list[datetime]:
    return sorted(row["event_at"] for row in Lake(settings).raw("worker_events").scan().to_arrow().to_pylist())


@pytest.mark.parametrize("fault", PASSING, ids=[type(each).__name__ + str(at) for at, each in enumerate(PASSING)])
@pytest.mark.parametrize("request_number", [0, 1, 2, 3])
def test_what_passes_is_asked_again_with_the_same_token(fault: Exception, request_number: int) -> None:
    group = filled(weather={request_number: fault, request_number + 1: fault})
    units = list(SOURCE.list_units(PLACE, group.clients, Window(START, START + AN_HOUR)))
    assert len(SOURCE.read_unit(units[0], group.clients).splitlines()) == 6
    tokens = [each.get("nextToken") for each in group.requests if "startTime" in each]
    assert list(dict.fromkeys(tokens)) == [None, "1", "2"], "it goes on where it stood"


@pytest.mark.parametrize("fault", [THROTTLED, CREDENTIALS_EXPIRED, refused("InternalFailure", 500)])
def test_what_does_not_pass_fails_and_loads_nothing(settings: Settings, fault: Exception) -> None:
    group = filled(weather=dict.fromkeys(range(2, 50), fault))
    with pytest.raises(SourceError) as raised:
        loaded(settings, group)
    assert isinstance(raised.value, SourceUnavailableError) == (fault is not CREDENTIALS_EXPIRED)
    assert Ledger(Lake(settings)).known_versions() == {}
    assert loaded(settings, filled()).records_loaded == 6, "the next run begins where this one did"


def test_a_token_that_expired_begins_the_hour_again_without_doubling_anything(settings: Settings) -> None:
    group = filled(weather={3: TOKEN_EXPIRED, 5: TOKEN_EXPIRED})
    assert loaded(settings, group).records_loaded == 6
    assert len(rows(settings)) == 6


@pytest.mark.parametrize("pages", [[slice(0)] * 50 + [slice(None)], [slice(0, 2)] * 5 + [slice(2, None)]])
def test_pages_without_anything_new_are_no_end(settings: Settings, pages: list[slice]) -> None:
    group = filled()
    group.pages = pages
    assert loaded(settings, group).records_loaded == 6


def test_pages_that_never_end_fail_and_load_nothing(settings: Settings) -> None:
    group = filled()
    group.pages = [slice(0)] * 1500
    with pytest.raises(SourceUnavailableError, match="1000 pages in a row bring nothing new"):
        loaded(settings, group)
    assert Ledger(Lake(settings)).known_versions() == {}


def test_late_events_are_loaded_to_their_own_day_and_nothing_else_again(settings: Settings) -> None:
    window = Window(START - timedelta(days=14), START + AN_HOUR)
    group = filled()
    assert loaded(settings, group, window).records_loaded == 6
    late = START - timedelta(days=13)
    group.events.insert(0, event(99, milliseconds(late), json.dumps(at(late))))
    group.pages = None
    again = loaded(settings, group, window)
    assert (again.records_loaded, again.unit_count) == (1, 1)
    assert rows(settings)[0] == late


def test_a_line_logged_twice_is_one_row_and_one_duplicate(settings: Settings) -> None:
    group = filled()
    group.events.append(group.events[-1] | {"eventId": "twice"})
    group.pages = None
    summary = loaded(settings, group)
    assert (summary.records_loaded, summary.records_duplicate) == (6, 1)


def test_the_same_records_by_another_route_are_duplicates(settings: Settings, tmp_path: Path) -> None:
    group = filled()
    assert loaded(settings, group).records_loaded == 6
    lines = export(*(json.loads(each["message"]) for each in group.events))
    (tmp_path / "000000.gz").write_bytes(gzipped(lines))
    summary = extract(settings, "worker_activity", Window(), {}.__getitem__, uri=str(tmp_path))
    assert (summary.records_loaded, summary.records_duplicate) == (0, 6)
    assert len(rows(settings)) == 6


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_overlapping_windows_in_either_order_give_the_same(settings: Settings, order: tuple[int, int]) -> None:
    windows = (Window(START - AN_HOUR, START + AN_HOUR), Window(START, START + 3 * AN_HOUR))
    group = filled(100)
    for number in order:
        loaded(settings, group, windows[number])
    assert Counter(rows(settings)) == Counter(START + timedelta(minutes=number) for number in range(100))


def test_an_empty_log_group_is_not_a_failed_listing(settings: Settings) -> None:
    assert loaded(settings, filled(0)).records_read == 0
    with pytest.raises(SourceError, match="the log group does not exist"):
        loaded(settings, filled(0, name="/other"))
    with pytest.raises(SourceError, match="access is denied"):
        loaded(settings, filled(weather={0: refused("AccessDeniedException")}))


def test_thousands_of_hours_are_loaded_at_once(settings: Settings) -> None:
    """More units than Airflow maps tasks over."""
    moments = [START - ago * AN_HOUR for ago in range(1100)]
    units = [Unit(f"{PLACE}/{moment:%Y-%m-%dT%HZ}", "", moment, 0) for moment in moments]
    summary = load_units(settings, SOURCE, units, filled().quick_clients)
    assert (summary.unit_count, summary.unchanged_count, summary.records_loaded) == (1, 1099, 6)
