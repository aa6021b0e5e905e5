"""The page Training: its filters in the URL, runs picked and compared without a script, and what it says of nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import duckdb
import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import QueryParams

from labelhouse.reports import all_reports
from labelhouse.reports.pages import TRAINING, WORKERS
from labelhouse.web.selection import Selection, SelectionError
from web.fake_lake import answers, publish
from web.fake_training import ACCOUNT, OTHER_ACCOUNT, RESOURCE_TYPE, STRANGER, findings, training_points
from web.html_page import CANARIES, Page, live_nodes, page

Reader = Callable[[Path], TestClient]
REPORTS = [name for name, report in all_reports().items() if report.page == "training"]


def run_id(number: int) -> str:
    return f"{ACCOUNT}/eu-west-1/birds-classifier-{number:03d}-aws-training-job"


def address(**chosen: Any) -> str:
    return f"/training?{urlencode(chosen, doseq=True)}"


def figures(shown: Page) -> dict[str, str]:
    titles = {field.title for field in all_reports()["training_totals"].fields}
    return {text: shown.text[place + 1] for place, text in enumerate(shown.text) if text in titles}


def drawn_runs(shown: Page) -> set[str]:
    return {row["run_id"] for spec in shown.data for row in spec["datasets"].get("lines", [])}


def exported(client: TestClient, name: str, **chosen: Any) -> list[dict[str, str]]:
    answer = client.get(f"/training/{name}.csv?{urlencode(chosen, doseq=True)}")
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def submitted(shown: Page, within: str, ticked: set[str]) -> list[tuple[str, str]]:
    """What a browser without a script sends for the form of that class, with the boxes of `ticked` ticked."""
    sent: list[tuple[str, str]] = []
    is_within = False
    for tag, attributes in shown.elements:
        if tag == "form":
            is_within = attributes.get("class") == within
        if tag != "input" or not is_within or not attributes.get("name"):
            continue
        name, value = str(attributes["name"]), str(attributes["value"])
        if attributes.get("type") != "checkbox" or value in ticked:
            sent.append((name, value))
    return sent


def test_everything_is_there_without_any_filter(reader: TestClient) -> None:
    shown = page(reader, "/training")
    assert figures(shown) == {
        "runs": "24",
        "metrics": "5",
        "points": "4,801",
        "runs miss a criterion": "2",
        "runs diverge": "1",
        "findings": "3",
    }
    everywhere = " ".join(shown.text)
    for name in REPORTS:
        report = all_reports()[name]
        assert (report.title in everywhere) == (report.shape != "figures" and not report.needs)
    assert drawn_runs(shown) == {run_id(number) for number in range(1, 25)}


def test_every_filter_is_in_the_url_and_narrows_everything(reader: TestClient) -> None:
    chosen = {
        "from_date": "2026-09-15",
        "until_date": "2026-09-18",
        "metric": "loss",
        "experiment": "birds",
        "account": ACCOUNT,
        "resource_type": RESOURCE_TYPE,
    }
    shown = page(reader, address(**chosen))
    expected = {row["run_id"] for row in exported(reader, "run_table", **chosen)}
    assert 0 < len(expected) < 24
    assert drawn_runs(shown) == expected
    assert figures(shown)["metrics"] == "2"
    controls = {each["name"]: each.get("value") for each in shown.all("input") if each.get("type") == "date"}
    assert controls == {"from_date": "2026-09-15", "until_date": "2026-09-18"}
    options = {option["value"] for option in shown.all("option") if "selected" in option}
    assert options == {"loss", "birds", ACCOUNT, RESOURCE_TYPE}
    exports = [str(link["href"]) for link in shown.all("a") if link.get("class") == "export"]
    assert len(exports) == 9, "nothing was found in these runs"
    assert all(dict(parse_qsl(each.split("?")[1])) == chosen for each in exports)


def test_a_run_is_one_click_and_its_way_back_another(reader: TestClient) -> None:
    shown = page(reader, address(metric="loss"))
    link = next(str(each["href"]) for each in shown.all("a") if "run=" in str(each["href"]))
    assert dict(parse_qsl(link[1:])) == {"metric": "loss", "run": run_id(24)}
    one = page(reader, f"/training{link}")
    assert drawn_runs(one) == {run_id(24)}
    assert figures(one)["runs"] == "1"
    chip = next(each for each in one.all("a") if each.get("class") == "chip")
    assert (chip["href"], chip["aria-label"]) == ("?metric=loss", "Show all runs again")


def test_runs_are_picked_in_a_form_and_compared(reader: TestClient) -> None:
    shown = page(reader, address(metric="loss", sort="-final_value", until_date="2026-12-31"))
    boxes = [each for each in shown.all("input") if each.get("type") == "checkbox"]
    assert len(boxes) == 24
    assert not any("checked" in each for each in boxes)
    sent = submitted(shown, "picks", {run_id(3), run_id(6), run_id(22)})
    assert sorted(sent) == sorted(
        [("metric", "loss"), ("until_date", "2026-12-31"), ("sort", "-final_value")]
        + [("run", run_id(number)) for number in (3, 6, 22)]
    )
    sent_runs = [value for name, value in sent if name == "run"]
    compared = page(reader, f"/training?{urlencode(sent)}")
    assert drawn_runs(compared) == {run_id(number) for number in (3, 6, 22)}
    assert "Picked runs over the step" in compared.text
    assert "Metrics of the picked runs" in compared.text
    boxes = [each for each in compared.all("input") if each.get("type") == "checkbox"]
    order = [row["run_id"] for row in exported(reader, "run_table", metric="loss", sort="-final_value")]
    on_top = [each["value"] for each in boxes if "checked" in each]
    assert on_top == [each["value"] for each in boxes[:3]]
    assert on_top == [each for each in order if each in on_top], "in the order that was asked for"
    assert len(boxes) == 24, "others can still be added"
    # one of them is taken back
    chips = [str(each["href"]) for each in compared.all("a") if each.get("class") == "chip"]
    assert len(chips) == 3
    assert drawn_runs(page(reader, f"/training{chips[0]}")) == {run_id(3), run_id(6), run_id(22)} - {sent_runs[0]}


def test_another_filter_keeps_the_picked_runs(reader: TestClient) -> None:
    shown = page(reader, address(run=[run_id(3), run_id(6)], sort="run_id"))
    sent = submitted(shown, "filters many", set())
    assert [pair for pair in sent if pair[1]] == [("run", run_id(3)), ("run", run_id(6)), ("sort", "run_id")]


def test_a_run_named_twice_is_one(reader: TestClient) -> None:
    assert figures(page(reader, address(run=[run_id(3), run_id(3), ""])))["runs"] == "1"


@pytest.mark.parametrize("name", ["metric", "experiment", "account", "resource_type", "run"])
@pytest.mark.parametrize(
    "value", ["no such thing", "birds' or '1'='1", "'; drop table dim_run; --", "$run", "%", "x\x00", "[]", "null"]
)
def test_an_unknown_value_is_a_sentence_and_never_sql(reader: TestClient, name: str, value: str) -> None:
    shown = page(reader, address(**{name: value}))
    title = next(each.title for each in TRAINING.filters if each.name == name).lower()
    assert f"No {title} of that name is in this release." in shown.text
    assert shown.data == []
    assert "At a glance" not in str(shown.elements)
    assert len(exported(reader, "metric_over_time", **{name: value})) == 0
    assert exported(reader, "training_totals", **{name: value})[0]["run_count"] == "0"
    assert figures(page(reader, "/training"))["runs"] == "24"


def test_one_unknown_run_among_known_ones_is_said(reader: TestClient) -> None:
    assert "No run of that name is in this release." in page(reader, address(run=[run_id(1), "gone"])).text


def test_filters_that_leave_nothing_say_so(reader: TestClient) -> None:
    shown = page(reader, address(from_date="2030-01-01", metric="loss"))
    assert "Nothing matches these filters together." in shown.text
    assert "?" in [link["href"] for link in shown.all("a")], "the way to everything"
    assert [each.get("value") for each in shown.all("input") if each.get("name") == "from_date"] == ["2030-01-01"]


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        ({"from_date": "yesterday"}, "from_date: is no day: 'yesterday' (allowed: a day such as 2026-09-30)"),
        ({"until_date": "2026-02-30"}, "until_date: is no day: '2026-02-30' (allowed: a day such as 2026-09-30)"),
        ({"from_date": "' or 1=1 --"}, 'from_date: is no day: "\' or 1=1 --" (allowed: a day such as 2026-09-30)'),
        ({"from_date": "<b>"}, "from_date: is no day: '<b>' (allowed: a day such as 2026-09-30)"),
        (
            {"from_date": "2026-09-30", "until_date": "2026-09-01"},
            "until_date: lies before from_date: '2026-09-01' (allowed: 2026-09-30 or a later day)",
        ),
    ],
)
def test_a_date_that_is_none_is_one_sentence(reader: TestClient, chosen: dict[str, str], sentence: str) -> None:
    for path in ("/training", "/training/run_table.csv"):
        answer = reader.get(path, params=chosen)
        assert answer.status_code == 400
        assert sentence in Page(answer.text).text
        assert live_nodes(Page(answer.text)) == []


def test_a_release_from_before_the_page_says_what_makes_it(tmp_path: Path, reader_of: Reader) -> None:
    release = publish(tmp_path, answers({"birds": "private"}))
    with duckdb.connect(str(release.serving_path)) as connection:
        connection.execute("drop table fct_metric_write_audit")
    client = reader_of(tmp_path)
    shown = page(client, "/training")
    assert "This release was built before there was such a page" in shown.text
    assert "build_marts" in " ".join(shown.text)
    assert client.get("/training/run_table.csv").status_code == 404
    assert "Answers per worker and job" in page(client, "/workers").text


def test_without_cloudtrail_the_page_says_what_to_set(tmp_path: Path, reader_of: Reader) -> None:
    publish(tmp_path, answers({"birds": "private"}))
    client = reader_of(tmp_path)
    shown = page(client, "/training")
    text = " ".join(shown.text)
    assert "No training metric is in this release" in shown.text
    for word in ("LABELHOUSE_SOURCES", "cloudtrail", "AWS::SageMaker::ExperimentTrialComponent", "extract_cloudtrail"):
        assert word in text
    assert shown.data == []
    assert exported(client, "run_table") == []


def test_tables_sort_by_their_columns(reader: TestClient) -> None:
    def column(name: str, sort: str) -> list[float]:
        return [float(row[name]) for row in exported(reader, "run_table", sort=sort) if row[name]]

    for name in ("final_value", "duration_seconds", "gap_seconds", "best_step"):
        assert column(name, name) == sorted(column(name, ""))
        assert column(name, f"-{name}") == sorted(column(name, ""), reverse=True)
    heads = page(reader, address(sort="-gap_seconds", run=run_id(2))).all("th")
    assert [each["aria-sort"] for each in heads if each.get("aria-sort", "none") != "none"] == ["descending"] * 2


def test_a_finding_opens_its_run(reader: TestClient) -> None:
    shown = page(reader, "/training")
    place = shown.text.index("Findings of the audit")
    assert "Step 40 is 1 beyond the highest step before." in shown.text[place:]
    assert STRANGER in shown.text[place:]
    links = [str(each["href"]) for each in shown.all("a")]
    assert links.count(f"?{urlencode({'run': run_id(23)})}") >= 4, "in the run table, and of each finding"


def hostile_points() -> list[dict[str, Any]]:
    """Runs whose names, metrics and writers are texts that must never become more than text."""
    names = ("run_name", "metric_name", "experiment_name", "run_group", "status", "principal_arn", "user_agent")
    points = []
    for number, canary in enumerate(CANARIES):
        for row in training_points(1, 3):
            changes = {"run_id": f"{canary}/{canary}/{canary}", "event_id": f"{number}-{row['event_id']}"}
            others = {"account_id": canary, "resource_type": canary, "metric_base_name": canary, "dataset_split": None}
            points.append(row | changes | others | dict.fromkeys((*names, "source_network"), canary))
    return points


def test_every_outside_value_stays_text(tmp_path: Path, reader_of: Reader) -> None:
    points = hostile_points()
    audit = [
        row | {"explanation": each, "finding": each}
        for each in CANARIES
        for row in findings([point | {"principal_arn": STRANGER} for point in points[:1]])
    ]
    publish(tmp_path, [], points, audit=audit, criteria=dict.fromkeys(CANARIES, (0.5, None)))
    client = reader_of(tmp_path)
    addresses = ["/training"]
    for place, each in enumerate(CANARIES):
        addresses.append(address(**{("metric", "experiment", "account", "resource_type")[place % 4]: each}))
        addresses.append(address(run=[f"{each}/{each}/{each}"], sort=each))
    for each in addresses:
        assert live_nodes(page(client, each)) == [], each
    everything = "\n".join(page(client, "/training").text)
    assert all(" ".join(canary.split()) in everything for canary in CANARIES)


@pytest.mark.parametrize(
    ("query", "chosen"),
    [
        ("job=a&job=b", {"job": "b"}),
        ("job=a&worker=", {"job": "a"}),
        ("job=a&job=", {}),
        ("run=x&metric=y", {}),
    ],
)
def test_workers_takes_the_last_of_its_own_filters(query: str, chosen: dict[str, str]) -> None:
    assert Selection.of(WORKERS, QueryParams(query)).chosen == chosen


def test_a_selection_is_the_url_that_it_came_from() -> None:
    text = "from_date=2026-09-01&metric=a%26b&run=x%2F1&run=y&sort=-final_value"
    selection = Selection.of(TRAINING, QueryParams(text))
    assert selection.url() == f"?{text}"
    assert selection.parameters["run"] == ["x/1", "y"]
    assert selection.parameters["account"] is None
    assert selection.url(metric=None, sort=None) == "?from_date=2026-09-01&run=x%2F1&run=y"
    assert selection.url(run="z", account="1") == "?from_date=2026-09-01&metric=a%26b&account=1&run=z&sort=-final_value"
    assert selection.url_without("run", "y") == "?from_date=2026-09-01&metric=a%26b&run=x%2F1&sort=-final_value"
    with pytest.raises(SelectionError, match="is no day"):
        Selection.of(TRAINING, QueryParams("from_date=1"))


def test_accounts_can_be_told_apart(tmp_path: Path, reader_of: Reader) -> None:
    here = training_points(2, 4)
    there = [
        row
        | {"run_id": row["run_id"].replace(ACCOUNT, OTHER_ACCOUNT), "account_id": OTHER_ACCOUNT}
        | {"event_id": f"t{row['event_id']}"}
        for row in here
    ]
    publish(tmp_path, [], here + there)
    client = reader_of(tmp_path)
    assert figures(page(client, "/training"))["runs"] == "4"
    assert drawn_runs(page(client, address(account=OTHER_ACCOUNT))) == {
        run_id(number).replace(ACCOUNT, OTHER_ACCOUNT) for number in (1, 2)
    }
    crossed = page(client, address(account=OTHER_ACCOUNT, run=run_id(1)))
    assert "Nothing matches these filters together." in crossed.text
