"""From a build file to the small pandas frames that Great Expectations looks at.

Only the columns that checks name leave DuckDB, and only those of one check at a time enter pandas: memory
follows the widest check, not the table.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import duckdb

from labelhouse.checks.suites import Check, SuiteError

if TYPE_CHECKING:
    import pandas as pd

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
_FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
_TIMES = ("DATE", "TIMESTAMP")
_AS_THEY_ARE = ("VARCHAR", "BOOLEAN", "UUID")


class Rows:
    """The rows of one table or query, held in DuckDB while they are looked at. A context manager.

    Args:
        connection: to the build file; read-only will do.
        relation: what to select from: a table's name, or a query in brackets.

    Raises:
        duckdb.Error: it cannot be read.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, relation: str) -> None:
        self._cursor = connection.cursor()  # its temporary table is its own, and goes with it
        self._cursor.execute("set TimeZone = 'UTC'")
        self._relation = relation
        described = self._cursor.execute(f"describe select * from {relation}").fetchall()
        self.types: dict[str, str] = {name: type_name for name, type_name, *_ in described}
        self.count = 0

    def __enter__(self) -> Rows:
        return self

    def __exit__(self, *_: object) -> None:
        self._cursor.close()

    def require(self, check: Check, where: str) -> None:
        """Raises SuiteError when the check names a column that is not there."""
        for column in check.columns:
            if column not in self.types:
                raise SuiteError("unknown column", where=where, value=column, allowed=", ".join(self.types))

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


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
