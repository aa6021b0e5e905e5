"""What Great Expectations is asked, what it sees, and what of its answers leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from checked_build import CANARY
from labelhouse.checks import CheckResult, run_suite
from labelhouse.checks.results import as_json
from labelhouse.settings import PROJECT_DIR, Settings

Check = dict[str, Any]
Checker = Callable[..., list[CheckResult]]

THINGS = f"""
    create table fct_thing as
    select
        i as number,
        if(i = 3, null, i / 4) as share_ratio,
        (i / 2)::decimal(18, 3) as time_spent_seconds,
        '{CANARY}' as label,
        'w' || i as worker_id,
        'job ' || i as labeling_job_name,
        date '2026-03-01' + i::int as event_date,
        timestamptz '2026-03-01 00:00:00+00' + to_hours(i) as event_at,
        i % 2 = 0 as is_even,
        [i, i] as numbers,
        if(i = 1, null, 'x'::blob) as raw_bytes
    from range(8) as things (i)
"""


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(THINGS)
        yield connection


@pytest.fixture
def check(build: duckdb.DuckDBPyConnection, tmp_path: Path, settings: Settings) -> Checker:
    """Evaluates entries of one file, which need to name nothing but the expectation and its arguments."""

    def run(*entries: Check, **keys: Any) -> list[CheckResult]:
        spoken = {"severity": "hold", "sentence": "So it is.", "what_to_do": "Look."}
        file = {"description": "A thing.", "rows": "all", **keys, "expectations": [spoken | each for each in entries]}
        (tmp_path / "marts").mkdir(exist_ok=True)
        (tmp_path / "marts" / "fct_thing.yaml").write_text(yaml.safe_dump(file))
        results = run_suite(build, "marts", settings, expectations_dir=tmp_path)
        assert len(results) == len(entries)
        return results

    return run


def column(kind: str, name: str, **arguments: Any) -> Check:
    return {"expect": f"expect_column_{kind}", "column": name, **arguments}


#: A check that fails on `fct_thing` · rows looked at, rows that fail, what is seen instead.
FAILING = [
    (column("values_to_not_be_null", "share_ratio"), (8, 1, None)),
    (column("values_to_be_null", "share_ratio"), (8, 7, None)),
    (column("values_to_be_between", "share_ratio", max_value=1), (8, 3, None)),
    (column("values_to_be_between", "time_spent_seconds", min_value=1), (8, 2, None)),
    (column("values_to_be_between", "number", min_value=1, max_value=6), (8, 2, None)),
    (column("values_to_be_between", "event_at", max_value="2026-03-01T05:00:00Z"), (8, 2, None)),
    (column("values_to_be_between", "event_date", max_value="2026-03-05T00:00:00Z"), (8, 3, None)),
    (column("values_to_be_in_set", "worker_id", value_set=["w1"]), (8, 7, None)),
    (column("values_to_not_be_in_set", "worker_id", value_set=["w1"]), (8, 1, None)),
    (column("values_to_be_in_set", "is_even", value_set=[True]), (8, 4, None)),
    (column("values_to_be_unique", "label"), (8, 8, None)),
    (column("values_to_match_regex", "label", regex="^x"), (8, 8, None)),
    (column("values_to_not_match_regex", "label", regex="@"), (8, 8, None)),
    (column("value_lengths_to_be_between", "label", max_value=3), (8, 8, None)),
    (column("value_lengths_to_equal", "label", value=3), (8, 8, None)),
    (column("values_to_not_be_null", "raw_bytes"), (8, 1, None)),
    (column("values_to_be_null", "numbers"), (8, 8, None)),
    (column("distinct_values_to_be_in_set", "label", value_set=["x"]), (None, 1, None)),
    (column("distinct_values_to_contain_set", "label", value_set=["x"]), (None, None, None)),
    (column("most_common_value_to_be_in_set", "label", value_set=["x"]), (None, None, None)),
    (column("max_to_be_between", "number", max_value=5), (None, None, "7")),
    (column("min_to_be_between", "number", min_value=5), (None, None, "0")),
    (column("max_to_be_between", "event_at", max_value="2026-03-01T00:00:00Z"), (None, None, None)),
    (column("mean_to_be_between", "number", max_value=1), (None, None, "3.5")),
    (column("sum_to_be_between", "time_spent_seconds", max_value=1), (None, None, "14.0")),
    (column("unique_value_count_to_be_between", "label", min_value=2), (None, None, "1")),
    (
        column(
            "quantile_values_to_be_between", "number", quantile_ranges={"quantiles": [0.5], "value_ranges": [[9, 9]]}
        ),
        (None, None, '{"quantiles": [0.5], "values": [4]}'),
    ),
    (
        {"expect": "expect_compound_columns_to_be_unique", "column_list": ["label", "is_even"]},
        (8, 8, None),
    ),
    (
        {"expect": "expect_column_pair_values_to_be_equal", "column_A": "number", "column_B": "share_ratio"},
        (8, 7, None),
    ),
    (
        {
            "expect": "expect_column_pair_values_a_to_be_greater_than_b",
            "column_A": "time_spent_seconds",
            "column_B": "number",
            "or_equal": True,
        },
        (8, 7, None),
    ),
    (
        {"expect": "expect_multicolumn_sum_to_equal", "column_list": ["number", "time_spent_seconds"], "sum_total": 3},
        (8, 7, None),
    ),
    ({"expect": "expect_table_row_count_to_be_between", "min_value": 9}, (None, None, "8")),
    ({"expect": "expect_table_column_count_to_equal", "value": 1}, (None, None, "11")),
]


@pytest.mark.parametrize(("entry", "found"), FAILING, ids=lambda value: str(value)[:80])
def test_what_fails_is_counted_and_no_value_leaves(check: Checker, entry: Check, found: tuple[Any, ...]) -> None:
    (result,) = check(entry)
    assert result.error is None
    assert not result.is_success
    assert (result.element_count, result.unexpected_count, result.observed_value) == found
    assert CANARY not in repr(result)


def test_all_at_once_is_the_same_as_one_by_one(check: Checker) -> None:
    results = check(*(entry for entry, _ in FAILING))
    for result, (entry, found) in zip(results, FAILING, strict=True):
        assert result.expectation_type == entry["expect"]
        assert (result.element_count, result.unexpected_count, result.observed_value) == found


def test_column_names_are_no_values(check: Checker) -> None:
    names = {"expect": "expect_table_columns_to_match_set", "column_set": ["number", "gone"]}
    (result,) = check(names)
    assert result.observed_value is not None
    assert set(json.loads(result.observed_value)) >= {"number", "label"}


def test_keys_name_failing_rows_without_their_values(check: Checker) -> None:
    entry = column("values_to_be_in_set", "label", value_set=["x"], keys=["labeling_job_name", "event_date"])
    (result,) = check(entry)
    assert result.observed_value is not None
    keys = json.loads(result.observed_value)
    assert len(keys) == 5
    assert keys[0] == {"labeling_job_name": "job 0", "event_date": "2026-03-01 00:00:00+00:00"}
    assert result.finding == f"Not met by 8 of 8 rows: {result.observed_value}."


def test_the_right_rows_are_named(check: Checker) -> None:
    entry = column("values_to_be_between", "share_ratio", max_value=1, keys=["labeling_job_name"])
    (result,) = check(entry)
    assert result.observed_value == json.dumps([{"labeling_job_name": f"job {i}"} for i in (5, 6, 7)])


def test_the_same_expectation_twice_is_evaluated_twice(check: Checker) -> None:
    entry = column("values_to_be_between", "share_ratio", max_value=1)
    first, second, third = check(entry | {"severity": "warn"}, entry, entry | {"mostly": 0.5})
    assert (first.severity, first.unexpected_count) == ("warn", 3)
    assert (second.severity, second.unexpected_count) == ("hold", 3)
    assert third.is_success


@pytest.mark.parametrize("number", ["nan", "infinity", "-infinity"])
def test_what_is_no_number_is_in_no_range(check: Checker, build: duckdb.DuckDBPyConnection, number: str) -> None:
    build.execute(f"update fct_thing set share_ratio = '{number}' where number = 2")
    within, largest = check(
        column("values_to_be_between", "share_ratio", min_value=0, max_value=10),
        column("max_to_be_between", "share_ratio", max_value=1),
    )
    assert (within.is_success, within.unexpected_count) == (False, 1)
    assert largest.observed_value == ("1.75" if number == "-infinity" else '"Infinity"')


def test_what_was_observed_is_strict_json() -> None:
    assert as_json(float("nan")) == '"NaN"'
    assert as_json([1, float("-inf")]) == '[1, "-Infinity"]'
    assert as_json({"a": CANARY, "b": 2}) == '{"b": 2}'
    assert as_json([CANARY, 1]) is None
    assert as_json(None) is None


def test_no_changed_rows_are_no_fault(tmp_path: Path, settings: Settings) -> None:
    """A maximum of nothing is in every range, but where a table must have rows, having none is a fault."""
    entries = [
        column("max_to_be_between", "labeling_job_name", max_value=1),
        column("distinct_values_to_contain_set", "labeling_job_name", value_set=["x"]),
        {"expect": "expect_table_row_count_to_be_between", "min_value": 1},
    ]
    spoken = {"severity": "hold", "sentence": "So it is.", "what_to_do": "Look."}
    (tmp_path / "inputs").mkdir()
    found = {}
    with duckdb.connect() as build:
        build.execute("create schema raw; create schema changed; create table raw.thing (labeling_job_name varchar)")
        build.execute("create view changed.thing as from raw.thing")
        for rows in ("changed", "all"):
            file = {"description": "A thing.", "rows": rows, "expectations": [spoken | each for each in entries]}
            (tmp_path / "inputs" / "thing.yaml").write_text(yaml.safe_dump(file))
            results = run_suite(build, "inputs", settings, expectations_dir=tmp_path)
            found[rows] = [result.is_success for result in results if result.table_name == "thing"]
    assert found == {"changed": [True, True, False], "all": [False, False, False]}


def test_results_are_what_the_schema_stores() -> None:
    from dataclasses import fields

    from labelhouse.schema.quality import CHECK_RESULTS

    stored = set(CHECK_RESULTS.column_names) - {"build_id", "checked_at", "is_success", "finding"}
    assert {field.name for field in fields(CheckResult)} == stored | {"found"}


ALONE = """
import logging, os, socket, sys, tempfile, warnings
logging.basicConfig(level=logging.DEBUG)

def refuse(*_, **__):
    print("NETWORK")
    raise OSError("no network")

socket.socket.connect = socket.getaddrinfo = refuse
show_warning = warnings.showwarning

import labelhouse.checks
assert "great_expectations" not in sys.modules and "pandas" not in sys.modules

import duckdb
from pathlib import Path
from labelhouse.settings import Settings

with duckdb.connect() as build:
    build.execute("create table fct_thing as select 'canary.worker@example.com' as label")
    results = labelhouse.checks.run_suite(build, "marts", Settings(), expectations_dir=Path("expectations"))
assert [result.is_success for result in results] == [False, False], results
assert results[0].error and "canary" not in repr(results), results
assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
assert warnings.showwarning is show_warning
logging.captureWarnings(True)
assert warnings.showwarning is not show_warning
"""


def test_it_says_nothing_leaves_nothing_and_calls_nobody(tmp_path: Path) -> None:
    """A crash and a failure in a process that logs everything: no line, no file, no connection, no late import."""
    spoken = {"severity": "hold", "sentence": "So it is.", "what_to_do": "Look."}
    entries = [
        column("values_to_be_between", "label", min_value=1),
        column("values_to_be_in_set", "label", value_set=["x"]),
    ]
    file = {"description": "A thing.", "rows": "all", "expectations": [spoken | each for each in entries]}
    folder = tmp_path / "expectations" / "marts"
    folder.mkdir(parents=True)
    (folder / "fct_thing.yaml").write_text(yaml.safe_dump(file))
    (tmp_path / "tmp").mkdir()
    before = sorted(tmp_path.rglob("*"))
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(PROJECT_DIR / "plugins"),
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path / "tmp"),
        "PYTHONWARNINGS": "default",
    }
    done = subprocess.run(
        [sys.executable, "-c", ALONE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(tmp_path.rglob("*")) == before
