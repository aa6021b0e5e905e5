"""What the files below `expectations/` say, told and refused before anything is read or built."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from labelhouse.checks.contracts import Columns, empty_build, mart_columns, partial_marts, raw_columns, table_columns
from labelhouse.checks.frames import Rows, opened, table_relation
from labelhouse.checks.parameters import MOMENTS, parameters
from labelhouse.checks.suites import (
    EXPECTATIONS_DIR,
    SUITES,
    SuiteError,
    TableSuite,
    nearest,
    place,
    read_macros,
    read_suite,
    shown,
    suite_files,
    with_thresholds,
)
from labelhouse.checks.vocabulary import require_known
from labelhouse.errors import SettingError
from labelhouse.settings import PREFIX, Settings


@dataclass(frozen=True, slots=True)
class Definition:
    """One check as it stands in its file: a row of `schema.quality.CHECK_SUITES`."""

    suite: str
    table_name: str
    check_number: int
    check_name: str
    expectation_type: str
    arguments_json: str
    severity: str
    sentence: str
    what_to_do: str


def validate_definitions(settings: Settings, *, expectations_dir: Path = EXPECTATIONS_DIR) -> None:
    """Reads every file of every suite and every alarm; quick, for it needs neither data nor Great Expectations.

    Frames are described on an empty build file, so that wrong SQL is refused too.

    Raises:
        SuiteError: a file names a table, column, expectation, argument, parameter, threshold or frame that does not
            exist, or cannot be understood; one sentence that says where, and the nearest right names.
        SettingError: `check_thresholds` names a threshold that no file declares.
    """
    from labelhouse.checks.alarms import validate_alarms
    from labelhouse.checks.drift.suites import read_drift_suites
    from labelhouse.checks.drift.windows import require_windows

    thresholds: list[str] = []
    with empty_build() as connection:
        for suite, tables in (("inputs", raw_columns()), ("marts", mart_columns())):
            thresholds += _validate_tables(connection, settings, expectations_dir, suite, tables)
        for drift in read_drift_suites(expectations_dir, table_columns(), settings, partial_marts()).values():
            require_windows(connection, drift)
    validate_alarms(expectations_dir)
    for name in settings.check_thresholds:
        if name not in thresholds:
            where = f"{PREFIX}CHECK_THRESHOLDS"
            raise SettingError("unknown threshold", where=where, value=name, allowed=nearest(name, thresholds))


def definitions(settings: Settings, *, expectations_dir: Path = EXPECTATIONS_DIR) -> list[Definition]:
    """Every check of every suite, with the thresholds of this deployment; the same as long as nothing changes.

    Raises:
        SuiteError: a file says something that is not understood.
    """
    return [
        *(
            each
            for suite in SUITES
            for path in suite_files(expectations_dir / suite).values()
            for each in _of_table(settings, path)
        ),
        *_of_drift(settings, expectations_dir),
    ]


def _of_table(settings: Settings, path: Path) -> Iterator[Definition]:
    known = parameters(settings, path.stem)
    checks = read_suite(path, known)
    known = with_thresholds(known, path, checks, settings.check_thresholds)
    lasting = {name: value for name, value in known.items() if name not in MOMENTS}
    for number, check in enumerate(checks.expectations):
        arguments = _filled_in(check.arguments, lasting)
        if check.frame:
            query = checks.frames[check.frame]
            numbers = {name: value for name, value in lasting.items() if f"'{name}'" in query}
            arguments |= {"frame": {"name": check.frame, "query": query, "variables": numbers}}
        yield Definition(
            suite=path.parent.name,
            table_name=path.stem,
            check_number=number,
            check_name=checks.check_names[number],
            expectation_type=check.expect,
            arguments_json=json.dumps(arguments, sort_keys=True, default=str),
            severity=check.severity,
            sentence=check.sentence.format_map(known),
            what_to_do=check.what_to_do,
        )


def _of_drift(settings: Settings, expectations_dir: Path) -> Iterator[Definition]:
    from labelhouse.checks.drift.suites import read_drift_suites

    suites = read_drift_suites(expectations_dir, table_columns(), settings, partial_marts())
    counted: dict[str, int] = {}
    for suite in suites.values():
        for check in suite.checks:
            number = counted.get(suite.table_name, 0)
            counted[suite.table_name] = number + 1
            yield Definition(
                suite="drift",
                table_name=suite.table_name,
                check_number=number,
                check_name=suite.check_name(check),
                expectation_type=check.expect,
                arguments_json=json.dumps(suite.arguments(check), sort_keys=True, default=str),
                severity=check.severity,
                sentence=check.sentence,
                what_to_do=check.what_to_do,
            )


def _filled_in(value: Any, known: dict[str, Any]) -> Any:
    """Arguments with numbers in place of `$PARAMETER`; what depends on the time keeps its name."""
    if isinstance(value, dict):
        if value.get("$PARAMETER") in known:
            return known[value["$PARAMETER"]]
        return {key: _filled_in(each, known) for key, each in value.items()}
    return [_filled_in(each, known) for each in value] if isinstance(value, list) else value


def _validate_tables(
    connection: duckdb.DuckDBPyConnection, settings: Settings, expectations_dir: Path, suite: str, tables: Columns
) -> list[str]:
    """Reads the files of a suite of one file a table; returns the thresholds that they declare."""
    folder, macros = expectations_dir / suite, read_macros(expectations_dir)
    files = suite_files(folder)
    for name, path in files.items():
        if name not in tables:
            raise SuiteError("unknown table", where=shown(path), value=name, allowed=nearest(name, tables, most=5))
    thresholds = []
    for table in tables:
        path = files.get(table, folder / f"{table}.yaml")
        known = parameters(settings, table)
        checks = read_suite(path, known)
        relation = table_relation(SUITES[suite][checks.rows], table)
        with opened(connection, relation, checks.words, known | checks.thresholds, macros) as cursor:
            _validate_columns(cursor, relation, shown(path), checks)
        thresholds += [f"{table}.{name}" for name in checks.thresholds]
    return thresholds


def _validate_columns(cursor: duckdb.DuckDBPyConnection, relation: str, where: str, checks: TableSuite) -> None:
    frames: dict[str | None, Rows] = {None: Rows(cursor, relation)}
    for name in checks.frames:
        try:
            frames[name] = Rows(cursor, checks.query(name))
        except duckdb.Error as error:
            reason = " ".join(str(error).split("\n\n")[0].split())
            raise SuiteError(f"the frame {name} cannot be read ({reason})", where=where) from None
    for number, check in enumerate(checks.expectations):
        require_known(check, place(where, number))
        frames[check.frame].require(check, place(where, number))
