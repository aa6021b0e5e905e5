"""The gate: whatever is wrong with the data, or with the checks themselves, holds the publication."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import yaml

from checked_build import CANARY, fill, open_build
from labelhouse.checks import EXPECTATIONS_DIR, CheckResult, SuiteName, holds, run_suite
from labelhouse.checks.suites import KEY_COLUMNS, suite_files
from labelhouse.schema.tables import TABLES
from labelhouse.settings import Settings, load_settings

SPOKEN = {"severity": "warn", "sentence": "So it is.", "what_to_do": "Look."}
THERE = SPOKEN | {"expect": "expect_column_values_to_not_be_null", "column": "label"}
FEW = SPOKEN | {"expect": "expect_column_values_to_be_between", "column": "number", "max_value": 1, "severity": "hold"}
#: Text is in no range of numbers: this one crashes inside Great Expectations, with the text in its message.
CRASHING = SPOKEN | {"expect": "expect_column_values_to_be_between", "column": "label", "min_value": 1}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake")


@pytest.fixture
def build() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"create table fct_thing as select '{CANARY}' as label, 2 as number")
        yield connection


def write(folder: Path, table: str, *entries: dict[str, Any], **keys: Any) -> Path:
    """A file of the suite `marts` below `folder`."""
    file = {"description": "A thing.", "rows": "all", **keys, "expectations": list(entries)}
    path = folder / "marts" / f"{table}.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(file))
    return folder


def errors(results: list[CheckResult]) -> list[str | None]:
    """Why the publication is held; each of these results must hold it, and none may quote data."""
    assert CANARY not in repr(results)
    return [result.error for result in holds(results)]


def test_a_failing_check_holds_and_a_warning_does_not(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path
) -> None:
    folder = write(tmp_path, "fct_thing", THERE, FEW, FEW | {"severity": "warn"})
    results = run_suite(build, "marts", settings, expectations_dir=folder)
    assert [result.is_success for result in results] == [True, False, False]
    (held,) = holds(results)
    assert (held.check_number, held.unexpected_count, held.error) == (1, 1, None)
    assert held.finding == "Not met by 1 of 1 rows."
    build.execute("update fct_thing set number = 1")
    assert holds(run_suite(build, "marts", settings, expectations_dir=folder)) == []


def test_a_crashing_check_holds_even_where_it_would_only_warn(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path
) -> None:
    folder = write(tmp_path, "fct_thing", THERE, CRASHING, THERE)
    results = run_suite(build, "marts", settings, expectations_dir=folder)
    assert [result.is_success for result in results] == [True, False, True], "the others are evaluated all the same"
    assert errors(results) == ["Great Expectations crashed (TypeError; its message may quote data and is left out)"]


def test_a_crash_as_a_whole_holds(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch

    def crash(*_: Any, **__: Any) -> None:
        raise MemoryError(CANARY)

    monkeypatch.setattr(Batch, "validate", crash)
    results = run_suite(build, "marts", settings, expectations_dir=write(tmp_path, "fct_thing", THERE, FEW))
    assert (
        errors(results) == ["Great Expectations crashed (MemoryError; its message may quote data and is left out)"] * 2
    )


def test_great_expectations_that_evaluates_nothing_holds(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from great_expectations.datasource.fluent.interfaces import Batch

    monkeypatch.setattr(Batch, "validate", lambda *_, **__: SimpleNamespace(success=True, results=[]))
    results = run_suite(build, "marts", settings, expectations_dir=write(tmp_path, "fct_thing", THERE))
    assert errors(results) == ["Great Expectations evaluated nothing"]


def test_great_expectations_that_cannot_be_imported_holds(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "great_expectations", None)
    results = run_suite(build, "marts", settings, expectations_dir=write(tmp_path, "fct_thing", THERE))
    assert errors(results) == [
        "nothing was checked (ModuleNotFoundError: import of great_expectations halted; None in sys.modules)"
    ]


def test_a_table_without_checks_holds(build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path) -> None:
    build.execute("create table dim_thing as select 1 as number; create view stg_thing as select 1 as number")
    folder = write(tmp_path, "fct_thing", THERE)
    assert errors(run_suite(build, "marts", settings, expectations_dir=folder)) == [
        f"{tmp_path.name}/marts/dim_thing.yaml: the table has no expectations (allowed: a file of that name)"
    ]
    write(tmp_path, "dim_thing")
    results = run_suite(build, "marts", settings, expectations_dir=folder)
    assert errors(results) == [f"{tmp_path.name}/marts/dim_thing.yaml: expectations is empty"]


def test_no_checks_at_all_hold(settings: Settings, tmp_path: Path) -> None:
    with duckdb.connect() as empty:
        results = run_suite(empty, "marts", settings, expectations_dir=tmp_path)
        assert errors(results) == ["there is nothing to check"]
        looked_at = [table for table in TABLES.values() if not table.is_history]
        assert len(holds(run_suite(empty, "inputs", settings, expectations_dir=tmp_path))) == len(looked_at)


@pytest.mark.parametrize("suite", ["inputs", "marts"])
def test_an_empty_build_file_holds(suite: SuiteName, settings: Settings) -> None:
    with duckdb.connect() as empty:
        results = run_suite(empty, suite, settings)
        assert {result.table_name for result in results} == suite_files(EXPECTATIONS_DIR / suite).keys()
        assert holds(results) == results
        assert all("cannot be read (CatalogException: " in str(result.error) for result in results)


def test_a_closed_build_file_holds(settings: Settings) -> None:
    closed = duckdb.connect()
    closed.close()
    for suite in ("inputs", "marts"):
        results = run_suite(closed, suite, settings)
        assert results
        assert holds(results) == results


def test_a_missing_file_of_the_lake_holds_and_is_named(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path
) -> None:
    lost = tmp_path / "00000-0-lost.parquet"
    build.execute(f"copy fct_thing to '{lost}'; create view fct_lost as from '{lost}'")
    lost.unlink()
    write(tmp_path, "fct_thing", THERE)
    (error,) = errors(run_suite(build, "marts", settings, expectations_dir=write(tmp_path, "fct_lost", THERE)))
    assert error is not None
    assert error.startswith("fct_lost cannot be read (IOException: ")
    assert str(lost) in error


def test_a_frame_that_cannot_be_read_holds_without_quoting_data(
    build: duckdb.DuckDBPyConnection, settings: Settings, tmp_path: Path
) -> None:
    frames = {"whole": "select label::int as number from fct_thing", "wrong": "select nothing as number from fct_thing"}
    entries = [FEW | {"frame": name} for name in frames]
    folder = write(tmp_path, "fct_thing", THERE, *entries, frames=frames)
    results = run_suite(build, "marts", settings, expectations_dir=folder)
    assert errors(results) == [
        "the frame whole cannot be read (ConversionException)",
        'the frame wrong cannot be read (BinderException: Binder Error: Referenced column "nothing" not found in FROM '
        "clause!)",
    ]


MANIFEST = "s3://bucket/Pets/manifests/output/output.manifest"


def deliver(build: duckdb.DuckDBPyConnection, version: str, **counts: int) -> None:
    """A newer version of the manifest: its ledger row, and what it quarantined."""
    records = {f"records_{name}": counts.get(name, 0) for name in ("loaded", "duplicate", "quarantined", "filtered")}
    values = ", ".join(f"{value} as {name}" for name, value in records.items())
    build.execute(
        f"""
        insert into raw.ingest_ledger
        select * replace (
            ? as unit_version, loaded_at + interval '1 hour' as loaded_at,
            {sum(records.values())} as records_read, {values}
        )
        from raw.ingest_ledger
        where unit_uri = '{MANIFEST}'
        order by loaded_at desc
        limit 1
        """,
        [version],
    )
    build.execute(
        """
        insert into raw.quarantine by name
        select ? as unit_uri, ? as unit_version, i::varchar as position, 'labeling_output' as source_name,
            'not JSON' as reason
        from range(?) as records (i)
        """,
        [MANIFEST, version, records["records_quarantined"]],
    )


def losses(build: duckdb.DuckDBPyConnection, settings: Settings) -> list[str | None]:
    """The units of which labels were lost, as the shipped checks name them."""
    held = holds(run_suite(build, "inputs", settings))
    assert all(result.sentence.startswith("No labels were lost") for result in held)
    return [result.observed_value for result in held]


def test_a_rewritten_manifest_with_fewer_labels_holds_until_they_are_back(settings: Settings) -> None:
    named = [f'[{{"unit_uri": "{MANIFEST}"}}]']
    with open_build() as build:
        fill(build, objects=100)
        assert losses(build, settings) == []
        deliver(build, "v2", loaded=110, filtered=5)
        assert losses(build, settings) == [], "a running job's manifest grows"
        deliver(build, "v3", loaded=105, filtered=10)
        assert losses(build, settings) == named
        deliver(build, "v4", loaded=106, filtered=9)
        assert losses(build, settings) == named, "a rewrite does not bring back what the one before it lost"
        deliver(build, "v5", loaded=110)
        assert losses(build, settings) == []


def test_what_is_in_quarantine_or_elsewhere_is_not_lost(settings: Settings) -> None:
    with open_build() as build:
        fill(build, objects=100)
        deliver(build, "v2", loaded=98, quarantined=2)
        assert losses(build, settings) == [], "below the threshold quarantine is a warning"
        deliver(build, "v3", duplicate=100)
        assert losses(build, settings) == []
        deliver(build, "v3", loaded=99, filtered=1)
        assert losses(build, settings) == [f'[{{"unit_uri": "{MANIFEST}"}}]']


@pytest.mark.parametrize(("bad", "is_held"), [(0, False), (1, False), (5, False), (6, True), (100, True)])
def test_quarantine_above_the_threshold_holds_and_below_it_warns(bad: int, is_held: bool, settings: Settings) -> None:
    with open_build() as build:
        fill(build, objects=100, answers_each=0)
        deliver(build, "v2", loaded=100 - bad, quarantined=bad)
        results = run_suite(build, "inputs", settings)
        warned = [each.sentence for each in results if each.verdict == "not_met" and each.severity == "warn"]
        assert warned == (["No record is in quarantine."] if bad else [])
        assert bool(holds(results)) == is_held
        tolerant = settings.model_copy(update={"hold_quarantined_ratio": 1.0})
        assert holds(run_suite(build, "inputs", tolerant)) == []


def test_no_identity_is_in_any_result(settings: Settings) -> None:
    """Every text of every table holds an identity, and so does nothing that leaves."""
    with open_build() as build:
        fill(build)
        texts = build.execute(
            "select table_schema, table_name, column_name from information_schema.columns "
            "where table_schema in ('raw', 'main') and data_type = 'VARCHAR' and table_name not in ('days') "
            "and not list_contains($names, column_name)",
            {"names": sorted(KEY_COLUMNS)},  # those that may name a row
        ).fetchall()
        for schema, table, column in texts:
            build.execute(f'update {schema}.{table} set "{column}" = ? || "{column}"', [CANARY])
        results = run_suite(build, "inputs", settings) + run_suite(build, "marts", settings)
    assert len(texts) > 30
    assert [result.error for result in results if result.error] == []
    assert len(holds(results)) > 3
    assert CANARY not in repr(results)
