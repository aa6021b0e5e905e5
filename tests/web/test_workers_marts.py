"""The page Workers on the marts that dbt makes, not on the fake ones: the example of AWS from its log and answers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from build_files import Dbt, Delivery
from labelhouse.reports import all_reports
from web.fake_lake import point_to_build
from web.html_page import page

#: 2.28 minutes over 14 tasks.
SECONDS = ("9.3", "8.2", "11.4", "10.1", "7.9", "12.6", "8.9") * 2
BEGAN_AT = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
TEAM = {"workteam_name": "Owls"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of the example, a line of which the log lost, and of three tasks that nobody submitted."""
    folder = tmp_path_factory.mktemp("marts")
    delivery = Delivery()
    delivery.job("birds", BEGAN_AT, task_type="ImageMultiClass", task_time_limit_seconds=600, **TEAM)
    delivery.job("clips", BEGAN_AT, task_type="VideoObjectTracking", task_time_limit_seconds=600, **TEAM)
    delivery.team("Owls", BEGAN_AT, ["birds", "clips"])
    worker = {"worker_id": "cd449a289e129409", "worker_pseudonym": f"p_{'a' * 32}"}
    for number, seconds in enumerate(SECONDS):
        accepted_at = BEGAN_AT + timedelta(minutes=number)
        submitted_at = accepted_at + timedelta(seconds=float(seconds) + 2)
        delivery.answer(
            "birds",
            str(number),
            "Owl",
            submitted_at,
            **worker,
            accepted_at=accepted_at,
            submitted_at=submitted_at,
            time_spent_seconds=Decimal(seconds),
            workforce_type="private",
        )
        if number != 7:
            logged_at = submitted_at.replace(microsecond=0)
            delivery.log("birds", kind="submitted", event_at=logged_at, accepted_at=accepted_at, **worker, **TEAM)
    later = BEGAN_AT + timedelta(days=1)
    for number, kind in enumerate(("accepted", "returned", "declined")):
        accepted_at = later + timedelta(hours=number)
        times = {} if kind == "accepted" else {"accepted_at": accepted_at}
        at = accepted_at if kind == "accepted" else accepted_at + timedelta(seconds=30)
        delivery.log("clips", kind=kind, event_at=at, **times, **worker, **TEAM)
    # somebody else is at work much later: what was accepted before is abandoned
    other = {"worker_id": "0123456789abcdef", "worker_pseudonym": f"p_{'b' * 32}"}
    at = later + timedelta(days=3)
    delivery.log("clips", kind="submitted", event_at=at, accepted_at=at - timedelta(seconds=90), **other, **TEAM)
    build = Dbt(folder).build(
        delivery.write(folder / "build.duckdb"),
        "--select",
        "+path:models/marts/workers",
        "+path:models/marts/annotations",
    )
    point_to_build(folder / "lake", build)
    return folder / "lake"


@pytest.fixture
def client(reader_of: Callable[[Path], TestClient], lake: Path) -> TestClient:
    return reader_of(lake)


def exported(client: TestClient, name: str, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/workers/{name}.csv?{query}")
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_the_seeds_table_holds_the_example(client: TestClient) -> None:
    rows = exported(client, "worker_table", "job=birds")
    assert len(rows) == 1
    row = rows[0]
    assert row["worker_id"] == "cd449a289e129409"
    assert (row["submitted_task_count"], row["answer_count"], row["labeling_job_count"]) == ("14", "14", "1")
    assert float(row["total_seconds"]) == pytest.approx(136.8)
    assert f"{float(row['mean_seconds']):.2f}" == "9.77"
    assert (float(row["min_seconds"]), float(row["max_seconds"])) == (7.9, 12.6)


def test_the_page_needs_no_stand_in_and_every_tile_fits_the_marts(client: TestClient) -> None:
    shown = page(client, "/workers")
    assert "older than parts of this page" not in " ".join(shown.text)
    assert shown.text[shown.text.index("submitted tasks") + 1] == "15"
    for report in all_reports().values():
        if report.page == "workers":
            rows = exported(client, report.name, "worker=cd449a289e129409" if report.needs else "")
            assert rows or report.name == "agreement_per_worker", report.name


def test_every_filter_of_the_form_has_its_choices(client: TestClient) -> None:
    options = {str(each["value"]) for each in page(client, "/workers").all("option")}
    assert {"birds", "clips", "Owls", "image", "video"} <= options
    for query in ("team=Owls", "modality=video", "job=clips&modality=video", "from_date=2026-09-08"):
        assert exported(client, "outcomes_per_worker", query), query


def test_outcomes_and_gaps_are_those_of_the_log(client: TestClient) -> None:
    outcomes = {row["outcome"]: row["task_count"] for row in exported(client, "outcomes_per_worker", "job=clips")}
    assert outcomes == {"submitted": "1", "returned": "1", "declined": "1", "abandoned": "1"}
    missing = {row["labeling_job_name"]: row["missing_in_log_count"] for row in exported(client, "source_gaps")}
    assert missing["birds"] == "1"
    idle = exported(client, "idle_per_worker")
    assert [row["worker_id"] for row in idle] == ["cd449a289e129409"]
    assert float(idle[0]["active_seconds"]) == pytest.approx(136.8)
    assert 0 < float(idle[0]["idle_seconds"]) < 14 * 3
