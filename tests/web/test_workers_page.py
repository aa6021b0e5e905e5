"""The page Workers: its filters in the URL, older releases, names for those who may see them, nothing but text."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from fastapi.testclient import TestClient

from labelhouse.errors import SettingError
from labelhouse.marts.releases import Release
from labelhouse.reports import all_reports
from labelhouse.reports.pages import WORKERS
from labelhouse.web.access import _is_admin
from labelhouse.web.app import make_app
from labelhouse.web.worker_names import People
from web.fake_lake import FakeAccess, answers, publish, status, write_status
from web.fake_workers import gaps_of, other_tasks, tasks_of
from web.html_page import CANARIES, Page, live_nodes, page

Reader = Callable[[Path], TestClient]
REPORTS = [report for report in all_reports().values() if report.page == "workers"]
TOKENS = ("viewer-token", "op-token", "admin-token")


@dataclass(frozen=True)
class Person:
    """Whom an identity map knows."""

    user_name: str | None = None
    email: str | None = None


def address(**chosen: Any) -> str:
    return f"/workers?{urlencode(chosen, doseq=True)}"


def figures(shown: Page) -> dict[str, str]:
    titles = {field.title for field in all_reports()["worker_totals"].fields}
    return {text: shown.text[place + 1] for place, text in enumerate(shown.text) if text in titles}


def drawn(shown: Page, column: str) -> set[Any]:
    rows = [row for spec in shown.data for rows in spec["datasets"].values() for row in rows]
    return {row[column] for row in rows if column in row}


def exported(client: TestClient, name: str, **chosen: Any) -> list[dict[str, str]]:
    answer = client.get(f"/workers/{name}.csv?{urlencode(chosen, doseq=True)}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def client_of(lake: Path, token: str, people: People | None) -> TestClient:
    return TestClient(make_app(FakeAccess(), lambda: lake, people), headers={"Authorization": f"Bearer {token}"})


def test_every_filter_is_in_the_url_and_narrows_everything(reader: TestClient) -> None:
    chosen = {
        "from_date": "2026-09-18",
        "until_date": "2026-09-27",
        "job": "street-scenes",
        "team": "night-shift",
        "modality": "video",
    }
    worker = exported(reader, "worker_table", **chosen)[0]["worker_id"]
    chosen["worker"] = worker
    shown = page(reader, address(**chosen))
    assert drawn(shown, "worker_id") == {worker}
    assert drawn(shown, "modality") == {"video"}
    assert drawn(shown, "labeling_job_name") == {"street-scenes"}
    days = drawn(shown, "event_date")
    assert days
    assert "2026-09-18" <= min(days) <= max(days) <= "2026-09-27"
    assert figures(shown)["workers"] == "1"
    controls = {each["name"]: each.get("value") for each in shown.all("input") if each.get("type") == "date"}
    assert controls == {"from_date": "2026-09-18", "until_date": "2026-09-27"}
    options = {option["value"] for option in shown.all("option") if "selected" in option}
    assert options == {"street-scenes", "night-shift", "video"}
    exports = [str(link["href"]) for link in shown.all("a") if link.get("class") == "export"]
    assert len(exports) >= 12
    assert all(dict(parse_qsl(each.split("?")[1])) == chosen for each in exports)
    chip = next(each for each in shown.all("a") if each.get("class") == "chip")
    assert dict(parse_qsl(str(chip["href"])[1:])) == {name: chosen[name] for name in chosen if name != "worker"}


@pytest.mark.parametrize(
    "chosen", [{"team": "reviewers"}, {"modality": "text"}, {"job": "reviews"}, {"team": "reviewers", "job": "reviews"}]
)
def test_filters_that_say_the_same_give_the_same(reader: TestClient, chosen: dict[str, str]) -> None:
    for report in REPORTS:
        if not report.needs:
            assert exported(reader, report.name, **chosen) == exported(reader, report.name, job="reviews"), report.name


def test_filters_that_exclude_each_other_leave_nothing_and_say_so(reader: TestClient) -> None:
    shown = page(reader, address(job="birds", team="reviewers"))
    assert shown.data == []
    assert figures(shown)["answers"] == "0"
    assert figures(shown)["on submitted tasks"] == "not captured"
    for report in REPORTS:
        if report.shape != "figures" and not report.needs:
            assert report.empty in " ".join(shown.text)


@pytest.mark.parametrize("name", ["team", "modality", "job"])
@pytest.mark.parametrize(
    "value", ["no such thing", "x' or '1'='1", "'; drop table fct_task; --", "$team", "x\x00", "%"]
)
def test_an_unknown_value_is_a_sentence_and_never_sql(reader: TestClient, name: str, value: str) -> None:
    shown = page(reader, address(**{name: value}))
    title = next(each.title for each in WORKERS.filters if each.name == name).lower()
    assert f"No {title} of that name is in this release." in shown.text
    assert shown.data == []
    for report in REPORTS:
        rows = exported(reader, report.name, **{name: value})
        if report.shape == "figures":
            assert (rows[0]["answer_count"], rows[0]["submitted_task_count"]) == ("0", "0")
        else:
            assert rows == []
    assert figures(page(reader, "/workers"))["answers"] == "540"


@pytest.mark.parametrize("chosen", [{"from_date": "soon"}, {"from_date": "2026-09-30", "until_date": "2026-09-01"}])
def test_a_date_that_is_none_is_one_sentence(reader: TestClient, chosen: dict[str, str]) -> None:
    for path in ("/workers", "/workers/worker_table.csv"):
        answer = reader.get(path, params=chosen)
        assert answer.status_code == 400
        assert live_nodes(Page(answer.text)) == []


def test_tables_lead_to_what_they_name(reader: TestClient) -> None:
    links = {str(each["href"]) for each in page(reader, address(from_date="2026-09-01")).all("a")}
    for chosen in ("team=night-shift", "modality=video", "job=birds"):
        ordered = sorted(("from_date=2026-09-01", chosen), key=lambda each: "worker" in each)
        assert f"?{'&'.join(ordered)}" in links


def test_a_workers_tasks_stand_beside_the_answers(reader: TestClient) -> None:
    worker = exported(reader, "worker_table")[0]["worker_id"]
    shown = page(reader, address(worker=worker))
    assert {"Tasks of this worker", "Answers of this worker"} <= set(shown.text)
    tasks = exported(reader, "worker_tasks", worker=worker)
    assert {each["outcome"] for each in tasks} > {"submitted"}
    ended = [each["ended_at"] or each["accepted_at"] for each in tasks]
    assert len(ended) > 20


@pytest.fixture
def older(tmp_path: Path) -> Release:
    """A release from before logs, teams and jobs were read."""
    lake = tmp_path / "older"
    release = publish(lake, answers({"birds": "private", "reviews": "vendor"}), is_older=True)
    write_status(lake, status(release))
    return release


def test_an_older_release_still_opens_and_shows_what_it_can(older: Release, reader_of: Reader, tmp_path: Path) -> None:
    client = reader_of(tmp_path / "older")
    shown = page(client, "/workers")
    assert "older than parts of this page" in " ".join(shown.text)
    assert "build_marts" in " ".join(shown.text)
    assert figures(shown)["answers"] == figures(shown)["submitted tasks"] == "360"
    assert drawn(shown, "modality") == {"not captured"}
    table = exported(client, "worker_table")
    assert sum(int(row["answer_count"]) for row in table) == 360
    assert all(float(row["total_seconds"]) > 0 for row in table)
    assert exported(client, "team_table") == exported(client, "source_gaps") == []


def test_an_older_release_keeps_its_filters(older: Release, reader_of: Reader, tmp_path: Path) -> None:
    client = reader_of(tmp_path / "older")
    worker = exported(client, "worker_table", job="birds")[0]["worker_id"]
    shown = page(client, address(job="birds", worker=worker, from_date="2026-09-20", modality="not captured"))
    assert drawn(shown, "worker_id") == {worker}
    assert drawn(shown, "labeling_job_name") == {"birds"}
    assert min(drawn(shown, "event_date")) >= "2026-09-20"
    assert "No work team of that name" in " ".join(page(client, address(team="x")).text)
    for report in REPORTS:
        exported(client, report.name, worker=worker)


def test_a_new_release_needs_no_such_words(reader: TestClient) -> None:
    assert "older than parts" not in " ".join(page(reader, "/workers").text)


def test_a_release_without_answers_at_all_shows_the_log(tmp_path: Path, reader_of: Reader) -> None:
    tasks = [row | {"has_answer": False} for row in tasks_of(answers({"birds": "private"}))]
    publish(tmp_path, [], tasks=tasks)
    shown = page(reader_of(tmp_path), "/workers")
    assert figures(shown)["answers"] == "0"
    assert figures(shown)["submitted tasks"] == "180"
    assert len(drawn(shown, "worker_id")) >= 25
    assert exported(reader_of(tmp_path), "worker_table")[0]["answer_count"] == "0"


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake in which a worker's id is not the pseudonym."""
    rows = answers({"birds": "private"}, workers=6)
    rows = [row | {"worker_id": f"id-of-{row['worker_pseudonym']}"} for row in rows]
    publish(tmp_path, rows)
    return tmp_path


def everybody(pseudonyms: Collection[str]) -> dict[str, Person]:
    return {each: Person(f"user {each[2:6]}", f"{each[2:6]}@example.org") for each in pseudonyms}


def test_only_an_admin_sees_names(lake: Path) -> None:
    asked: list[Collection[str]] = []

    def people(pseudonyms: Collection[str]) -> dict[str, Person]:
        asked.append(pseudonyms)
        return everybody(pseudonyms)

    texts = {token: client_of(lake, token, people).get("/workers").text for token in TOKENS}
    assert len(asked) == 1, "nobody is looked up for the others"
    assert all(each.startswith("p_") for each in asked[0])
    assert "user " in texts["admin-token"]
    assert "@example.org" in texts["admin-token"]
    for token in TOKENS[:2]:
        assert "@example.org" not in texts[token]
        assert "user " not in texts[token]
        csv_text = client_of(lake, token, people).get("/workers/worker_table.csv").text
        assert "user_name" not in csv_text
        assert "@example.org" not in csv_text


def test_an_admin_finds_names_on_charts_in_tables_in_csv_and_on_the_chip(lake: Path) -> None:
    client = client_of(lake, "admin-token", everybody)
    shown = page(client, "/workers")
    names = {f"user {each.removeprefix('id-of-p_')[:4]}" for each in drawn(shown, "worker_id")}
    assert drawn(shown, "worker") == names
    assert names <= set(shown.text)
    rows = exported(client, "worker_table")
    assert {row["user_name"] for row in rows} == names
    assert {row["email"] for row in rows} == {f"{name[5:]}@example.org" for name in names}
    worker = rows[0]["worker_id"]
    chosen = page(client, address(worker=worker))
    chip = chosen.text.index("worker", chosen.text.index("Apply"))
    assert chosen.text[chip + 1] == rows[0]["user_name"]
    assert worker not in rows[0]["user_name"]


def test_two_of_the_same_name_stay_two(lake: Path) -> None:
    client = client_of(lake, "admin-token", lambda pseudonyms: {each: Person("kim") for each in pseudonyms})
    shown = page(client, "/workers")
    assert len(drawn(shown, "worker")) == len(drawn(shown, "worker_id")) == 6
    assert drawn(shown, "worker") == {"kim", "kim (2)", "kim (3)", "kim (4)", "kim (5)", "kim (6)"}


def test_names_that_clash_with_others_names_stay_apart(lake: Path) -> None:
    def people(pseudonyms: Collection[str]) -> dict[str, Person]:
        ordered = sorted(pseudonyms)
        return dict.fromkeys(ordered[:2], Person("kim")) | {
            ordered[2]: Person("kim (2)"),
            ordered[3]: Person(f"id-of-{ordered[4]}"),
        }

    shown = page(client_of(lake, "admin-token", people), "/workers")
    assert len(drawn(shown, "worker")) == 6


def test_whom_the_map_does_not_know_keeps_the_id(lake: Path) -> None:
    def people(pseudonyms: Collection[str]) -> dict[str, Person]:
        some = sorted(pseudonyms)
        made_up = "0f8fad5b-d9cb-469f-a165-70867728950e"
        return {some[0]: Person("mina"), some[1]: Person(made_up, "li@example.org"), some[2]: Person(None, None)}

    client = client_of(lake, "admin-token", people)
    shown = drawn(page(client, "/workers"), "worker")
    assert {"mina", "li@example.org"} < shown
    assert sum(each.startswith("id-of-p_") for each in shown) == 4
    assert sorted(filter(None, (row["user_name"] for row in exported(client, "worker_table"))))[1] == "mina"


def test_an_identity_map_that_fails_leaves_pseudonyms_and_says_so(lake: Path) -> None:
    def people(_: Collection[str]) -> dict[str, Person]:
        raise SettingError("the identity map cannot be used (no route)", where="LABELHOUSE_IDENTITY_MAP_URI")

    client = client_of(lake, "admin-token", people)
    shown = page(client, "/workers")
    assert "LABELHOUSE_IDENTITY_MAP_URI: the identity map cannot be used (no route)" in " ".join(shown.text)
    assert len(drawn(shown, "worker_id")) == 6
    assert "user_name" not in exported(client, "worker_table")[0]
    assert "cannot be shown" not in client_of(lake, "op-token", people).get("/workers").text


def test_nobody_is_looked_up_where_nobody_is_known(lake: Path) -> None:
    client = client_of(lake, "admin-token", lambda _: {})
    assert "user_name" not in exported(client, "worker_table")[0]
    assert "E-mail" not in page(client, "/workers").text


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        (SimpleNamespace(role="admin"), True),
        (SimpleNamespace(role="ADMIN"), True),
        (SimpleNamespace(role="op"), False),
        (SimpleNamespace(role=None), False),
        (SimpleNamespace(roles=[SimpleNamespace(name="Viewer"), SimpleNamespace(name="Admin")]), True),
        (SimpleNamespace(roles=[SimpleNamespace(name="Administrators"), SimpleNamespace(name="Op")]), False),
        (SimpleNamespace(roles=[]), False),
        (SimpleNamespace(name="admin", username="admin"), False),
    ],
)
def test_an_admin_is_known_by_the_role(user: Any, expected: bool) -> None:
    assert _is_admin(user) is expected


def hostile_release(lake: Path) -> None:
    rows = answers({canary: canary for canary in CANARIES}, workers=8, objects=4)
    rows = [row | {"worker_id": CANARIES[number % 8]} for number, row in enumerate(rows)]
    tasks = [
        row | dict.fromkeys(("workteam_name", "modality", "outcome", "exclusion_reason"), CANARIES[number % 8])
        for number, row in enumerate(tasks_of(rows))
    ]
    submitted = [row | {"task_id": f"s-{row['task_id']}", "outcome": "submitted"} for row in tasks]
    gaps = [gap | {"explanation": CANARIES[number % 8]} for number, gap in enumerate(gaps_of(tasks))]
    publish(lake, rows, tasks=tasks + submitted, gaps=gaps)


def test_every_outside_value_stays_text(tmp_path: Path) -> None:
    hostile_release(tmp_path)

    def people(pseudonyms: Collection[str]) -> dict[str, Person]:
        return {each: Person(CANARIES[place % 8], CANARIES[place % 8]) for place, each in enumerate(sorted(pseudonyms))}

    for token in ("op-token", "admin-token"):
        client = client_of(tmp_path, token, people)
        filtered = [address(**{name: each}) for each in CANARIES for name in ("team", "worker")]
        filtered += [address(modality=CANARIES[0]), address(job=CANARIES[1])]
        for each in ("/workers", *filtered):
            assert live_nodes(page(client, each)) == [], each
        everything = "\n".join(page(client, "/workers").text)
        assert all(" ".join(canary.split()) in everything for canary in CANARIES)


def test_names_and_teams_are_no_formulas(tmp_path: Path) -> None:
    rows = answers({"birds": "private"}, workers=5)
    tasks = [row | {"workteam_name": "=1+1", "outcome": "@x"} for row in tasks_of(rows)]
    more = other_tasks(tasks, 1.0)
    publish(tmp_path, rows, tasks=tasks + [row | {"task_id": f"m-{place}"} for place, row in enumerate(more)])
    client = client_of(tmp_path, "admin-token", lambda names: {each: Person("+A1", "-2") for each in names})
    assert {row["workteam_name"] for row in exported(client, "team_table")} == {"'=1+1"}
    row = exported(client, "worker_table")[0]
    assert (row["user_name"], row["email"], row["workteam_names"]) == ("'+A1", "'-2", "'=1+1")
    assert "'@x" in {row["outcome"] for row in exported(client, "tasks_per_day")}


def test_the_whole_id_of_a_worker_is_at_hand(reader: TestClient) -> None:
    titles = [each.get("title") for each in page(reader, "/workers").all("a") if "worker=" in str(each.get("href"))]
    assert titles
    assert all(title and len(title) == 34 for title in titles)
