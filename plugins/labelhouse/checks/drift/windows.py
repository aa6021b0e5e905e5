"""From a build to the two windows of every subject: one query a file, and no more rows than the windows hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import duckdb

from labelhouse.checks.drift.suites import DriftFile
from labelhouse.checks.suites import SuiteError

if TYPE_CHECKING:
    import pandas as pd

#: The most values of a window that is counted in days, or pinned; the newest stay.
MOST_VALUES = 10_000
#: The columns of a frame besides the one that is compared and those that go with it.
SUBJECT, IS_CURRENT, KEY = "subject", "is_current", "key"
IS_HIGHER_BETTER, LOST_COUNT = "is_higher_better", "lost_count"
#: The one that is compared, within the query.
VALUE = "drift_value"
#: Between the parts of a subject's name.
SEPARATOR = " · "
#: A part that is NULL.
NOTHING = "(none)"


def windows_frame(connection: duckdb.DuckDBPyConnection, file: DriftFile) -> pd.DataFrame:
    """The values of both windows of every subject, by subject and from old to new.

    Columns: `subject` (text, empty where a file has none), `is_current` (boolean), `key` (text or NULL),
    `is_higher_better` (boolean or NULL), the column itself (a finite number or a name; one row of NULL stands for a
    subject without any), `lost_count` (values of the subject's windows that are no numbers) and the columns that checks
    compare it with.

    Raises:
        duckdb.Error: the build lacks the table, or the condition of the file is not understood.
    """
    query, parameters = windows_query(file)
    cursor = connection.cursor()
    try:
        cursor.execute("set TimeZone = 'UTC'")
        frame: pd.DataFrame = cursor.sql(query, params=parameters).to_arrow_table().to_pandas(split_blocks=True)
        return frame
    finally:
        cursor.close()


def require_windows(connection: duckdb.DuckDBPyConnection, file: DriftFile) -> None:
    """Raises SuiteError when the condition of the file is none that DuckDB understands.

    Args:
        connection: to a build, which may be empty.
    """
    query, parameters = windows_query(file)
    cursor = connection.cursor()
    try:
        cursor.execute(f"explain {query}", parameters)
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise SuiteError(f"cannot be read ({reason})", where=file.where, value=file.suite.where) from None
    finally:
        cursor.close()


def windows_query(file: DriftFile) -> tuple[str, dict[str, Any]]:
    """The query of `windows_frame` and its parameters. Names in it come from contracts, values are parameters."""
    suite = file.suite
    parameters: dict[str, Any] = {
        "reference_values": suite.reference.values or MOST_VALUES,
        "current_values": suite.current.values or MOST_VALUES,
    }
    others = [_quoted(name) for name in compared_columns(file)]
    query = f"""
        with read as ({_rows(file, parameters)}),
        judged as (
            select
                *,
                coalesce({_is_number(file)}, false) as is_number,
                coalesce({_pinned(file, parameters)}, false) as is_pinned
            from read
            where place is not null
        ),
        numbered as (
            select
                *,
                row_number() over (partition by {SUBJECT}, is_number, is_pinned order by place desc, {KEY} desc)
                    as number,
                max(place) filter (is_number) over (partition by {SUBJECT}) as newest_place
            from judged
            qualify number <= $reference_values + $current_values
        ),
        newest as (
            select
                *,
                is_number and not is_pinned and number <= $current_values and {_newest(file, parameters)}
                    as {IS_CURRENT}
            from numbered
        ),
        counted as (
            select
                *,
                count(*) filter ({IS_CURRENT}) over (partition by {SUBJECT}) as current_count,
                min(place) filter ({IS_CURRENT}) over (partition by {SUBJECT}) as current_from
            from newest
        ),
        windows as (
            select *, coalesce(is_number and {_reference(file, parameters)}, false) as is_reference from counted
        ),
        bounded as (
            select *, min(place) filter ({IS_CURRENT} or is_reference) over (partition by {SUBJECT}) as oldest_place
            from windows
        )
        select
            {", ".join((SUBJECT, IS_CURRENT, KEY, IS_HIGHER_BETTER, *others))},
            case when {IS_CURRENT} or is_reference then {VALUE} end as {_quoted(file.column_name)},
            count(*) filter (not is_number and {VALUE} is not null and place >= coalesce(oldest_place, place))
                over (partition by {SUBJECT}) as {LOST_COUNT}
        from bounded
        qualify
            {IS_CURRENT}
            or is_reference
            or (oldest_place is null and row_number() over (partition by {SUBJECT}) = 1)
        order by {SUBJECT}, {IS_CURRENT}, place, {KEY}"""
    return query, parameters


def compared_columns(file: DriftFile) -> list[str]:
    """The columns that the value is compared with, each once."""
    return sorted({check.other for check in file.checks if check.other})


def _rows(file: DriftFile, parameters: dict[str, Any]) -> str:
    """The rows that count, in the columns of the frame and their `place` in the order."""
    suite = file.suite
    table, order = f"{file.schema}.{_quoted(file.table_name)}", _quoted(suite.order)
    better = suite.higher_is_better
    columns = [
        (_subject(file), SUBJECT),
        (order, "place"),
        (f"{_quoted(suite.key)}::varchar" if suite.key else "null::varchar", KEY),
        (_quoted(better) if isinstance(better, str) else _literal(better), IS_HIGHER_BETTER),
        (_value(file), VALUE),
        *((_quoted(name), _quoted(name)) for name in compared_columns(file)),
    ]
    conditions = [f"({suite.where.strip()})"] if suite.where else []
    if suite.recent_days is not None:
        parameters["recent_days"] = suite.recent_days
        conditions.append(f"{order} >= (select max({order}) from {table}) - to_seconds($recent_days * 86400)")
    where = f" where {' and '.join(conditions)}" if conditions else ""
    return f"select {', '.join(f'{expression} as {name}' for expression, name in columns)} from {table}{where}"


def _subject(file: DriftFile) -> str:
    """Its name: the parts, and where the table has several of what parts subjects of one name, that too."""
    parts, apart = (
        f" || '{SEPARATOR}' || ".join(f"coalesce({_named(name)}, '{NOTHING}')" for name in names)
        for names in (file.suite.subject, file.suite.apart)
    )
    if not apart:
        return parts or "''"
    several = f"(select count(distinct {apart}) from {file.schema}.{_quoted(file.table_name)}) > 1"
    return f"{parts} || case when {several} then '{SEPARATOR}' || {apart} else '' end"


def _named(name: str) -> str:
    """A part of a subject's name. Names of jobs are not case sensitive in AWS; marts have them in lower case."""
    text = f"{_quoted(name)}::varchar"
    return f"lower({text})" if name == "labeling_job_name" else text


def _value(file: DriftFile) -> str:
    """The value; with `within`, in medians of the values of its subject that share that column's value."""
    value = _quoted(file.column_name)
    if file.is_category:
        return f"{value}::varchar"
    if file.suite.within is None:
        return f"{value}::double"
    group = ", ".join(map(_named, (*file.suite.subject, *file.suite.apart, file.suite.within)))
    return f"{value}::double / nullif(median({value}::double) over (partition by {group}), 0)"


def _is_number(file: DriftFile) -> str:
    """Whether there is something to compare: a finite number, or a name."""
    return f"{VALUE} is not null" if file.is_category else f"isfinite({VALUE})"


def _pinned(file: DriftFile, parameters: dict[str, Any]) -> str:
    """Whether a row belongs to a reference that is not what came right before."""
    reference, baseline = file.suite.reference, file.baseline
    if names := reference.pinned or (baseline.pinned if baseline else ()):
        parameters["pinned"] = list(names)
        return f"list_contains($pinned::varchar[], {KEY})"
    if baseline:
        parameters |= {"from_at": baseline.from_at, "until_at": baseline.until_at}
        return "place >= $from_at::timestamptz and place < $until_at::timestamptz"
    return "false"


def _reference(file: DriftFile, parameters: dict[str, Any]) -> str:
    reference = file.suite.reference
    if not reference.is_rolling:
        return "is_pinned and number <= $reference_values"
    after = f"not {IS_CURRENT} and place <= current_from and number <= current_count + $reference_values"
    if reference.days is None:
        return after
    parameters["reference_days"] = reference.days
    return f"{after} and place >= current_from - to_seconds($reference_days * 86400)"


def _newest(file: DriftFile, parameters: dict[str, Any]) -> str:
    """Whether a row is of the days of the current window, where it is counted in days."""
    if file.suite.current.days is None:
        return "true"
    parameters["current_days"] = file.suite.current.days
    return "place > newest_place - to_seconds($current_days * 86400)"


def _literal(value: bool | None) -> str:
    return "null::boolean" if value is None else str(value).lower()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
