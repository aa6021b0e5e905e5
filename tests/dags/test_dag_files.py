"""DAG files are tables of contents: short, documented, quick to parse, and without anything heavy."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from labelhouse.schema.tables import TABLES
from labelhouse.sources import all_sources

DAGS = Path(__file__).resolve().parents[2] / "dags"
DAG_FILES = sorted(DAGS.glob("*.py"))
MOST_LINES = 60
ALLOWED_IMPORTS = ("airflow.sdk", "labelhouse.orchestration", "datetime")
#: What each docstring tells people.
HEADINGS = ("What it does.", "Inputs.", "Outputs.", "Running it again", "When it fails")

#: A source of which the settings say no more than where it is: cron, and pool of its tasks.
HOURLY = ("0 * * * *", "default_pool")

each_file = pytest.mark.parametrize("file", DAG_FILES, ids=lambda file: file.stem)


def imports_of(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        if isinstance(node, ast.ImportFrom):
            yield str(node.module)


def test_there_is_a_dag_for_every_source_and_one_that_builds(dags: dict[str, Any]) -> None:
    assert set(dags) == {"build_marts", "evaluate_alarms", "export_worker_activity", "release_hold"} | {
        f"extract_{name}" for name in all_sources()
    }
    assert {file.stem for file in DAG_FILES} == set(dags), "a file is named after its DAG"


@each_file
def test_a_dag_file_is_short_and_imports_only_steps(file: Path) -> None:
    assert len(file.read_text().splitlines()) <= MOST_LINES
    assert [name for name in imports_of(file) if not name.startswith(ALLOWED_IMPORTS)] == []


@pytest.fixture(scope="module")
def costs(run_python: Callable[..., Any]) -> dict[Path, dict[str, Any]]:
    """DAG file → what it costs to parse."""
    costs = run_python(Path(__file__).with_name("parse_alone.py"), *map(str, DAG_FILES))
    return dict(zip(DAG_FILES, costs, strict=True))


@each_file
def test_parsing_takes_less_than_a_second_no_network_and_nothing_heavy(
    file: Path, costs: dict[Path, dict[str, Any]]
) -> None:
    cost = costs[file]
    assert cost["already"] == [], "airflow.sdk alone imports nothing heavy, so nothing was overlooked"
    assert file.stem in cost["names"]
    assert cost["seconds"] < 1


@each_file
def test_the_docstring_is_the_documentation(file: Path, dags: dict[str, Any]) -> None:
    doc_md = dags[file.stem]["doc_md"]
    assert doc_md.strip() == str(ast.get_docstring(ast.parse(file.read_text()))).strip()
    assert [heading for heading in HEADINGS if heading not in doc_md] == []


def test_every_task_retries_patiently(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        for task in dag["tasks"].values():
            assert task["retries"] >= 3
            assert task["backoff"] == 2


def test_extractions_run_hourly_on_real_intervals_and_have_a_form(dags: dict[str, Any]) -> None:
    for name in all_sources():
        dag = dags[f"extract_{name}"]
        assert dag["timetable"] == "CronDataIntervalTimetable"
        assert dag["catchup"] is False
        for side in ("start", "end"):
            param = dag["params"][side]
            assert param["value"] is None
            assert param["schema"]["type"] == ["null", "string"]
            assert param["schema"]["format"] == "date-time"
        assert {task: facts["downstream"] for task, facts in dag["tasks"].items()} == {
            "plan": ["load"],
            "load": ["summarise"],
            "summarise": [],
        }
        assert dag["tasks"]["load"]["is_mapped"]


def test_an_export_runs_on_request_only_and_is_then_loaded(dags: dict[str, Any]) -> None:
    dag = dags["export_worker_activity"]
    assert dag["timetable"] == "NullTimetable"
    assert dag["params"]["start"]["schema"]["type"] == "string"
    assert set(dag["params"]) == {"start", "end", "place"}, "where a log is exported to is a setting"
    assert dag["params"]["end"]["schema"]["type"] == ["null", "string"]
    assert {task: facts["downstream"] for task, facts in dag["tasks"].items()} == {
        "export": ["plan_place"],
        "plan_place": ["load"],
        "load": ["summarise"],
        "summarise": [],
    }


SOURCES = {
    "workers": {"places": "cognito-idp://us-east-1/us-east-1_AbCdEf123", "schedule": "30 4 * * *", "pool": "aws"},
    "workteams": {"places": ["sagemaker://us-east-1"], "schedule": None},
    "cloudtrail": "s3://trail/AWSLogs",
}


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (
            json.dumps(SOURCES),
            {"workers": ("30 4 * * *", "aws"), "workteams": (None, "default_pool"), "cloudtrail": HOURLY},
        ),
        ('{"workers": {"places": "x", "schedule": "often"}}', dict.fromkeys(SOURCES, HOURLY)),
    ],
    ids=["as set", "not understood"],
)
def test_a_source_is_read_when_and_from_which_pool_the_settings_say(
    sources: str, expected: dict[str, tuple[str | None, str]], run_python: Callable[..., Any]
) -> None:
    """Settings that cannot be read leave the DAGs as they are: their tasks say what is wrong, in one sentence."""
    dags = run_python(Path(__file__).with_name("describe_dags.py"), LABELHOUSE_SOURCES=sources)
    found = {name: dags[f"extract_{name}"] for name in expected}
    assert {name: (dag["cron"], dag["tasks"]["load"]["pool"]) for name, dag in found.items()} == expected
    assert {name: dag["tasks"]["plan"]["pool"] for name, dag in found.items()} == {
        name: pool for name, (_, pool) in expected.items()
    }


def test_builds_start_on_any_table_that_loads_write_one_at_a_time(dags: dict[str, Any]) -> None:
    dag = dags["build_marts"]
    written = {name for name, table in TABLES.items() if not table.is_history}
    assert dag["assets"] == sorted(f"x-labelhouse://raw/{table}" for table in written)
    assert {table for source in all_sources().values() for table in source.tables} <= written
    assert dag["max_active_runs"] == 1


def test_a_build_checks_before_and_after_dbt_and_publishes_last(dags: dict[str, Any]) -> None:
    tasks = dags["build_marts"]["tasks"]
    chain = ["wait_for_loads"]
    steps = ["prepare", "check_inputs", "run_dbt", "check_marts", "publish", "look_again", "build_again"]
    for step in steps:
        assert step in tasks[chain[-1]]["downstream"]
        chain.append(step)
    assert set(chain) == set(tasks)
    assert tasks["build_again"]["downstream"] == []


def test_a_hold_is_released_from_a_form_and_the_build_goes_on_from_there(dags: dict[str, Any]) -> None:
    dag = dags["release_hold"]
    assert dag["timetable"] == "NullTimetable"
    assert dag["max_active_runs"] == 1
    schemas = {name: param["schema"] for name, param in dag["params"].items()}
    assert set(schemas) == {"reason", "build_id", "hours"}
    assert (schemas["reason"]["type"], schemas["reason"]["minLength"]) == ("string", 1)
    assert schemas["build_id"]["type"] == ["null", "string"]
    assert (schemas["hours"]["minimum"], dag["params"]["hours"]["value"]) == (0, 0)
    chain = ["release", "check_inputs", "run_dbt", "check_marts", "publish", "look_again", "build_again"]
    assert set(dag["tasks"]) == set(chain)
    for before, after in pairwise(chain):
        assert after in dag["tasks"][before]["downstream"]
