"""Runs the checks of one suite on a build. Whatever goes wrong in here is a result that holds the publication."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from labelhouse.checks.evaluate import Evaluator, Expected, Outcome
from labelhouse.checks.frames import Rows, table_relation
from labelhouse.checks.results import CheckResult
from labelhouse.checks.suites import (
    SUITES,
    Check,
    SuiteError,
    SuiteName,
    TableSuite,
    place,
    read_suite,
    shown,
    suite_files,
)
from labelhouse.schema.tables import TABLES
from labelhouse.settings import PROJECT_DIR, Settings

EXPECTATIONS_DIR = PROJECT_DIR / "expectations"

#: How far ahead a clock may be: what happened later than that has a wrong time.
CLOCK_SKEW = timedelta(hours=2)
#: Errors that speak of SQL, files and modules; the messages of others may quote values and are left out.
_SPEAKING_ERRORS = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.IOException,
    duckdb.ParserException,
    ImportError,
    OSError,
)
_MARTS = "select table_name from information_schema.tables where table_schema = 'main' and table_name ~ '(dim|fct)_.*'"


def run_suite(
    connection: duckdb.DuckDBPyConnection,
    suite: SuiteName,
    settings: Settings,
    *,
    expectations_dir: Path = EXPECTATIONS_DIR,
) -> list[CheckResult]:
    """Evaluates every check of every table of a suite, in the order of tables and files.

    Never raises for what it finds: a file that is not understood, a table without one, a table that cannot be
    read, a crash of Great Expectations and a suite without a single check are results with `error` set and
    severity `hold`.

    Args:
        connection: to the build file (schemas `raw`, `changed` and `main`); read-only will do.
        suite: `inputs` before dbt, `marts` after it.
        settings: whose numbers the checks may name.
        expectations_dir: holds `<suite>/<table>.yaml`.
    """
    files = suite_files(expectations_dir / suite)
    try:
        tables = sorted(files.keys() | _tables_to_check(connection, suite))
        evaluator = Evaluator()
    except Exception as error:
        return [_unchecked(suite, "", f"nothing was checked ({_reason(error)})", "Mend the error and build again.")]
    parameters = _parameters(settings)
    results: list[CheckResult] = []
    for table in tables:
        path = files.get(table, expectations_dir / suite / f"{table}.yaml")
        known = parameters | _schema_parameters(table)
        try:
            checks = read_suite(path, known)
        except SuiteError as error:
            results.append(_unchecked(suite, table, str(error), f"Correct {shown(path)} and build again."))
        else:
            results += _check_table(connection, evaluator, path, checks, known)
    return results or [_unchecked(suite, "", "there is no table to check", "Look into the build: it should have some.")]


def _check_table(
    connection: duckdb.DuckDBPyConnection,
    evaluator: Evaluator,
    path: Path,
    table_suite: TableSuite,
    parameters: Mapping[str, Any],
) -> list[CheckResult]:
    suite, table = path.parent.name, path.stem
    by_frame: dict[str | None, dict[int, Check]] = defaultdict(dict)
    for number, check in enumerate(table_suite.expectations):
        by_frame[check.frame][number] = check
    outcomes: dict[int, Outcome] = {}
    for frame, checks in by_frame.items():
        if frame is None:
            relation = table_relation(SUITES[suite][table_suite.rows], table)
        else:
            relation = f"({table_suite.frames[frame].strip().rstrip(';')})"
        try:
            with Rows(connection, relation) as rows:
                found = _evaluate(rows, evaluator, checks, parameters, shown(path))
                if frame is None and table_suite.rows == "changed" and rows.count == 0:
                    found = {number: _vacuous(outcome, checks[number]) for number, outcome in found.items()}
        except Exception as error:
            what = table if frame is None else f"the frame {frame}"
            found = dict.fromkeys(checks, Outcome(False, error=f"{what} cannot be read ({_reason(error)})"))
        outcomes |= found
    return [
        _result(suite, table, number, check, outcomes[number], parameters)
        for number, check in enumerate(table_suite.expectations)
    ]


def _evaluate(
    rows: Rows, evaluator: Evaluator, checks: Mapping[int, Check], parameters: Mapping[str, Any], where: str
) -> dict[int, Outcome]:
    """Check number → outcome, for the checks of one table or frame, those of the same columns together."""
    outcomes: dict[int, Outcome] = {}
    by_columns: dict[tuple[str, ...], list[Expected]] = defaultdict(list)
    for number, check in checks.items():
        try:
            rows.require(check, place(where, number))
            expected = evaluator.expected(check, number, place(where, number))
        except SuiteError as error:
            outcomes[number] = Outcome(False, error=str(error))
        else:
            by_columns[check.columns].append(expected)
    rows.hold({column for columns in by_columns for column in columns})
    for columns, group in by_columns.items():
        if columns:
            outcomes |= evaluator.evaluate(rows.frame(columns), group, parameters)
        else:
            for expected in group:
                shape = rows.blanks() if expected.check.expect.startswith("expect_table_row_count") else rows.names()
                outcomes |= evaluator.evaluate(shape, [expected], parameters)
    return outcomes


def _vacuous(outcome: Outcome, check: Check) -> Outcome:
    """Nothing came: what is expected of a column's rows holds of none, its maximum in a range included."""
    return replace(outcome, is_success=True) if check.columns and not outcome.error else outcome


def _result(
    suite: str, table: str, number: int, check: Check, outcome: Outcome, parameters: Mapping[str, Any]
) -> CheckResult:
    return CheckResult(
        suite=suite,
        table_name=table,
        check_name=f"{check.expect}-{number}",
        check_number=number,
        expectation_type=check.expect,
        sentence=check.sentence.format_map(parameters),
        severity="hold" if outcome.error else check.severity,
        verdict="not_evaluated" if outcome.error else "met" if outcome.is_success else "not_met",
        element_count=outcome.element_count,
        unexpected_count=outcome.unexpected_count,
        observed_value=outcome.observed_value,
        error=outcome.error,
        what_to_do=check.what_to_do,
    )


def _unchecked(suite: str, table: str, error: str, what_to_do: str) -> CheckResult:
    """A table, or with an empty name the whole suite, of which nothing could be checked."""
    return CheckResult(
        suite=suite,
        table_name=table or suite,
        check_name="suite",
        check_number=0,
        expectation_type="suite",
        sentence=f"The checks of {table or suite} can be evaluated.",
        severity="hold",
        verdict="not_evaluated",
        error=error,
        what_to_do=what_to_do,
    )


def _tables_to_check(connection: duckdb.DuckDBPyConnection, suite: SuiteName) -> set[str]:
    """The tables that must have a file: every raw table but the checks' own history, or every mart of the build."""
    if suite == "inputs":
        return {name for name, table in TABLES.items() if not table.is_history}
    return {name for (name,) in connection.cursor().execute(_MARTS).fetchall()}


def _parameters(settings: Settings) -> dict[str, Any]:
    """What checks may name: the numbers of the settings, and what follows from other settings and from the time."""
    numbers = {name: value for name, value in settings.model_dump().items() if type(value) in (int, float)}
    return numbers | {
        "latest_event_at": (datetime.now(UTC) + CLOCK_SKEW).isoformat(timespec="seconds"),
        # share of the files in trail_digests that must hold, in a deployment that has them verified
        "verified_ratio": 1.0 if "trail_digests" in settings.sources else 0.0,
    }


def _schema_parameters(table: str) -> dict[str, Any]:
    return {"schema_columns": list(TABLES[table].column_names)} if table in TABLES else {}


def _reason(error: Exception) -> str:
    message = str(error).strip().splitlines() if isinstance(error, _SPEAKING_ERRORS) else []
    return f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
