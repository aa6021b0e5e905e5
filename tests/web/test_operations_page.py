"""The pages Operations and Cost: filters in the URL, what clicks choose, figures, and nothing but text from outside."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import duckdb
import pytest
from fastapi.testclient import TestClient

from labelhouse.reports import all_reports
from labelhouse.reports.pages import PAGES
from web.fake_cost import BIRDS, LANES, sample_costs
from web.fake_lake import publish
from web.fake_operations import JOB, LIVE, MULTI, PIPELINE, many_periods, sample_operations
from web.html_page import CANARIES, Page, live_nodes, page

Reader = Callable[[Path], TestClient]
Rows = list[dict[str, Any]]
HOSTILE = (*CANARIES, "=1+1", "'; drop table fct_cost; --")
PAGES_HERE = ("operations", "cost")


def address(path: str, **chosen: Any) -> str:
    return f"{path}?{urlencode(chosen, doseq=True)}"


def exported(client: TestClient, where: str) -> list[dict[str, str]]:
    answer = client.get(where)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def figures(shown: Page, name: str) -> dict[str, str]:
    titles = {field.title for field in all_reports()[name].fields}
    return {text: shown.text[place + 1] for place, text in enumerate(shown.text) if text in titles}


def drawn(shown: Page, column: str) -> set[Any]:
    rows = [row for spec in shown.data for rows in spec["datasets"].values() for row in rows]
    return {row[column] for row in rows if column in row}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("operations") / "lake"
    publish(folder, [], operations=sample_operations(), costs=sample_costs())
    return folder


@pytest.fixture
def client(reader_of: Reader, lake: Path) -> TestClient:
    return reader_of(lake)


def test_the_figures_are_those_of_the_marts(client: TestClient) -> None:
    shown = figures(page(client, "/operations"), "operations_totals")
    assert shown["values"] == "2,750"
    assert shown["instances over 100 %"] == "3"
    assert shown["executions failed"] == "2", "of the account: those of pipelines and steps are among them"
    shown = figures(page(client, "/cost"), "cost_totals")
    assert shown["costs without a price"] == "330"
    assert (shown["bills doubled"], shown["models silent or failing"]) == ("1", "1")
    assert shown["this month"].startswith("$")


def test_a_month_is_compared_with_as_many_days_of_the_month_before(client: TestClient) -> None:
    rows = sample_costs()["fct_cost"]
    newest = max(row["cost_date"] for row in rows)
    now, before = (
        sum(
            row["cost_usd"] or 0
            for row in rows
            if row["cost_date"].month == month and row["cost_date"].day <= newest.day
        )
        for month in (newest.month, newest.month - 1)
    )
    change = float((now - before) / before)
    assert newest.day < 28
    shown = figures(page(client, "/cost"), "cost_totals")["change"]
    assert shown == f"{'+' if change > 0 else '−'}{abs(change) * 100:.1f} %"


@pytest.mark.parametrize(
    ("path", "chosen"),
    [
        ("operations", {"from_date": "2026-09-11", "until_date": "2026-09-20", "account": "123456789012"}),
        ("operations", {"metric": "ModelLatency", "statistic": "p99", "resource": LIVE}),
        ("cost", {"kind": "training", "family": BIRDS, "from_date": "2026-07-01"}),
        ("cost", {"job": JOB, "worker": "w-anna"}),
    ],
)
def test_every_filter_is_in_the_url_and_in_every_export(client: TestClient, path: str, chosen: dict[str, str]) -> None:
    shown = page(client, address(f"/{path}", **chosen))
    exports = [str(link["href"]) for link in shown.all("a") if link.get("class") == "export"]
    assert exports
    assert all(dict(parse_qsl(each.split("?")[1])) == chosen for each in exports)
    selected = {option["value"] for option in shown.all("option") if "selected" in option}
    assert {value for name, value in chosen.items() if not name.endswith("_date") and name != "worker"} == selected


def test_a_resource_narrows_every_tile_of_operations(client: TestClient) -> None:
    where = {"resource": LIVE}
    for report in ("metric_series", "endpoint_table", "instance_table", "feature_shifts"):
        names = {row["resource_name"] for row in exported(client, address(f"/operations/{report}.csv", **where))}
        assert names == {LIVE}, report
    assert exported(client, address("/operations/pipeline_table.csv", **where)) == []
    steps = exported(client, address("/operations/pipeline_table.csv", resource=PIPELINE))
    assert {row["step_name"] for row in steps} == {"", "train", "evaluate"}
    ended = exported(client, address("/operations/pipeline_executions.csv", resource=PIPELINE))
    assert sum(int(row["execution_count"]) for row in ended) == 2 * 14, "steps are no executions of their own"


def test_any_metric_is_drawn_by_its_unit_statistic_and_dimensions(client: TestClient) -> None:
    shown = exported(client, address("/operations/metric_periods.csv", metric="ModelLatency", statistic="p99"))
    assert {(row["metric_name"], row["statistic"], row["unit"]) for row in shown} == {
        ("ModelLatency", "p99", "Milliseconds")
    }
    assert len({row["series_key"] for row in shown}) == 2
    one = f"EndpointName={MULTI},VariantName=AllTraffic"
    shown = exported(client, address("/operations/metric_periods.csv", metric="Invocations", series=one))
    assert {(row["series_key"], row["statistic"]) for row in shown} == {(one, "Sum")}
    progress = exported(client, address("/operations/metric_periods.csv", metric="TotalDatasetObjectsLabeled"))
    assert {row["statistic"] for row in progress} == {"Maximum"}, "progress is a count so far: its maximum"


def test_latency_is_split_and_adds_up(client: TestClient) -> None:
    rows = exported(client, address("/operations/endpoint_latency.csv", resource=LIVE))
    assert {row["part"] for row in rows} == {"model", "overhead", "network"}
    shown = page(client, address("/operations", resource=LIVE))
    spec = next(each for each in shown.data if "until_ms" in each["datasets"].get("rows", [{}])[0])
    stretches: dict[str, Rows] = {}
    for row in spec["datasets"]["rows"]:
        stretches.setdefault(row["stretch_at"], []).append(row)
    for parts in stretches.values():
        assert max(row["until_ms"] for row in parts) == pytest.approx(sum(row["latency_ms"] for row in parts))
    shown = page(client, address("/operations", resource=MULTI))
    assert any("none does here" in text for text in shown.text), "without a client the network's part is unknown"


def test_hits_are_the_mean_over_lookups_not_over_calls(tmp_path: Path, reader_of: Reader) -> None:
    rows = sample_operations()
    first, second = [row for row in rows["fct_endpoint_latency"] if row["endpoint_name"] == MULTI][:2]
    first |= {"hit_ratio": 1.0, "cache_lookup_count": 90, "invocation_count": 1}
    second |= {"hit_ratio": 0.0, "cache_lookup_count": 10, "invocation_count": 99}
    publish(tmp_path / "lake", [], operations={"fct_endpoint_latency": [first, second]})
    shown = exported(reader_of(tmp_path / "lake"), "/operations/endpoint_table.csv")
    assert float(shown[0]["hit_ratio"]) == pytest.approx(0.9)


def test_what_is_over_100_percent_is_marked(client: TestClient) -> None:
    rows = exported(client, address("/operations/instance_utilization.csv", resource=LIVE))
    assert {row["is_over_100"] for row in rows if float(row["highest_pct"]) > 100} == {"true"}
    assert {row["is_over_100"] for row in rows if float(row["highest_pct"]) <= 100} == {"false"}
    shown = exported(client, "/operations/instance_table.csv")
    assert [row["flags"] for row in shown] == ["over 100 %"] * 3
    assert all(float(row["highest_cpu_normalized_pct"]) < 100 for row in shown)


def test_a_shift_of_the_predictions_goes_first_and_is_drawn(client: TestClient) -> None:
    shifts = exported(client, "/operations/feature_shifts.csv")
    assert (shifts[0]["feature"], shifts[0]["grown"]) == ("prediction: label", "truck")
    # 3 of 7 days: 35 points of the share moved
    assert float(shifts[0]["shift_ratio"]) == pytest.approx(0.35 * 3 / 7, abs=0.01)
    assert "prediction: label" in drawn(page(client, "/operations"), "feature")
    chosen = exported(client, address("/operations/feature_distribution.csv", feature="input: brightness"))
    assert {row["feature"] for row in chosen} == {"input: brightness"}
    assert "0 to 32" in {row["part"] for row in chosen}


def test_open_ended_ranges_are_named(tmp_path: Path, reader_of: Reader) -> None:
    row = sample_operations()["fct_prediction_distribution"][0] | {"category": None, "feature_kind": "input"}
    rows = [row | {"bin_lower": low, "bin_upper": high} for low, high in ((None, 1.0), (1.0, 2.0), (2.0, None))]
    publish(tmp_path / "lake", [], operations={"fct_prediction_distribution": rows})
    shown = exported(reader_of(tmp_path / "lake"), "/operations/feature_distribution.csv")
    assert [row["part"] for row in shown] == ["2 and more", "1 to 2", "below 1"]


def test_the_doubled_bill_and_the_broken_model_stand_at_the_top(client: TestClient) -> None:
    first = exported(client, "/cost/doubled_bills.csv")[0]
    assert (first["subject_name"], first["cost_month"], first["flags"]) == (BIRDS, "2026-08-01", "doubled")
    model = exported(client, "/cost/model_health.csv")[0]
    assert (model["job_family"], model["flags"]) == (LANES, "failing; silent")
    assert "failed at its last 3 trainings" in model["finding"]
    assert {row["subject_name"] for row in exported(client, address("/cost/doubled_bills.csv", family=LANES))} == {
        LANES
    }


def test_costs_add_up_in_every_tile(client: TestClient) -> None:
    whole = sum(row["cost_usd"] or 0 for row in sample_costs()["fct_cost"])
    for report in ("cost_per_month", "cost_per_resource"):
        rows = exported(client, f"/cost/{report}.csv")
        assert sum(float(row["cost_usd"] or 0) for row in rows) == pytest.approx(float(whole)), report
    labels = exported(client, address("/cost/labeling_costs.csv", worker="w-ben"))
    assert {row["worker_id"] for row in labels} == {"w-ben"}
    assert float(labels[0]["usd_per_task"]) == pytest.approx(0.08)


def test_what_has_no_price_is_counted_and_said(client: TestClient) -> None:
    shown = page(client, "/cost")
    assert any("330 costs have no price and count as nothing here" in text for text in shown.text)


def test_clicks_lead_to_what_they_name(client: TestClient) -> None:
    links = {str(each["href"]) for each in page(client, address("/operations", from_date="2026-09-01")).all("a")}
    series = urlencode({"series": f"EndpointName={LIVE},VariantName=AllTraffic"})
    for wanted in ("metric=ModelLatency", "statistic=p99", f"resource={LIVE}", series, "feature=input%3A+brightness"):
        assert f"?from_date=2026-09-01&{wanted}" in links
    links = {str(each["href"]) for each in page(client, "/cost").all("a")}
    for wanted in ("?kind=training", f"?family={BIRDS}", f"?job={JOB}", "?worker=w-anna", f"?resource={LIVE}"):
        assert wanted in links


@pytest.mark.parametrize("name", PAGES_HERE)
def test_an_unknown_value_is_a_sentence_and_never_sql(client: TestClient, name: str) -> None:
    for each in PAGES[name].filters:
        if each.kind == "date":
            continue
        for value in ("no such thing", "x' or '1'='1", "'; drop table fct_cost; --", "$job", "x\x00"):
            shown = page(client, address(f"/{name}", **{each.name: value}))
            assert f"No {each.title.lower()} of that name is in this release." in shown.text
            assert shown.data == []


@pytest.mark.parametrize("name", PAGES_HERE)
def test_nothing_loaded_says_what_to_do(tmp_path: Path, reader_of: Reader, name: str) -> None:
    publish(tmp_path / "lake", [])
    shown = page(reader_of(tmp_path / "lake"), f"/{name}")
    tiles = [each for each in all_reports().values() if each.page == name and each.shape != "figures"]
    for report in tiles:
        assert report.empty in shown.text
        assert any(word in report.empty for word in ("LABELHOUSE_", "DAG", "cloudwatch_metrics")), report.name


@pytest.mark.parametrize("name", PAGES_HERE)
def test_an_older_release_says_so(tmp_path: Path, reader_of: Reader, name: str) -> None:
    publish(tmp_path / "lake", [], is_older=True)
    shown = page(reader_of(tmp_path / "lake"), f"/{name}")
    assert "This release was built before there was such a page" in shown.text
    assert reader_of(tmp_path / "lake").get(f"/{name}/cost_totals.csv").status_code == 404


def _hostile(rows: dict[str, Rows], texts: tuple[str, ...]) -> dict[str, Rows]:
    """The same with outside names replaced."""
    outside = (
        *("resource_name", "variant_name", "host_name", "series_key", "metric_name", "unit", "namespace", "category"),
        *("endpoint_name", "feature_name", "pipeline_name", "step_name", "labeling_job_name", "source_name"),
        *("training_job_name", "job_family", "subject_name", "finding", "workteam_name", "worker_id", "run_id"),
        *("instance_type", "status"),
    )
    for mart in rows.values():
        for number, row in enumerate(mart):
            row |= {name: texts[number % len(texts)] for name in outside if row.get(name) is not None}
    return rows


def test_hostile_texts_stay_text_on_pages_and_in_exports(tmp_path: Path, reader_of: Reader) -> None:
    publish(
        tmp_path / "lake",
        [],
        operations=_hostile(sample_operations(), HOSTILE),
        costs=_hostile(sample_costs(), HOSTILE),
    )
    client = reader_of(tmp_path / "lake")
    for name in PAGES_HERE:
        shown = page(client, f"/{name}")
        assert live_nodes(shown) == []
        assert any(HOSTILE[0] in text for text in shown.text)
    for name in ("operations/metric_series", "operations/feature_shifts", "cost/cost_per_resource"):
        cells = {cell for row in exported(client, f"/{name}.csv") for cell in row.values()}
        assert not {cell for cell in cells if cell.startswith(("=", "@"))}
        assert "'=1+1" in cells or any("=1+1" in cell for cell in cells)


def test_many_periods_are_answered_soon(tmp_path: Path, reader_of: Reader) -> None:
    release = publish(tmp_path / "lake", [], operations=sample_operations(), costs=sample_costs())
    with duckdb.connect(str(release.serving_path)) as connection:
        many_periods(connection, 200_000)
    client = reader_of(tmp_path / "lake")
    assert client.get("/operations").status_code == 200  # templates are compiled, altair is imported

    def seconds(where: str) -> float:
        start = time.process_time()
        assert client.get(where).status_code == 200
        return time.process_time() - start

    for where in ("/operations", address("/operations", metric="CPUUtilization", resource="endpoint-3"), "/cost"):
        assert min(seconds(where) for _ in range(2)) < 1.0, where
    assert figures(page(client, "/operations"), "operations_totals")["values"] == "202,750"
