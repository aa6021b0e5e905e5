"""Every report, found by walking: its SQL runs, its fields are there, its chart is valid Vega-Lite."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

import labelhouse.reports
from labelhouse.marts.read import query
from labelhouse.marts.releases import Release, current_release
from labelhouse.reports import Report, all_reports
from labelhouse.reports.encoding import JOB_COLOURS, OTHER_COLOUR, SHOWN_WORKERS
from labelhouse.reports.pages import PAGES
from web.fake_lake import answers, publish
from web.fake_operations import LIVE
from web.fake_training import ACCOUNT, RESOURCE_TYPE

RUN = f"{ACCOUNT}/eu-west-1/birds-classifier-022-aws-training-job"
#: Selections that leave something to show, by page.
SELECTIONS: dict[str, list[dict[str, Any]]] = {
    "workers": [{}, {"job": "birds"}, {"worker": "?"}, {"job": "birds", "worker": "?"}],
    "annotations": [
        {},
        {"from_date": date(2026, 8, 1), "until_date": date(2026, 12, 31)},
        {"attribute": "moving: 1"},
        {"category": "Vehicle", "attribute": "moving: 0", "job": "street-video-audit"},
    ],
    "training": [
        {},
        {"metric": "accuracy"},
        {"metric": "validation:accuracy", "experiment": "birds"},
        {"account": ACCOUNT, "resource_type": RESOURCE_TYPE, "from_date": date(2026, 9, 1)},
        {"run": [RUN], "until_date": date(2026, 12, 31)},
        {"run": [RUN, RUN.replace("022", "023")]},
    ],
    "operations": [
        {},
        {"metric": "ModelLatency", "statistic": "p99", "namespace": "AWS/SageMaker"},
        {"account": ACCOUNT, "from_date": date(2026, 9, 11), "until_date": date(2026, 9, 30)},
        {"series": f"EndpointName={LIVE},VariantName=AllTraffic", "feature": "input: brightness"},
    ],
    "cost": [
        {},
        {"account": ACCOUNT, "from_date": date(2026, 7, 1), "until_date": date(2026, 8, 31)},
    ],
}
REPORTS = list(all_reports().values())
named = pytest.mark.parametrize("report", REPORTS, ids=lambda report: report.name)


@pytest.fixture(scope="module")
def release(published_lake: Path) -> Release:
    found = current_release(published_lake)
    assert found
    return found


def rows_of(release: Release, report: Report, **filters: Any) -> list[dict[str, Any]]:
    parameters = {name: filters.get(name) for name in report.parameters}
    return query(release, report.sql, parameters).to_pylist()


def test_every_file_is_a_report_named_after_it() -> None:
    modules = [
        importlib.import_module(f"labelhouse.reports.{each.name}")
        for each in pkgutil.iter_modules(labelhouse.reports.__path__)
    ]
    files = {module.__name__.rsplit(".", 1)[1] for module in modules if hasattr(module, "REPORT")}
    assert files == set(all_reports())
    assert len({(report.page, report.order) for report in REPORTS}) == len(REPORTS)


def test_no_report_is_slow_to_import() -> None:
    program = "import sys; from labelhouse.reports import all_reports; all_reports(); print('altair' in sys.modules)"
    folder = str(Path(labelhouse.reports.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=folder)
    assert done.stdout.strip() == "False"


@named
def test_its_parameters_are_filters_of_the_page(report: Report) -> None:
    assert report.parameters - {"sort"} <= {each.name for each in PAGES[report.page].filters}
    assert "sort" not in report.parameters or report.is_sortable
    assert report.needs is None or report.needs in report.parameters


@named
def test_it_answers_for_every_selection(release: Release, report: Report) -> None:
    worker = rows_of(release, all_reports()["worker_table"])[0]["worker_id"]
    for selection in SELECTIONS[report.page]:
        chosen = {name: worker if value == "?" else value for name, value in selection.items()}
        rows = rows_of(release, report, **chosen)
        if report.needs and report.needs not in chosen:
            assert rows == []
        elif report.name != "write_findings" or "run" not in chosen or len(chosen["run"]) > 1:
            assert rows
            assert {field.name for field in report.fields} <= set(rows[0])
        assert isinstance(report.note(rows), str | None)


@named
def test_it_says_nothing_about_nothing(tmp_path: Path, report: Report) -> None:
    rows = rows_of(publish(tmp_path / "lake", []), report)
    assert report.note(rows) is None
    if report.shape == "figures":
        assert rows[0][report.fields[0].name] == 0
    else:
        assert rows == []


@pytest.mark.parametrize("report", [report for report in REPORTS if report.draw], ids=lambda report: report.name)
def test_its_chart_is_valid_and_labelled(release: Release, report: Report) -> None:
    assert report.draw
    chosen = {report.needs: {"run": [RUN], "attribute": "moving: 1"}[report.needs]} if report.needs else {}
    spec = report.draw(rows_of(release, report, **chosen))  # Altair validates against Vega-Lite's schema
    assert spec["width"] == "container"
    encodings = [layer["encoding"] for layer in spec.get("layer", [spec])]
    drawn = [each for each in encodings if "field" in each.get("x", {}) and "field" in each.get("y", {})]
    assert drawn
    for encoding in drawn:
        assert encoding["x"]["title"]
        assert encoding["y"]["title"]
        assert encoding["tooltip"]


def test_figures_add_up(release: Release) -> None:
    figures = rows_of(release, all_reports()["worker_totals"])[0]
    table = rows_of(release, all_reports()["worker_table"])
    assert figures["answer_count"] == sum(row["answer_count"] for row in table) == 540
    assert figures["worker_count"] == len(table)
    assert figures["labeling_job_count"] == 3
    assert figures["dataset_object_count"] == 180
    assert figures["total_seconds"] == pytest.approx(sum(row["total_seconds"] or 0 for row in table))
    assert figures["submitted_task_count"] == sum(row["submitted_task_count"] for row in table)
    agreeing = sum(row["agreement_ratio"] * row["comparable_answer_count"] for row in table)
    assert figures["agreement_ratio"] == pytest.approx(agreeing / 540)


def test_an_object_that_two_workers_answered_counts_once_and_for_each_of_them(release: Release) -> None:
    report, table = all_reports()["worker_totals"], rows_of(release, all_reports()["worker_table"])
    for worker in table[:3]:
        figures = rows_of(release, report, worker=worker["worker_id"])[0]
        assert figures["dataset_object_count"] == worker["dataset_object_count"]


def test_time_that_is_not_captured_is_unknown_and_never_zero(tmp_path: Path) -> None:
    release = publish(tmp_path / "lake", answers({"birds": "public"}, is_timed=False))
    figures = rows_of(release, all_reports()["worker_totals"])[0]
    assert figures["total_seconds"] is None
    assert figures["timed_task_count"] == 0
    assert rows_of(release, all_reports()["time_per_answer"]) == []


def test_only_the_busiest_workers_are_drawn_and_the_chart_says_so(release: Release) -> None:
    report = all_reports()["answers_per_worker"]
    rows = rows_of(release, report)
    table = rows_of(release, all_reports()["worker_table"])
    totals = sorted((row["answer_count"] for row in table), reverse=True)
    drawn: dict[int, int] = {}
    for row in rows:
        drawn[row["worker_rank"]] = drawn.get(row["worker_rank"], 0) + row["answer_count"]
    assert list(drawn.values()) == totals[:SHOWN_WORKERS]
    assert report.note(rows) == f"The {SHOWN_WORKERS} workers with the most answers, of {len(totals)}."


@pytest.mark.parametrize(
    ("agreeing", "answered", "low", "high"),
    # published values of the score interval, z = 1.96
    [
        (8, 10, 0.4902, 0.9433),
        (10, 10, 0.7225, 1.0),
        (0, 10, 0.0, 0.2775),
        (1, 1, 0.2065, 1.0),
        (90, 100, 0.8256, 0.9448),
    ],
)
def test_the_interval_is_wilsons(tmp_path: Path, agreeing: int, answered: int, low: float, high: float) -> None:
    template = answers({"birds": "public"}, objects=1)[0]
    rows = [
        template
        | {"response_id": str(number), "dataset_object_id": str(number), "agrees_with_consolidated": number < agreeing}
        for number in range(answered)
    ]
    row = rows_of(publish(tmp_path / "lake", rows), all_reports()["agreement_per_worker"])[0]
    assert (row["agreeing_answer_count"], row["comparable_answer_count"]) == (agreeing, answered)
    assert row["interval_low_ratio"] == pytest.approx(low, abs=5e-4)
    assert row["interval_high_ratio"] == pytest.approx(high, abs=5e-4)


def test_answers_that_cannot_be_compared_are_no_disagreement(tmp_path: Path) -> None:
    rows = [row | {"agrees_with_consolidated": None} for row in answers({"birds": "public"})]
    release = publish(tmp_path / "lake", rows)
    assert rows_of(release, all_reports()["agreement_per_worker"]) == []
    assert rows_of(release, all_reports()["worker_totals"])[0]["agreement_ratio"] is None


def test_a_job_keeps_its_colour_and_the_smallest_share_grey(tmp_path: Path) -> None:
    jobs = [f"job-{number}" for number in range(9)]
    rows = [row for place, job in enumerate(jobs) for row in answers({job: "private"}, objects=20 - place)]
    release = publish(tmp_path / "lake", rows)
    for report in (all_reports()["answers_per_worker"], all_reports()["answers_per_day"]):
        assert report.draw
        scale = report.draw(rows_of(release, report))["encoding"]["color"]["scale"]
        assert scale["domain"] == [*jobs[:7], "other jobs"]
        assert scale["range"] == [*JOB_COLOURS, OTHER_COLOUR]
        scale = report.draw(rows_of(release, report, job="job-3"))["encoding"]["color"]["scale"]
        assert scale == {"domain": ["job-3"], "range": [JOB_COLOURS[3]]}
        scale = report.draw(rows_of(release, report, job="job-8"))["encoding"]["color"]["scale"]
        assert scale == {"domain": ["job-8"], "range": [OTHER_COLOUR]}


def test_a_year_of_days_is_drawn_and_the_chart_says_what_came_before(tmp_path: Path) -> None:
    rows = answers({"birds": "private"}, objects=2)
    days = [date(2025, 1, 1) + timedelta(days=number) for number in (0, 10, 634, 635, 636)]
    release = publish(tmp_path, [row | {"event_date": day} for row in rows for day in days])
    report = all_reports()["answers_per_day"]
    found = rows_of(release, report)
    assert [row["event_date"] for row in found] == days[2:]
    assert report.note(found) == "The last 366 days; the first answer is of 2025-01-01."
