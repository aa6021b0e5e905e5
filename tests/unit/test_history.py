"""The house's own history: a retried step counts once, a year is a file a day, and old lakes go on."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from labelhouse.lake import history
from labelhouse.lake.catalog import RAW, Lake
from labelhouse.lake.filters import since
from labelhouse.lake.history import day_of_newest, keep_definitions, keep_validation
from labelhouse.lake.snapshots import current_snapshot, data_files
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.iceberg import iceberg_schema
from labelhouse.schema.quality import CHECK_RESULTS, CHECK_RUNS, CHECK_SUITES, QUALITY_TABLES
from labelhouse.settings import Settings

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def result(build_id: str, at: datetime, number: int = 0, **more: Any) -> dict[str, Any]:
    facts = {"suite": "inputs", "table_name": "t", "expectation_type": "e", "sentence": "s", "severity": "hold"}
    return facts | {"build_id": build_id, "checked_at": at, "check_number": number, "is_success": True} | more


def run(build_id: str, at: datetime, **more: Any) -> dict[str, Any]:
    counts = ("check", "met", "warning", "hold", "not_enough_data", "waived")
    facts: dict[str, Any] = {f"{name}_count": 0 for name in counts}
    facts |= {"suite": "inputs", "duration_seconds": Decimal("1.5"), "verdict": "passed", "fingerprint": "f"}
    return facts | {"build_id": build_id, "checked_at": at} | more


def keep(lake: Lake, build_id: str, at: datetime, checks: int = 2, suite: str = "inputs") -> None:
    results = [result(build_id, at, number, suite=suite) for number in range(checks)]
    keep_validation(lake, build_id, NOON, results, [run(build_id, at, suite=suite)])


def rows(lake: Lake, name: str = "check_results") -> list[tuple[str, ...]]:
    columns = ("build_id", "suite", "check_number") if name == "check_results" else ("build_id", "suite")
    found = lake.raw(name).scan(selected_fields=columns).to_arrow().to_pylist()
    return sorted(tuple(row[column] for column in columns) for row in found)


def files_by_day(lake: Lake, name: str = "check_results") -> dict[date, int]:
    table = next(each for each in QUALITY_TABLES if each.name == name)
    return {day: len(files) for day, files in history._files_by_day(lake.raw(name), table).items()}


@pytest.fixture
def always_a_new_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every commit finds that the last one was on another day."""
    monkeypatch.setattr(history, "is_first_of_day", lambda opened: True)


def test_a_retried_step_counts_once_and_leaves_other_suites_and_builds_alone(lake: Lake) -> None:
    keep(lake, "a", NOON)
    keep(lake, "a", NOON, suite="marts")
    keep(lake, "b", NOON + timedelta(hours=1))
    keep(lake, "a", NOON + timedelta(minutes=5), checks=1)
    assert rows(lake) == [
        *(("a", "inputs", 0), ("a", "marts", 0), ("a", "marts", 1)),
        *(("b", "inputs", 0), ("b", "inputs", 1)),
    ]
    assert rows(lake, "check_runs") == [("a", "inputs"), ("a", "marts"), ("b", "inputs")]


def test_a_validation_is_one_commit_a_table(lake: Lake) -> None:
    keep(lake, "a", NOON)
    before = {name: len(lake.raw(name).metadata.snapshots) for name in ("check_results", "check_runs")}
    keep(lake, "b", NOON)
    for name, count in before.items():
        assert len(lake.raw(name).metadata.snapshots) == count + 1


def test_finished_days_become_one_file_each_and_lose_nothing(lake: Lake, always_a_new_day: None) -> None:
    moments = [NOON + timedelta(hours=6 * number) for number in range(10)]
    for number, at in enumerate(moments):
        keep(lake, f"b{number:02}", at)
    assert len(rows(lake)) == 20
    assert len(set(rows(lake))) == 20
    days = Counter(at.date() for at in moments)
    assert files_by_day(lake).keys() == days.keys()
    newest = max(days)
    assert [count for day, count in files_by_day(lake).items() if day < newest] == [1] * (len(days) - 1)


def test_the_day_that_is_not_over_is_left_as_it_is(lake: Lake, always_a_new_day: None) -> None:
    now = datetime.now(UTC)
    for number in range(4):
        keep(lake, f"b{number}", now)
    assert set(files_by_day(lake).values()) == {4}


def test_snapshots_that_nobody_looks_back_to_are_forgotten(
    lake: Lake, always_a_new_day: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        keep(lake, f"b{number}", NOON)
    assert len(lake.raw("check_results").metadata.snapshots) > 6, "of today, they stay"
    monkeypatch.setattr(history, "RETAINED_SNAPSHOTS", timedelta(0))
    keep(lake, "last", NOON)
    assert len(lake.raw("check_results").metadata.snapshots) == 1
    assert len(rows(lake)) == 14


def test_writers_at_the_same_time_lose_and_double_nothing(settings: Settings, always_a_new_day: None) -> None:
    keep(Lake(settings), "first", NOON)
    keep(Lake(settings), "second", NOON)

    def write(number: int) -> None:
        keep(Lake(settings), f"w{number}", NOON + timedelta(minutes=number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(8)))
    found = rows(Lake(settings))
    assert len(found) == len(set(found)) == 20


def test_definitions_are_kept_once(lake: Lake) -> None:
    row = {
        **{"fingerprint": "f", "first_used_at": NOON, "suite": "inputs", "table_name": "t", "check_number": 0},
        **{"check_name": "n", "expectation_type": "e", "arguments_json": "{}", "severity": "hold", "sentence": "s"},
    }
    assert not history.has_definitions(lake, "f")
    for _ in range(2):
        keep_definitions(lake, "f", [row])
    assert history.has_definitions(lake, "f")
    assert lake.raw(CHECK_SUITES.name).scan().count() == 1


def test_only_as_many_days_as_hold_the_newest_rows(lake: Lake) -> None:
    assert day_of_newest(lake, CHECK_RUNS, 5) is None
    for day in range(4):
        for hour in range(3):
            keep(lake, f"{day}-{hour}", NOON + timedelta(days=day, hours=hour))
    midnight = NOON.replace(hour=0)
    days = {count: day_of_newest(lake, CHECK_RUNS, count) for count in (1, 3, 4, 12, 100)}
    assert {count: (at - midnight).days for count, at in days.items() if at} == {1: 3, 3: 3, 4: 2, 12: 0, 100: 0}


OLD_COLUMNS = 13


def make_old(lake: Lake) -> None:
    """The table of results as lakes had it before: not partitioned, with fewer columns, with rows of two builds."""
    from dataclasses import replace

    import pyarrow as pa

    old = replace(CHECK_RESULTS, columns=CHECK_RESULTS.columns[:OLD_COLUMNS], day_column=None)
    table = lake.catalog.create_table(f"{RAW}.{CHECK_RESULTS.name}", schema=iceberg_schema(old))
    for build_id, at in (("old1", NOON), ("old2", NOON + timedelta(hours=1))):
        table.append(pa.Table.from_pylist([result(build_id, at)], schema=arrow_schema(old)))


def test_an_old_lakes_results_are_kept_extended_and_put_in_order(lake: Lake, always_a_new_day: None) -> None:
    make_old(lake)
    keep(lake, "new", NOON + timedelta(days=1), checks=1)
    opened = lake.raw(CHECK_RESULTS.name)
    assert opened.schema().column_names == list(CHECK_RESULTS.column_names)
    assert opened.spec().is_unpartitioned()
    assert rows(lake) == [("new", "inputs", 0), ("old1", "inputs", 0), ("old2", "inputs", 0)]
    assert files_by_day(lake) == {NOON.date(): 1, (NOON + timedelta(days=1)).date(): 1}
    recent = data_files(opened, current_snapshot(opened), since("checked_at", NOON + timedelta(hours=13)))
    assert len(recent) == 1, "days are pruned by what the files hold where there are no partitions"
