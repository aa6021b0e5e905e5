"""The status and the history of checks: strict JSON, the newest builds only, and lakes from before have one too."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from labelhouse.lake.catalog import RAW, Lake
from labelhouse.lake.history import keep_hold_release, keep_validation
from labelhouse.marts import status as status_file
from labelhouse.marts.status import read_quality_history, read_status, write_status
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.columns import Table
from labelhouse.schema.iceberg import iceberg_schema
from labelhouse.schema.quality import CHECK_RESULTS
from labelhouse.settings import Settings

START = datetime(2026, 3, 1, tzinfo=UTC)


def result(build_id: str, at: datetime, name: str, **more: Any) -> dict[str, Any]:
    facts = {"suite": "inputs", "table_name": "t", "expectation_type": "e", "sentence": "s", "severity": "hold"}
    facts |= {"check_name": name, "verdict": "met"}
    return facts | {"build_id": build_id, "checked_at": at, "check_number": 0, "is_success": True} | more


def run(build_id: str, at: datetime, suite: str) -> dict[str, Any]:
    counts: dict[str, Any] = {
        f"{name}_count": 0 for name in ("met", "warning", "hold", "not_enough_data", "waived", "check")
    }
    facts = {"duration_seconds": Decimal("1.5"), "verdict": "passed", "fingerprint": "f", "suite": suite}
    return counts | facts | {"build_id": build_id, "checked_at": at}


def keep(lake: Lake, number: int, *results: dict[str, Any], every: timedelta = timedelta(hours=8)) -> str:
    """The validation of the build of that number, with two suites."""
    build_id, at = f"b{number:03}", START + number * every
    found = [result(build_id, at, "rows", **each) for each in results or [{}]]
    keep_validation(lake, build_id, at, found, [run(build_id, at, suite) for suite in ("inputs", "marts")])
    return build_id


def published(settings: Settings) -> tuple[dict[str, Any], dict[str, Any]]:
    write_status(settings)
    for name in ("status.json", "quality_history.json"):
        json.loads((settings.lake / name).read_text(), parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))
    status, history = read_status(settings.lake), read_quality_history(settings.lake)
    assert status is not None
    assert history is not None
    return status, history


def test_nothing_was_ever_checked(settings: Settings) -> None:
    assert read_quality_history(settings.lake) is None
    status, history = published(settings)
    assert [status[name] for name in ("build_id", "validations", "checks", "hold_releases")] == [None, [], [], []]
    assert (history["builds"], history["trends"]) == ([], [])


def test_a_value_is_the_statistic_else_the_share_of_rows_else_nothing(settings: Settings) -> None:
    lake = Lake(settings)
    keep(
        lake,
        1,
        {"check_name": "statistic", "statistic_value": 0.25, "element_count": 4, "unexpected_count": 4},
        {"check_name": "share", "element_count": 4, "unexpected_count": 1, "verdict": "not_met"},
        {"check_name": "nothing"},
        {"check_name": "no rows", "element_count": 0, "unexpected_count": 0},
        {"check_name": "infinite", "statistic_value": float("inf"), "p_value": float("nan"), "subject": "a job"},
    )
    status, history = published(settings)
    at = "2026-03-01T08:00:00+00:00"
    assert {(each["check_name"], each["subject"]): each["points"] for each in history["trends"]} == {
        ("statistic", None): [[at, "met", 0.25]],
        ("share", None): [[at, "not_met", 0.25]],
        ("nothing", None): [[at, "met", None]],
        ("no rows", None): [[at, "met", None]],
        ("infinite", "a job"): [[at, "met", None]],
    }
    infinite = next(each for each in status["checks"] if each["check_name"] == "infinite")
    assert (infinite["statistic_value"], infinite["p_value"]) == (None, None)


def test_the_newest_builds_only_newest_first_and_their_trends_oldest_first(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status_file, "SHOWN_BUILDS", 4)
    lake = Lake(settings)
    builds = [keep(lake, number, {"statistic_value": float(number)}) for number in range(14)]
    status, history = published(settings)
    assert [each["build_id"] for each in history["builds"]] == builds[:-5:-1]
    assert history["builds"][0]["verdicts"].keys() == {"inputs", "marts"}
    assert history["builds"][0]["verdicts"]["marts"]["duration_seconds"] == 1.5
    (trend,) = history["trends"]
    assert [value for _, _, value in trend["points"]] == [10.0, 11.0, 12.0, 13.0]
    assert status["build_id"] == builds[-1]
    assert [each["statistic_value"] for each in status["checks"]] == [13.0]
    assert {each["suite"] for each in status["validations"]} == {"inputs", "marts"}


def test_days_before_the_newest_builds_are_not_opened(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(settings)
    for day in range(6):
        keep(lake, day, every=timedelta(days=1))
    monkeypatch.setattr(status_file, "SHOWN_BUILDS", 2)
    for name in ("check_results", "check_runs"):
        opened = lake.raw(name)
        for task in sorted(opened.scan().plan_files(), key=lambda each: each.file.partition[0])[:2]:
            Path(task.file.file_path.removeprefix("file://")).unlink()
    _, history = published(settings)
    assert [each["build_id"] for each in history["builds"]] == ["b005", "b004"]


def test_releases_of_holds_newest_first_with_their_checks(settings: Settings) -> None:
    lake = Lake(settings)
    for number in range(22):
        row = {
            **{"build_id": f"b{number:03}", "released_at": START + timedelta(hours=number), "released_by": "p_1"},
            **{"reason": "known", "step": "input checks", "checks_json": '[{"suite": "inputs"}]', "until_at": None},
        }
        keep_hold_release(lake, row)
    status, _ = published(settings)
    assert len(status["hold_releases"]) == 20
    assert status["hold_releases"][0]["build_id"] == "b021"
    assert status["hold_releases"][0]["checks"] == [{"suite": "inputs"}]


def test_a_lake_from_before_shows_its_checks_until_the_first_validation(settings: Settings) -> None:
    lake = Lake(settings)
    old = Table(name="check_results", doc="", key=(), columns=CHECK_RESULTS.columns[:13])
    table = lake.catalog.create_table(f"{RAW}.check_results", schema=iceberg_schema(old))
    facts = [{"is_success": True}, {"is_success": False}, {"is_success": False, "error": "it crashed"}]
    names = [column.name for column in old.columns]
    rows = [{name: result("old", START, "x", **each).get(name) for name in names} for each in facts]
    table.append(pa.Table.from_pylist(rows, schema=arrow_schema(old)))
    status, history = published(settings)
    assert sorted(each["verdict"] for each in status["checks"]) == ["met", "not_evaluated", "not_met"]
    assert history["builds"] == []
    keep(lake, 1)
    status, history = published(settings)
    assert [each["check_name"] for each in status["checks"]] == ["rows"]
    assert [each["build_id"] for each in history["builds"]] == ["b001"]
