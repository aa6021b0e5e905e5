"""What is refused at start: names that are not there, in one sentence with the nearest right ones, before any data."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from labelhouse.checks import EXPECTATIONS_DIR, run_suite, validate_definitions
from labelhouse.checks.contracts import empty_build, mart_columns, partial_marts
from labelhouse.checks.definitions import definitions
from labelhouse.checks.generate import installed
from labelhouse.checks.suites import suite_files
from labelhouse.checks.vocabulary import vocabulary
from labelhouse.errors import LabelhouseError
from labelhouse.settings import PROJECT_DIR, Settings

EVENTS = "inputs/worker_events.yaml"
TASKS = "marts/fct_task.yaml"

#: File · what stands there · what is written instead · the sentence, from the file's name on.
WRONG = {
    "a column of a frame": (
        EVENTS,
        "column: odd_ratio",
        "column: od_ratio",
        ", expectation 11: unknown column: 'od_ratio' (allowed: odd_ratio, ",
    ),
    "a column of a mart": (
        TASKS,
        "column: idle_seconds",
        "column: idle_secs",
        ", expectation 10: unknown column: 'idle_secs' (allowed: idle_seconds, ",
    ),
    "a column in a frame's SQL": (
        EVENTS,
        "count(distinct activity_id)",
        "count(distinct activity)",
        ': the frame keys cannot be read (Binder Error: Referenced column "activity" not found',
    ),
    "a table in a frame's SQL": (
        TASKS,
        "from raw.worker_responses",
        "from raw.worker_response",
        ": the frame captured cannot be read (Catalog Error: Table with name worker_response does not exist",
    ),
    "a macro": (
        EVENTS,
        "from volume(",
        "from volumes(",
        ": the frame volume cannot be read (Catalog Error: Table Function with name volumes does not exist",
    ),
    "an expectation": (
        EVENTS,
        "expect_table_columns_to_match_set",
        "expect_table_columns_match_set",
        ", expectation 1: unknown expectation: 'expect_table_columns_match_set' (allowed: "
        "expect_table_columns_to_match_set, ",
    ),
    "an argument": (
        EVENTS,
        "column_set:",
        "columns_set:",
        ", expectation 1: unknown key: 'columns_set' (allowed: ",
    ),
    "a parameter": (
        EVENTS,
        "{$PARAMETER: latest_event_at}",
        "{$PARAMETER: last_event_at}",
        ", expectation 8: unknown parameter: 'last_event_at' (allowed: latest_event_at, ",
    ),
    "a threshold in a sentence": (
        EVENTS,
        "within {volume_deviations}",
        "within {volume_deviation}",
        ", expectation 15: its sentence cannot be filled in ('volume_deviation') (allowed: volume_deviations, ",
    ),
    "a frame": (
        EVENTS,
        "frame: pseudonyms",
        "frame: pseudonym",
        ", expectation 13: unknown frame: 'pseudonym' (allowed: ",
    ),
    "a threshold with the name of a setting": (
        EVENTS,
        "thresholds:\n",
        "thresholds:\n  retained_releases: 3\n",
        ": threshold not allowed: 'retained_releases' (allowed: a name of its own",
    ),
    "a threshold that is no number": (
        EVENTS,
        "stale_hours: 72",
        "stale_hours: three",
        ": stale_hours: Input should be a valid number",
    ),
    "a name that another check has": (
        EVENTS,
        "  - expect: expect_table_columns_to_match_set",
        "  - name: one\n    expect: expect_table_row_count_to_be_between\n    severity: warn\n    sentence: So.\n"
        "    what_to_do: Look.\n  - name: one\n    expect: expect_table_columns_to_match_set",
        ", expectation 2: another check has that name: 'one'",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of what ships."""
    return Path(shutil.copytree(EXPECTATIONS_DIR, tmp_path / "expectations"))


@pytest.fixture
def refused(folder: Path, settings: Settings) -> Callable[[], str]:
    """The sentence that the copy is refused with."""

    def sentence() -> str:
        with pytest.raises(LabelhouseError) as raised:
            validate_definitions(settings, expectations_dir=folder)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    return sentence


def test_what_ships_is_understood(settings: Settings) -> None:
    validate_definitions(settings)


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_name_is_refused_with_the_nearest(name: str, folder: Path, refused: Callable[[], str]) -> None:
    file, right, wrong, sentence = WRONG[name]
    text = (folder / file).read_text()
    assert right in text
    (folder / file).write_text(text.replace(right, wrong, 1))
    assert refused().startswith(f"expectations/{file}{sentence}")


def test_a_file_of_no_table_is_refused(folder: Path, refused: Callable[[], str]) -> None:
    (folder / EVENTS).rename(folder / "inputs" / "worker_event.yaml")
    assert refused().startswith(
        "expectations/inputs/worker_event.yaml: unknown table: 'worker_event' (allowed: worker_events, "
    )


def test_a_table_without_a_file_is_refused(folder: Path, refused: Callable[[], str]) -> None:
    (folder / TASKS).unlink()
    assert refused() == f"expectations/{TASKS}: the table has no expectations (allowed: a file of that name)"


def test_a_threshold_that_no_file_declares_is_refused(settings: Settings) -> None:
    wrong = settings.model_copy(update={"check_thresholds": {"worker_events.stale_hour": 48.0}})
    with pytest.raises(
        LabelhouseError, match=r"unknown threshold: 'worker_events\.stale_hour' \(allowed: worker_events"
    ):
        validate_definitions(wrong)


def test_a_deployment_has_thresholds_of_its_own(settings: Settings) -> None:
    own = settings.model_copy(update={"check_thresholds": {"worker_events.stale_hours": 48.0}})
    validate_definitions(own)
    sentence = "The newest unit of worker_activity is at most {} hours old."
    with empty_build() as build:
        for given, hours in ((settings, 72), (own, 48)):
            sentences = {result.sentence for result in run_suite(build, "inputs", given)}
            assert sentence.format(hours) in sentences
            assert sentence.format(hours) in {each.sentence for each in definitions(given)}


def test_definitions_are_all_checks_and_the_same_every_time(settings: Settings) -> None:
    found = definitions(settings)
    assert found == definitions(settings)
    assert {each.suite for each in found} >= {"inputs", "marts"}
    names = [(each.suite, each.table_name, each.check_name) for each in found]
    assert len(set(names)) == len(names)


def test_names_of_checks_are_those_of_their_results(settings: Settings) -> None:
    with empty_build() as build:
        results = run_suite(build, "inputs", settings)
    expected = {
        (each.table_name, each.check_number): each.check_name
        for each in definitions(settings)
        if each.suite == "inputs"
    }
    assert {(each.table_name, each.check_number): each.check_name for each in results} == expected


def test_the_vocabulary_is_that_of_the_installed_great_expectations() -> None:
    """Where it is not: `python -m labelhouse.checks.generate`."""
    assert vocabulary() == installed()


def test_marts_have_the_columns_of_their_contracts() -> None:
    assert suite_files(EXPECTATIONS_DIR / "marts").keys() == mart_columns().keys()
    assert {"fct_metric_point", "fct_task"} <= partial_marts() < mart_columns().keys()


LIGHT = """
import sys
from labelhouse.checks import validate_definitions
from labelhouse.settings import Settings
validate_definitions(Settings())
print([name for name in ("great_expectations", "pandas", "scipy", "airflow") if name in sys.modules])
"""


def test_great_expectations_is_not_needed(tmp_path: Path) -> None:
    """Its import takes seconds, and every build starts with this."""
    done = subprocess.run(
        [sys.executable, "-c", LIGHT],
        env={"PYTHONPATH": str(PROJECT_DIR / "plugins"), "LABELHOUSE_LAKE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr
