"""Refuses the files of alarms that say something that is not there, before there is data; quick."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from labelhouse.checks.alarms.definitions import Alarm, alarm_files, parameters_of, read_form
from labelhouse.checks.alarms.tables import empty_lake, known_tables
from labelhouse.checks.suites import EXPECTATIONS_DIR, SuiteError, nearest, shown

#: What a metric must have, which DuckDB types that may be, and the same in words.
_COLUMNS = {
    "at": (re.compile("DATE|TIMESTAMP"), "a date or timestamp"),
    "value": (re.compile("U?(TINY|SMALL|BIG|HUGE)?INT|DOUBLE|FLOAT|DECIMAL|BOOLEAN"), "a number"),
}


def validate_alarms(expectations_dir: Path = EXPECTATIONS_DIR) -> None:
    """Reads every file of an alarm, and binds its metric to empty tables.

    Raises:
        SuiteError: a file names a key, statistic, table or column that there is not, or cannot be understood.
    """
    known = known_tables()
    with empty_lake() as connection:
        for path in alarm_files(expectations_dir):
            alarm = read_form(path, connection)
            for table in sorted(alarm.tables - set(known)):
                near = nearest(table, known, most=3)
                raise SuiteError("unknown table", where=shown(path), value=table, allowed=near)
            _require_columns(connection, alarm, shown(path))


def _require_columns(connection: duckdb.DuckDBPyConnection, alarm: Alarm, where: str) -> None:
    """Raises SuiteError when the metric names a column that there is not, or is no SELECT of a time and a number."""
    known = {"now": datetime.now(UTC), "start": datetime.now(UTC), **alarm.dimensions}
    parameters = {name: known[name] for name in parameters_of(alarm)}
    try:
        described = connection.execute(f"describe {alarm.form.metric}", parameters).fetchall()
    except duckdb.Error as error:
        raise SuiteError(f"the metric is not understood ({_on_one_line(error)})", where=where) from None
    types = {name: type_name for name, type_name, *_ in described}
    for name, (kind, allowed) in _COLUMNS.items():
        if name not in types:
            raise SuiteError("the metric has no such column", where=where, value=name, allowed=nearest(name, types))
        if not kind.match(types[name]):
            raise SuiteError(f"the metric's {name} has the wrong type", where=where, value=types[name], allowed=allowed)


def _on_one_line(error: duckdb.Error) -> str:
    """What DuckDB says before it quotes the query, with the names that it proposes."""
    return " ".join(str(error).partition("\nLINE ")[0].split())
