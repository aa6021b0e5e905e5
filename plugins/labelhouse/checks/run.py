"""Runs the checks of one suite on a build. Whatever goes wrong in here is a result that holds the publication."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from labelhouse.checks.evaluate import Evaluator, Expected, Outcome
from labelhouse.checks.frames import Rows, opened, table_relation
from labelhouse.checks.parameters import parameters
from labelhouse.checks.reasons import reason_of
from labelhouse.checks.results import CheckResult
from labelhouse.checks.suites import (
    EXPECTATIONS_DIR,
    SUITES,
    Check,
    SuiteError,
    SuiteName,
    TableSuite,
    place,
    read_macros,
    read_suite,
    shown,
    suite_files,
    with_thresholds,
)
from labelhouse.schema.tables import TABLES
from labelhouse.settings import Settings

if TYPE_CHECKING:
    from great_expectations.core.expectation_validation_result import ExpectationValidationResult

    from labelhouse.checks.data_docs import DataDocs

#: Great Expectations evaluates one table at a time; meanwhile DuckDB reads the next.
_THREADS = 2
#: Up to so many rows the checks of a table or frame are evaluated together, although few name all of its columns.
_FEW_ROWS = 10_000
_MARTS = "select table_name from information_schema.tables where table_schema = 'main' and table_name ~ '(dim|fct)_.*'"


def run_suite(
    connection: duckdb.DuckDBPyConnection,
    suite: SuiteName,
    settings: Settings,
    *,
    expectations_dir: Path = EXPECTATIONS_DIR,
    docs: DataDocs | None = None,
) -> list[CheckResult]:
    """Evaluates every check of every table of a suite, in the order of tables and files.

    Never raises for what it finds: a file that is not understood, a table without one, a table that cannot be
    read, a crash of Great Expectations and a suite without a single check are results with `error` set and
    severity `hold`.

    Args:
        connection: to the build file (schemas `raw`, `changed` and `main`); read-only will do.
        suite: `inputs` before dbt, `marts` and `drift` after it.
        settings: whose numbers the checks may name.
        expectations_dir: holds `<suite>/<table>.yaml`.
        docs: takes Great Expectations' own results.
    """
    try:
        evaluator = Evaluator()
        if suite == "drift":
            results = _drift(connection, settings, evaluator, docs, expectations_dir)
        else:
            results = _of_tables(connection, suite, settings, evaluator, docs, expectations_dir)
    except Exception as error:
        return [nothing_checked(suite, reason_of(error))]
    nothing = CheckResult.unevaluated(
        suite, suite, "there is nothing to check", f"Put a file into expectations/{suite}/."
    )
    return results or [nothing]


def nothing_checked(suite: SuiteName, reason: str) -> CheckResult:
    """A suite that says nothing, and why."""
    return CheckResult.unevaluated(suite, suite, f"nothing was checked ({reason})", "Mend the error and build again.")


def _drift(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    evaluator: Evaluator,
    docs: DataDocs | None,
    expectations_dir: Path,
) -> list[CheckResult]:
    from labelhouse.checks.drift.run import run_drift  # scipy and pandas with it

    return run_drift(connection, settings, evaluator, docs, expectations_dir)


def _of_tables(
    connection: duckdb.DuckDBPyConnection,
    suite: SuiteName,
    settings: Settings,
    evaluator: Evaluator,
    docs: DataDocs | None,
    expectations_dir: Path,
) -> list[CheckResult]:
    """The results of a suite of one file a table."""
    folder = expectations_dir / suite
    files, macros = suite_files(folder), read_macros(expectations_dir)

    def validated(table: str) -> tuple[list[CheckResult], list[ExpectationValidationResult]]:
        path = files.get(table, folder / f"{table}.yaml")
        known = parameters(settings, table)
        try:
            checks = read_suite(path, known)
        except SuiteError as error:
            return [CheckResult.unevaluated(suite, table, str(error), f"Correct {shown(path)} and build again.")], []
        known = with_thresholds(known, path, checks, settings.check_thresholds)
        return _Table(evaluator, path, checks, known).validated(connection, macros)

    results: list[CheckResult] = []
    tables = sorted(files.keys() | _tables_to_check(connection, suite))
    with ThreadPoolExecutor(_THREADS) as pool:
        for table, (found, validations) in zip(tables, pool.map(validated, tables), strict=True):
            results += found
            if docs is not None:
                docs.add(suite, table, validations)
    return results


@dataclass(frozen=True, slots=True)
class _Table:
    """The checks of one table of one build.

    Args:
        path: of the file with the checks.
        checks: what it says.
        parameters: what the checks name.
    """

    evaluator: Evaluator
    path: Path
    checks: TableSuite
    parameters: Mapping[str, Any]

    def validated(
        self, connection: duckdb.DuckDBPyConnection, macros: str
    ) -> tuple[list[CheckResult], list[ExpectationValidationResult]]:
        """The results of all checks in order, and Great Expectations' own ones of those that it evaluated."""
        outcomes = self._outcomes(connection, macros)
        results = [self._result(number, outcomes[number]) for number in sorted(outcomes)]
        return results, [each.validation for each in outcomes.values() if each.validation is not None]

    def _outcomes(self, connection: duckdb.DuckDBPyConnection, macros: str) -> dict[int, Outcome]:
        """Check number → outcome, for every check."""
        by_frame: dict[str | None, dict[int, Check]] = defaultdict(dict)
        for number, check in enumerate(self.checks.expectations):
            by_frame[check.frame][number] = check
        outcomes: dict[int, Outcome] = {}
        try:
            with opened(connection, self._relation, self.checks.words, self.parameters, macros) as cursor:
                for frame, checks in by_frame.items():
                    outcomes |= self._of_frame(cursor, frame, checks)
        except Exception as error:
            numbers = [number for number in range(len(self.checks.expectations)) if number not in outcomes]
            outcomes |= _unreadable(self.path.stem, error, numbers)
        return outcomes

    @property
    def _relation(self) -> str:
        return table_relation(SUITES[self.path.parent.name][self.checks.rows], self.path.stem)

    def _of_frame(
        self, cursor: duckdb.DuckDBPyConnection, frame: str | None, checks: Mapping[int, Check]
    ) -> dict[int, Outcome]:
        """Those of the table itself (None) or of one of its frames."""
        relation, read_from = (self.checks.query(frame), None) if frame else (self._relation, "rows")
        try:
            with Rows(cursor, relation, read_from=read_from) as rows:
                found = self._evaluate(rows, checks)
        except Exception as error:
            return _unreadable(f"the frame {frame}" if frame else self.path.stem, error, checks)
        if frame is None and self.checks.rows == "changed" and rows.count == 0:
            found = {number: _vacuous(outcome, checks[number]) for number, outcome in found.items()}
        return {number: _enough(outcome, checks[number], rows.count) for number, outcome in found.items()}

    def _evaluate(self, rows: Rows, checks: Mapping[int, Check]) -> dict[int, Outcome]:
        outcomes: dict[int, Outcome] = {}
        by_columns: dict[tuple[str, ...], list[Expected]] = defaultdict(list)
        where = shown(self.path)
        for number, check in checks.items():
            try:
                rows.require(check, place(where, number))
                expected = self.evaluator.expected(check, number, place(where, number), self._meta(number))
            except SuiteError as error:
                outcomes[number] = Outcome.crashed(str(error))
            else:
                by_columns[check.columns].append(expected)
        rows.hold({column for columns in by_columns for column in columns})
        for columns, group in _groups(by_columns, rows.count).items():
            if columns:
                outcomes |= self.evaluator.evaluate(rows.frame(columns), group, self.parameters)
            else:
                for expected in group:
                    counts = expected.check.expect.startswith("expect_table_row_count")
                    shape = rows.blanks() if counts else rows.names()
                    outcomes |= self.evaluator.evaluate(shape, [expected], self.parameters)
        return outcomes

    def _meta(self, number: int) -> dict[str, Any]:
        """What the Data Docs say of a check."""
        check = self.checks.expectations[number]
        return {
            "check_name": self.checks.check_names[number],
            "sentence": check.sentence.format_map(self.parameters),
            "severity": check.severity,
            "what_to_do": check.what_to_do,
        }

    def _result(self, number: int, outcome: Outcome) -> CheckResult:
        """The result of one check."""
        check = self.checks.expectations[number]
        return CheckResult(
            suite=self.path.parent.name,
            table_name=self.path.stem,
            check_name=self.checks.check_names[number],
            check_number=number,
            expectation_type=check.expect,
            sentence=check.sentence.format_map(self.parameters),
            severity="hold" if outcome.error else check.severity,
            verdict=outcome.verdict,
            element_count=outcome.element_count,
            unexpected_count=outcome.unexpected_count,
            observed_value=outcome.observed_value,
            statistic_value=outcome.statistic_value,
            found=outcome.found,
            error=outcome.error,
            what_to_do=check.what_to_do,
        )


def _unreadable(what: str, error: Exception, numbers: Iterable[int]) -> dict[int, Outcome]:
    return dict.fromkeys(numbers, Outcome.crashed(f"{what} cannot be read ({reason_of(error)})"))


def _groups(
    by_columns: Mapping[tuple[str, ...], list[Expected]], row_count: int
) -> dict[tuple[str, ...], list[Expected]]:
    """The checks to evaluate together: those of the same columns, or all where the rows are few.

    Of many rows only the columns of a few checks are in memory at a time; of few rows it is quicker at once.
    """
    if row_count > _FEW_ROWS:
        return dict(by_columns)
    groups: dict[tuple[str, ...], list[Expected]] = {(): by_columns.get((), [])}
    columns = tuple(sorted({column for named in by_columns for column in named}))
    if columns:
        groups[columns] = [expected for named, group in by_columns.items() if named for expected in group]
    return groups


def _vacuous(outcome: Outcome, check: Check) -> Outcome:
    """Nothing came: what is expected of a column's rows holds of none, its maximum in a range included."""
    return replace(outcome, verdict="met") if check.columns and not outcome.error else outcome


def _enough(outcome: Outcome, check: Check, row_count: int) -> Outcome:
    """Too few rows tell nothing."""
    if outcome.error or row_count >= check.at_least_rows:
        return outcome
    found = f"There is not enough data yet: {row_count:,} of at least {check.at_least_rows:,} rows."
    return replace(outcome, verdict="not_enough_data", found=found)


def _tables_to_check(connection: duckdb.DuckDBPyConnection, suite: SuiteName) -> set[str]:
    """The tables that must have a file: every raw table but the checks' own history, or every mart of the build."""
    if suite == "inputs":
        return {name for name, table in TABLES.items() if not table.is_history}
    return {name for (name,) in connection.cursor().execute(_MARTS).fetchall()}
