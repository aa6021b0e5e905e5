"""Data quality: what it says of checks, tables, alarms and drift, and that nothing from outside is more than text."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from labelhouse.settings import PROJECT_DIR
from labelhouse.web.app import make_app
from labelhouse.web.guard import Standing
from web.fake_lake import FakeAccess, answers, publish, status, write_status
from web.fake_quality import (
    BUILD_ID,
    FAILING_CHECK,
    alarm,
    categories,
    check,
    drift_check,
    failing_check,
    held,
    histogram,
    many_checks,
    series,
    some_alarms,
    write_data_docs,
    write_quality,
)
from web.html_page import CANARIES, Page, live_nodes, page

Reader = Callable[[Path], TestClient]
DRIFT = {"suite": "drift", "table": "fct_run_metric", "check": "final_value: distribution"}


def said(client: TestClient, address: str) -> str:
    return " ".join(page(client, address).text)


def rows_of(client: TestClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def addresses_of(shown: Page, start: str) -> list[str]:
    found = [link.get("href") or "" for link in shown.all("a")]
    return [address for address in found if address.startswith(start)]


def test_it_says_how_it_stands_in_numbers(reader: TestClient) -> None:
    text = page(reader, "/quality").text
    assert text[text.index("checks failed") + 1] == "1"
    assert "let pass by an operator: 1" in text
    assert text[text.index("in alarm") + 1] == "1"
    assert "of 4 alarms" in text


def test_a_hold_says_how_it_is_released_and_by_whom_the_last_ones_were(tmp_path: Path, reader_of: Reader) -> None:
    write_quality(tmp_path, None, [failing_check()], held=held())
    shown = page(reader_of(tmp_path), "/quality")
    assert "No task was submitted before it was accepted." in shown.text
    assert addresses_of(shown, "/dags/release_hold") == ["/dags/release_hold"]
    assert any("The vendor re-sent" in each for each in shown.text)
    assert "labeling_jobs: volume" in shown.text


def test_what_cannot_be_released_offers_no_release(tmp_path: Path, reader_of: Reader) -> None:
    write_quality(tmp_path, None, [failing_check()], held=held() | {"is_releasable": False})
    assert addresses_of(page(reader_of(tmp_path), "/quality"), "/dags") == []


def test_the_link_to_airflow_knows_where_airflow_lives(tmp_path: Path) -> None:
    write_quality(tmp_path, None, [failing_check()], held=held())
    airflow = FastAPI()
    airflow.mount("/airflow/labelhouse", make_app(FakeAccess(everybody=Standing.READER), lambda: tmp_path))
    shown = Page(TestClient(airflow).get("/airflow/labelhouse/quality").text)
    assert addresses_of(shown, "/airflow/dags") == ["/airflow/dags/release_hold"]


def test_tables_that_ask_for_a_look_come_first(reader: TestClient) -> None:
    rows = rows_of(reader, "/quality/tables.csv")
    assert [row["outcome"] for row in rows[:2]] == ["failed", "warning"]
    assert rows[0]["table_name"] == "fct_task"
    outcomes = [row["outcome"] for row in rows]
    assert outcomes.index("passed") > max(outcomes.index(each) for each in ("not_enough_data", "waived"))
    assert len({(row["suite"], row["table_name"]) for row in rows}) == len(rows)


@pytest.mark.parametrize(
    ("query", "outcomes", "suites"),
    [
        ("suite=drift", {"passed", "warning", "not_enough_data"}, {"drift"}),
        ("state=waived", {"waived"}, {"inputs"}),
        ("state=not_passed&suite=drift", {"warning", "not_enough_data"}, {"drift"}),
        ("table=fct_task", {"failed"}, {"marts"}),
        ("state=no_such_state", set(), set()),
        ("suite=%3Cscript%3E", set(), set()),
    ],
)
def test_filters_narrow_checks_tables_and_exports(
    reader: TestClient, query: str, outcomes: set[str], suites: set[str]
) -> None:
    rows = rows_of(reader, f"/quality/checks.csv?{query}")
    assert ({row["outcome"] for row in rows}, {row["suite"] for row in rows}) == (outcomes, suites)
    shown = page(reader, f"/quality?{query}")
    assert {row["suite"] for row in rows_of(reader, f"/quality/tables.csv?{query}")} == suites
    assert ("No check matches these filters." in shown.text) == (not rows)
    assert live_nodes(shown) == []


def test_every_check_leads_to_its_page_and_back(reader: TestClient) -> None:
    addresses = addresses_of(page(reader, "/quality"), "/quality/check?")
    assert len(set(addresses)) == 41, "every check has its own address"
    for address in set(addresses):
        shown = page(reader, address)
        assert "/quality" in [link["href"] for link in shown.all("a")]
        assert live_nodes(shown) == []


def test_the_page_of_a_check_says_what_to_do_and_since_when(reader: TestClient) -> None:
    shown = page(reader, f"/quality/check?{FAILING_CHECK}")
    text = " ".join(shown.text)
    assert shown.text.count("No task was submitted before it was accepted.") == 1
    assert "What to do: A clock is wrong at the source" in text
    assert "A failure holds the publication." in text
    assert shown.text[shown.text.index("rows that do not meet it") + 1] == "5,150"
    points = shown.data[0]["datasets"]["rows"]
    assert len(points) == 60
    assert points[-1]["outcome"] == "failed"
    rows = rows_of(reader, f"/quality/check_history.csv?{FAILING_CHECK}")
    assert len(rows) == 60
    assert rows[0]["outcome"] == "failed", "newest first"
    assert addresses_of(shown, "/quality/docs") == [f"/quality/docs?build={BUILD_ID}&page=marts.fct_task.html"]


def test_the_page_of_a_drift_shows_its_picture_and_its_threshold(reader: TestClient) -> None:
    query = urlencode(DRIFT | {"subject": "validation:loss · street-scenes"})
    shown = page(reader, f"/quality/check?{query}")
    assert shown.text[shown.text.index("population stability index") + 1] == "0.44"
    assert shown.text[shown.text.index("threshold") + 1] == "0.2"
    assert shown.text[shown.text.index("values now") + 1] == "96"
    bars = [rect for rect in shown.all("rect") if rect["class"] == "current"]
    assert len(bars) == 16
    assert "threshold 0.2" in json.dumps(shown.data)
    assert "The same check of others" in shown.text


def test_a_check_that_is_gone_still_has_its_history(tmp_path: Path, reader_of: Reader) -> None:
    write_quality(tmp_path, None, [failing_check()])
    current = json.loads((tmp_path / "status.json").read_text())
    write_status(tmp_path, current | {"checks": []})
    shown = page(reader_of(tmp_path), f"/quality/check?{FAILING_CHECK}")
    assert "The newest build has no such check" in shown.text
    assert len(rows_of(reader_of(tmp_path), f"/quality/check_history.csv?{FAILING_CHECK}")) == 60


@pytest.mark.parametrize(
    "address",
    [
        "/quality/check",
        f"/quality/check?{FAILING_CHECK}&subject=none",
        "/quality/alarm",
        "/quality/alarm?name=none",
        "/quality/check_history.csv",
        "/quality/alarm_changes.csv?name=none",
        "/quality/no_such_tile.csv",
        f"/quality/docs?build={BUILD_ID}&page=marts.none.html",
        "/quality/docs?build=20200101T000000.000000Z",
        "/quality/docs?build=..&page=index.html",
    ],
)
def test_what_is_not_there_is_not_found(reader: TestClient, address: str) -> None:
    assert reader.get(address).status_code == 404


def test_an_alarm_says_its_condition_its_channels_and_its_history(reader: TestClient) -> None:
    text = said(reader, "/quality/alarm?name=quarantine")
    assert "Alarm when the average is above 0.8 in 3 of the last 5 periods of 1 hour." in text
    assert "smtp: not configured" in text
    assert "slack: told" in text
    assert "build_marts: started" in text
    assert len(rows_of(reader, "/quality/alarm_datapoints.csv?name=quarantine")) == 24
    assert rows_of(reader, "/quality/alarm_changes.csv?name=quarantine")[0]["to_state"] == "ALARM"


def test_alarms_in_alarm_come_first_and_every_state_is_drawn(reader: TestClient) -> None:
    rows = rows_of(reader, "/quality/alarms.csv")
    assert [row["state"] for row in rows] == ["ALARM", "INSUFFICIENT_DATA", "OK", "OK"]
    shown = page(reader, "/quality")
    assert len([each for each in shown.all("path") if each["class"] == "band"]) == 1
    for row in rows:
        assert page(reader, f"/quality/alarm?{urlencode({'name': row['alarm_name']})}").text


def test_an_older_lake_is_shown_as_far_as_it_goes(tmp_path: Path, reader_of: Reader) -> None:
    release = publish(tmp_path, answers({"birds": "private"}))
    write_status(tmp_path, status(release))
    client = reader_of(tmp_path)
    shown = page(client, "/quality")
    assert "The history of validations begins with the next build." in shown.text
    assert any("No alarm was evaluated yet" in each for each in shown.text)
    assert any("Nothing is compared with a reference yet" in each for each in shown.text)
    assert addresses_of(shown, "/quality/check?") == [], "checks had no names"
    assert any("No build has Data Docs yet" in each for each in page(client, "/quality/docs").text)


def test_an_empty_course_and_a_broken_picture_break_nothing(tmp_path: Path, reader_of: Reader) -> None:
    pictures: list[Any] = [
        "not JSON",
        "[]",
        "{}",
        '{"kind": "histogram", "edges": [], "reference": [], "current": []}',
        '{"kind": "histogram", "edges": [0, 1], "reference": ["<b>"], "current": [{}]}',
        '{"kind": "categories", "names": ["a"], "reference": [], "current": []}',
        '{"kind": "series", "values": [], "current_from": 0, "change_at": null}',
        '{"kind": "series", "values": [null, 1, 1], "current_from": 99, "change_at": 1}',
        '{"kind": ["series"]}',
    ]
    checks = [drift_check(0, str(place), {}, picture_json=each) for place, each in enumerate(pictures)]
    write_quality(tmp_path, None, checks, build_count=1)
    client = reader_of(tmp_path)
    assert live_nodes(page(client, "/quality")) == []
    for place in range(len(pictures)):
        assert page(client, f"/quality/check?{urlencode(DRIFT | {'subject': place})}").text


def test_every_outside_value_stays_text(tmp_path: Path, reader_of: Reader) -> None:
    checks = [
        check(each, each, place, sentence=each, check_name=each, subject=each, verdict="not_met", finding=each)
        | {"what_to_do": each, "error": each, "expectation_type": each, "observed_value": each}
        for place, each in enumerate(CANARIES)
    ]
    pictures = [histogram(), categories(*CANARIES), series()]
    checks += [
        drift_check(place, each, picture, statistic_name=each, verdict="not_met")
        for place, picture in enumerate(pictures)
        for each in CANARIES
    ]
    alarms = [
        alarm(each, description=each, metric=each, statistic=each, comparison=each, reason=each, start_dag=each)
        | {"channels": [{"name": each, "is_configured": False}], "treat_missing_data": each}
        for each in CANARIES
    ]
    alarms[0]["changes"][0] |= {
        "reason": CANARIES[0],
        "actions_json": json.dumps([{"channel": CANARIES[1], "outcome": "x"}]),
    }
    released = {"build_id": CANARIES[1], "released_at": "2026-09-28T08:12:00+00:00", "released_by": CANARIES[0]}
    released |= {
        "reason": CANARIES[2],
        "until_at": None,
        "checks": [{"table_name": CANARIES[3], "check_name": CANARIES[4]}],
    }
    write_quality(tmp_path, None, checks, alarms, hold_releases=[released], held=held() | {"sentence": CANARIES[0]})
    write_data_docs(tmp_path)
    client = reader_of(tmp_path)
    pages = ["/quality", *(f"/quality?{urlencode({'table': each, 'suite': each, 'state': each})}" for each in CANARIES)]
    pages += [f"/quality/alarm?{urlencode({'name': each})}" for each in CANARIES]
    for each in checks:
        named = {"suite": each["suite"], "table": each["table_name"], "check": each["check_name"]}
        pages.append(f"/quality/check?{urlencode(named | {'subject': each['subject']})}")
    for address in pages:
        assert live_nodes(page(client, address)) == [], address
    everything = said(client, "/quality")
    assert all(" ".join(canary.split()) in everything for canary in CANARIES)


def test_many_checks_over_many_builds_are_read_quickly(tmp_path: Path, reader_of: Reader) -> None:
    write_quality(tmp_path, None, [*many_checks(400), failing_check()], some_alarms())
    client = reader_of(tmp_path)
    assert client.get("/quality").status_code == 200  # templates are compiled, altair is imported

    def seconds(address: str) -> float:
        start = time.process_time()
        assert client.get(address).status_code == 200
        return time.process_time() - start

    for address in ("/quality", "/quality?state=not_passed", f"/quality/check?{FAILING_CHECK}"):
        assert min(seconds(address) for _ in range(3)) < 0.3, address


def test_the_web_server_needs_neither_great_expectations_nor_pandas() -> None:
    program = """
import sys
import labelhouse.web.app
print(sorted({"great_expectations", "pandas", "scipy", "pyiceberg", "altair"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(PROJECT_DIR / "plugins"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
