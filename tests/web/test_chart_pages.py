"""Charts that readers build: the whole of one is in its address, and what it draws is what the runs measured."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import QueryParams

from labelhouse.web.chart_definition import ChartDefinition, Series
from labelhouse.web.selection import SelectionError
from web.fake_lake import publish
from web.fake_training import ACCOUNT, training_points
from web.html_page import CANARIES, Page, live_nodes, page

Reader = Callable[[Path], TestClient]
POINTS = training_points(12, 10)
LABEL = "Validation & more, 100 %"
CHART = {
    "name": "Accuracy of birds",
    "from_date": "2026-09-14",
    "until_date": "2026-12-31",
    "by": "parameter optimizer",
    "metric": ["validation:accuracy", "train:accuracy"],
    "statistic": ["best", "mean"],
    "label": [LABEL, ""],
    "field": ["status: Completed", f"account_id: {ACCOUNT}"],
}


def address(tile: str = "", **chosen: Any) -> str:
    return f"/training/chart{f'/{tile}.csv' if tile else ''}?{urlencode(chosen, doseq=True)}"


def exported(client: TestClient, tile: str, **chosen: Any) -> list[dict[str, str]]:
    answer = client.get(address(tile, **chosen))
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def drawn(shown: Page) -> list[dict[str, Any]]:
    return [row for spec in shown.data for row in spec["datasets"]["rows"]]


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("charts") / "lake"
    publish(folder, [], POINTS)
    return folder


@pytest.fixture
def client(reader_of: Reader, lake: Path) -> TestClient:
    return reader_of(lake)


def sent(shown: Page) -> list[tuple[str, str]]:
    """What a browser without a script sends for the form."""
    found: list[tuple[str, str]] = []
    options: list[tuple[bool, str]] = []
    name = ""
    for place, (tag, attributes) in enumerate(shown.elements):
        if tag == "input":
            found.append((str(attributes["name"]), attributes.get("value") or ""))
        elif tag == "select":
            name, options = str(attributes["name"]), []
        elif tag == "option":
            value = attributes.get("value")
            options.append(("selected" in attributes, shown.words[place] if value is None else value))
            next_tag = shown.elements[place + 1][0] if place + 1 < len(shown.elements) else ""
            if next_tag != "option":
                found.append((name, next((value for is_chosen, value in options if is_chosen), options[0][1])))
    return found


def test_a_bookmark_is_the_whole_chart() -> None:
    definition = ChartDefinition.of(QueryParams(urlencode(CHART, doseq=True)))
    assert definition.series == (Series("validation:accuracy", "best", LABEL), Series("train:accuracy", "mean"))
    assert ChartDefinition.of(QueryParams(definition.url().removeprefix("?"))) == definition
    assert (definition.name, definition.by) == (CHART["name"], CHART["by"])


def test_the_form_sends_the_chart_that_it_shows(client: TestClient) -> None:
    shown = page(client, address(**CHART))
    again = ChartDefinition.of(QueryParams(urlencode(sent(shown))))
    assert again == ChartDefinition.of(QueryParams(urlencode(CHART, doseq=True)))


def test_its_name_is_the_title_of_the_page(client: TestClient) -> None:
    shown = page(client, address(**CHART))
    assert shown.text[0] == "Accuracy of birds · labelhouse", "that is what a bookmark is called"
    assert {row["series"] for row in drawn(shown)} == {
        f"{label} · {group}" for label in (LABEL, "train:accuracy, mean") for group in ("adam", "sgd")
    }


@pytest.mark.parametrize("statistic", ["final", "best", "min", "max", "mean", "start"])
def test_every_statistic_is_that_of_the_points(client: TestClient, statistic: str) -> None:
    metric = "train:accuracy"
    rows = exported(client, "points", metric=metric, statistic=statistic, label="")
    assert len(rows) == 12
    for row in rows:
        points = [each for each in POINTS if each["run_id"] == row["run_id"] and each["metric_name"] == metric]
        values = [each["metric_value"] for each in sorted(points, key=lambda each: each["metric_at"])]
        wanted = {
            "final": values[-1], "best": max(values), "min": min(values), "max": max(values),
            "mean": fmean(values), "start": values[0],
        }[statistic]  # fmt: skip
        assert float(row["value"]) == pytest.approx(wanted)


def test_a_filter_takes_one_of_the_values_of_a_field_and_all_fields(client: TestClient) -> None:
    def runs(*fields: str) -> set[str]:
        rows = exported(client, "points", metric="train:loss", statistic="min", label="", field=list(fields))
        return {row["run_id"] for row in rows}

    adam, sgd = runs("parameter optimizer: adam"), runs("parameter optimizer: sgd")
    assert adam
    assert sgd
    assert adam.isdisjoint(sgd)
    assert runs("parameter optimizer: adam", "parameter optimizer: sgd") == adam | sgd
    batch = runs("parameter batch_size: 64")
    assert runs("parameter optimizer: adam", "parameter batch_size: 64") == adam & batch
    assert runs("parameter optimizer: none such") == set()


def test_without_a_series_the_metric_that_most_runs_have_is_drawn(client: TestClient) -> None:
    shown = page(client, "/training/chart")
    assert {row["metric_name"] for row in drawn(shown)} == {"train:accuracy", "validation:accuracy"}
    assert {row["statistic"] for row in drawn(shown)} == {"final"}
    assert "/training/chart" in {link["href"] for link in page(client, "/training").all("a")}


def test_fields_and_their_values_are_listed_and_narrow(client: TestClient) -> None:
    fields = exported(client, "fields")
    assert ("parameter optimizer", "adam") in {(row["field"], row["value"]) for row in fields}
    names = {row["value"] for row in fields if row["field"] == "training_job_name"}
    assert "birds-classifier-003" in names, "the runs are listed by the name of their training job"
    links = [str(link["href"]) for link in page(client, address(name="Mine")).all("a")]
    chosen = [dict(parse_qsl(each.removeprefix("?"))) for each in links if each.startswith("?")]
    assert {"status: Completed", "parameter optimizer: sgd"} <= {each.get("field") for each in chosen}
    assert {each["name"] for each in chosen} == {"Mine"}, "a click keeps the chart"
    assert "learning_rate" in {each.get("metric") for each in chosen}


def test_one_run_is_left_out_again(client: TestClient) -> None:
    run = POINTS[0]["run_id"]
    shown = page(client, address(**CHART, run=run))
    assert {row["run_id"] for row in drawn(shown)} == {run}
    without = ChartDefinition.of(QueryParams(urlencode(CHART, doseq=True))).url()
    assert without in {link["href"] for link in shown.all("a")}


def test_what_nobody_measured_is_said(client: TestClient) -> None:
    shown = page(client, address(metric="no such metric", statistic="final", label=""))
    assert "No run of this selection has the metric no such metric." in shown.text
    assert shown.data == []


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("metric=a&statistic=median", "statistic: is no statistic"),
        ("from_date=yesterday", "from_date: is no day"),
        ("from_date=2026-02-02&until_date=2026-02-01", "until_date: lies before from_date"),
        ("&".join(["metric=a"] * 7), "metric: is too many series"),
        (f"name={'x' * 121}", "name: is too long"),
    ],
)
def test_what_cannot_be_is_a_sentence(client: TestClient, query: str, sentence: str) -> None:
    with pytest.raises(SelectionError, match=sentence.split(": ")[1]):
        ChartDefinition.of(QueryParams(query))
    answer = client.get(f"/training/chart?{query}")
    assert answer.status_code == 400
    assert sentence.split(": ")[1] in answer.text


def test_hostile_texts_stay_text(tmp_path: Path, reader_of: Reader) -> None:
    points = [
        row | {"metric_name": each, "metric_base_name": each, "experiment_name": each, "dataset_split": None}
        for each in (*CANARIES, "=1+1")
        for row in training_points(2, 2)[:4]
    ]
    publish(tmp_path / "lake", [], points)
    client = reader_of(tmp_path / "lake")
    for text in (*CANARIES, "=1+1", "'; drop table dim_run; --"):
        shown = page(
            client, address(name=text, metric=text, statistic="final", label=text, by=text, field=text, run=text)
        )
        assert live_nodes(shown) == []
        assert live_nodes(page(client, address(metric=text, statistic="max", label=text, by="experiment_name"))) == []
    cells = {cell for row in exported(client, "metrics") for cell in row.values()}
    assert "'=1+1" in cells


def test_an_older_release_and_none_say_so(tmp_path: Path, reader_of: Reader) -> None:
    assert "Nothing is published yet" in page(reader_of(tmp_path / "none"), "/training/chart").text
    publish(tmp_path / "lake", [])
    client = reader_of(tmp_path / "lake")
    assert "These runs have no metric." in page(client, "/training/chart").text
    assert client.get("/training/chart/nothing.csv").status_code == 404
