"""From a build file to the small pandas frames that Great Expectations looks at.

Only the columns that checks name leave DuckDB, and only those of one check at a time enter pandas: memory
follows the widest check, not the table.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from labelhouse.checks.suites import Check, SuiteError, nearest

if TYPE_CHECKING:
    import pandas as pd

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
_TIMES = ("DATE", "TIMESTAMP")
#: Up to so many rows of a table stay in memory while its frames are made; a first build of years reads them anew.
_MOST_HELD = 5_000_000
_MACRO = re.compile(r"\bmacro\s+(\w+)", re.IGNORECASE)
_AS_THEY_ARE = ("VARCHAR", "BOOLEAN", "UUID")


@contextmanager
def opened(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    words: Collection[str],
    parameters: Mapping[str, Any],
    macros: str = "",
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor in UTC that knows what frames may name; what is temporary in it goes with it.

    Args:
        connection: to the build file; read-only will do.
        relation: the table that becomes `rows`, read once for all frames unless it is too large to keep.
        words: of the file: `rows` gets the columns that are among them, and macros are made where one is.
        parameters: name → number, text, or list of texts, read by `getvariable('<name>')`.
        macros: SQL that makes temporary macros.

    Raises:
        duckdb.Error: the table or the macros cannot be read.
    """
    cursor = connection.cursor()
    try:
        variables = (f"set variable {_quoted(name)} = {_literal(value)}" for name, value in parameters.items())
        # a name that is no table is none: DuckDB would look for a variable of this module, such as `annotations`
        settings = ("set TimeZone = 'UTC'", "set python_enable_replacements = false")
        cursor.execute(";\n".join([*settings, *variables]))
        described = cursor.execute(f"describe select * from {relation}").fetchall()
        columns = ", ".join(_quoted(name) for name, *_ in described if name in words) or "true as is_row"
        held = f"select {columns} from {relation}"
        cursor.execute(f"create temp view rows as {held}")
        if cursor.execute(f"select count(*) from (from rows limit {_MOST_HELD + 1})").fetchall()[0][0] <= _MOST_HELD:
            cursor.execute(f"drop view rows; create temp table rows as {held}")
        if not set(_MACRO.findall(macros)).isdisjoint(words):
            cursor.execute(macros)
        yield cursor
    finally:
        cursor.close()


class Rows:
    """The rows of one table or query, held in DuckDB while they are looked at. A context manager.

    Args:
        cursor: from `opened`.
        relation: what to select from: a table's name, or a query in brackets.
        read_from: where its rows are already, or as many of its columns as anybody asks for.

    Raises:
        duckdb.Error: it cannot be read.
    """

    def __init__(self, cursor: duckdb.DuckDBPyConnection, relation: str, *, read_from: str | None = None) -> None:
        self._cursor = cursor
        self._relation = read_from or relation
        described = self._cursor.execute(f"describe select * from {relation}").fetchall()
        self.types: dict[str, str] = {name: type_name for name, type_name, *_ in described}
        self.count = 0

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.execute("drop table if exists temp.held")

    def require(self, check: Check, where: str) -> None:
        """Raises SuiteError when the check names a column that is not there."""
        for column in check.columns:
            if column not in self.types:
                raise SuiteError("unknown column", where=where, value=column, allowed=nearest(column, self.types))

    def hold(self, columns: Collection[str]) -> None:
        """Evaluates the relation, once, for these columns; `count` says how many rows it has."""
        wanted = ", ".join(_expression(column, self.types[column]) for column in sorted(columns)) or "true as is_row"
        self._cursor.execute(f"create or replace temp table held as select {wanted} from {self._relation}")
        self.count = self._cursor.execute("select count(*) from held").fetchall()[0][0]

    def frame(self, columns: Sequence[str]) -> pd.DataFrame:
        """Some of the held columns."""
        names = ", ".join(_quoted(column) for column in columns)
        # pandas keeps text in Arrow's memory and everything else in numpy's
        frame: pd.DataFrame = (
            self._cursor.sql(f"select {names} from held").to_arrow_table().to_pandas(split_blocks=True)
        )
        return frame

    def names(self) -> pd.DataFrame:
        """The columns of the relation and none of its rows."""
        import pandas as pd

        return pd.DataFrame(columns=list(self.types))

    def blanks(self) -> pd.DataFrame:
        """As many rows as are held and none of the columns."""
        import pandas as pd

        return pd.DataFrame(index=pd.RangeIndex(self.count))


def table_relation(schema: str, table: str) -> str:
    """A table of the build file, to select from."""
    return f"{_quoted(schema)}.{_quoted(table)}"


def _expression(column: str, type_name: str) -> str:
    """The column in the one type of its kind that Great Expectations compares vectorised."""
    name = _quoted(column)
    if type_name in _AS_THEY_ARE:
        return name
    if type_name in _INTEGERS:
        return f"{name}::bigint as {name}"
    if not type_name.endswith("]"):
        if type_name.startswith(_FRACTIONS):
            # pandas takes NaN for a missing value and would not look at it: infinity is in no range
            return f"case when isnan({name}::double) then 'infinity'::double else {name}::double end as {name}"
        if type_name.startswith(_TIMES):
            return f"{name}::timestamptz as {name}"
    return f"case when {name} is not null then true end as {name}"  # of bytes and lists, only whether they are there


def _literal(value: Any) -> str:
    """A number, text or list of texts in SQL."""
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]::varchar[]"
    return repr(value) if isinstance(value, int | float) else "'" + str(value).replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
