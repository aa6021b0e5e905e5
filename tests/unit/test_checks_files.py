"""Expectations files that say something that is not understood: one sentence each, and the publication is held."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from labelhouse.checks import holds, run_suite
from labelhouse.checks.parameters import parameters
from labelhouse.checks.suites import KEY_COLUMNS
from labelhouse.settings import Settings

HEAD = "description: One thing.\nrows: all\n"
CHECK = """
  - expect: expect_column_values_to_not_be_null
    column: labeling_job_name
    severity: hold
    sentence: It is there.
    what_to_do: Look.
"""
GOOD = f"{HEAD}expectations:{CHECK}"
FRAMED = f"{HEAD}frames:\n  few: select 1 as one\nexpectations:{CHECK}    frame: "
NUMBERS = ", ".join(sorted(parameters(Settings())))

#: A file · the sentence it gets, after its name.
NOT_UNDERSTOOD = {
    "an unknown key": (
        GOOD + "owner: me\n",
        ": unknown key: 'owner' (allowed: description, rows, thresholds, frames, expectations)",
    ),
    "an unknown severity": (
        GOOD.replace("severity: hold", "severity: fatal"),
        ", expectation 1: severity not allowed: 'fatal' (allowed: 'hold' or 'warn')",
    ),
    "unknown rows": (
        GOOD.replace("rows: all", "rows: some"),
        ": rows not allowed: 'some' (allowed: 'changed' or 'all')",
    ),
    "rows of another suite": (
        GOOD.replace("rows: all", "rows: changed"),
        ": rows not allowed in this suite: 'changed' (allowed: all)",
    ),
    "a missing sentence": (
        GOOD.replace("    sentence: It is there.\n", ""),
        ", expectation 1: the key 'sentence' is missing",
    ),
    "an empty sentence": (
        GOOD.replace("It is there.", "''"),
        ", expectation 1: sentence is empty",
    ),
    "no expectations": (
        HEAD + "expectations: []\n",
        ": expectations is empty",
    ),
    "an empty file": ("", ": should be keys and their values"),
    "text": ("checks", ": should be keys and their values"),
    "a key twice": (
        GOOD.replace("    severity: hold\n", "    severity: hold\n    severity: warn\n"),
        ": is no YAML that can be read (the key 'severity' stands there twice, line 4)",
    ),
    "an entry that is text": (HEAD + "expectations: [look]\n", ", expectation 1: should be keys and their values"),
    "an object of Python": (
        "!!python/object/apply:os.getcwd []",
        ": is no YAML that can be read (could not determine a constructor for the tag "
        "'tag:yaml.org,2002:python/object/apply:os.getcwd', line 1)",
    ),
    "an unknown frame": (FRAMED + "many\n", ", expectation 1: unknown frame: 'many' (allowed: few)"),
    "a frame where there are none": (
        GOOD + "    frame: many\n",
        ", expectation 1: unknown frame: 'many' (allowed: none)",
    ),
    "an unknown parameter": (
        GOOD + "    mostly: {$PARAMETER: share}\n",
        f", expectation 1: unknown parameter: 'share' (allowed: {NUMBERS})",
    ),
    "a secret as a parameter": (
        GOOD + "    mostly: {$PARAMETER: pseudonym_key}\n",
        f", expectation 1: unknown parameter: 'pseudonym_key' (allowed: {NUMBERS})",
    ),
    "a sentence that cannot be filled in": (
        GOOD.replace("It is there.", "'{share} is there.'"),
        f", expectation 1: its sentence cannot be filled in ('share') (allowed: {NUMBERS})",
    ),
    "a row named by who made it": (
        GOOD + "    keys: [worker_id]\n",
        f", expectation 1: keys: 'worker_id' may not name a row (allowed: {', '.join(sorted(KEY_COLUMNS))})",
    ),
    "an unknown expectation": (
        GOOD.replace("not_be_null", "not_be_nil"),
        ", expectation 1: unknown expectation: 'expect_column_values_to_not_be_nil' (allowed: "
        "expect_column_values_to_not_be_null, expect_column_values_to_not_be_in_set, "
        "expect_column_values_to_be_null and 56 others of Great Expectations)",
    ),
    "an unknown argument": (
        GOOD + "    at_least: 0.9\n",
        ", expectation 1: unknown key: 'at_least' (allowed: expect, severity, sentence, what_to_do, frame, keys, "
        "name, at_least_rows, column, mostly)",
    ),
    "a condition that pandas would evaluate": (
        GOOD + "    row_condition: __import__('os')\n",
        ", expectation 1: unknown key: 'row_condition' (allowed: expect, severity, sentence, what_to_do, frame, keys, "
        "name, at_least_rows, column, mostly)",
    ),
    "a value out of range": (
        GOOD + "    mostly: 95\n",
        ", expectation 1: mostly: ensure this value is less than or equal to 1.0: "
        "'expect_column_values_to_not_be_null'",
    ),
    "an unknown column": (
        GOOD.replace("labeling_job_name", "job"),
        ", expectation 1: unknown column: 'job' (allowed: labeling_job_name, answer_count)",
    ),
    "a column of the table in a frame": (
        FRAMED + "few\n",
        ", expectation 1: unknown column: 'labeling_job_name' (allowed: one)",
    ),
}


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create table fct_thing as select 'a' as labeling_job_name, 1 as answer_count")
        yield connection


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "expectations" / "marts").mkdir(parents=True)
    return tmp_path / "expectations" / "marts" / "fct_thing.yaml"


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
def test_one_sentence_names_the_file_and_what_is_allowed(
    build: duckdb.DuckDBPyConnection, path: Path, name: str, settings: Settings
) -> None:
    text, sentence = NOT_UNDERSTOOD[name]
    path.write_text(text)
    (result,) = run_suite(build, "marts", settings, expectations_dir=path.parents[1])
    assert result.error == f"expectations/marts/fct_thing.yaml{sentence}"
    assert holds([result]) == [result]


def test_a_file_that_is_not_text_is_held(build: duckdb.DuckDBPyConnection, path: Path, settings: Settings) -> None:
    path.write_bytes(b"\xff\xfe")
    (result,) = run_suite(build, "marts", settings, expectations_dir=path.parents[1])
    assert result.error is not None
    assert result.error.startswith("expectations/marts/fct_thing.yaml: cannot be read ('utf-8' codec can't decode")
    assert result.what_to_do == "Correct expectations/marts/fct_thing.yaml and build again."
    assert holds([result]) == [result]


def test_one_bad_entry_leaves_the_others_evaluated(
    build: duckdb.DuckDBPyConnection, path: Path, settings: Settings
) -> None:
    path.write_text(GOOD + CHECK.replace("labeling_job_name", "job") + CHECK.replace("hold", "warn"))
    results = run_suite(build, "marts", settings, expectations_dir=path.parents[1])
    assert [result.is_success for result in results] == [True, False, True]
    assert [result.check_number for result in holds(results)] == [1]


def test_numbers_of_the_settings_are_filled_in(build: duckdb.DuckDBPyConnection, path: Path) -> None:
    bounds = "    max_value: {$PARAMETER: hold_quarantined_ratio}\n    min_value: 0\n"
    text = GOOD.replace("to_not_be_null", "to_be_between").replace("labeling_job_name", "answer_count") + bounds
    path.write_text(text.replace("It is there.", "At most {hold_quarantined_ratio:.1%}."))
    for ratio, expected in ((1.0, "At most 100.0%."), (0.125, "At most 12.5%.")):
        settings = Settings(hold_quarantined_ratio=ratio)
        (result,) = run_suite(build, "marts", settings, expectations_dir=path.parents[1])
        assert (result.sentence, result.is_success) == (expected, ratio == 1.0)
