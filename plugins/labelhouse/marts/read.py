"""Reading a release: one query, read-only, nothing outside the release within reach."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from labelhouse.errors import LakeError
from labelhouse.folders import Folder, local_copy
from labelhouse.marts.reach_files import reach_files
from labelhouse.marts.releases import SERVING_FILE, Release, current_release
from labelhouse.marts.smgt import show_smgt_views
from labelhouse.settings import Settings

_opening = threading.Lock()


def query(
    release: Release, sql: str, parameters: Mapping[str, Any] | None = None, *, timeout_seconds: float = 10.0
) -> pa.Table:
    """Rows of one SELECT on the marts of `release`, by their bare names.

    Args:
        release: what to read.
        sql: one statement; outside values are `$name` parameters, never text.
        parameters: values by name.
        timeout_seconds: after which it is interrupted.

    Raises:
        LakeError: the statement is not a SELECT, fails, or takes too long.
    """
    try:
        with _opening:
            connection = _opened(release.folder, release.build_id)
    except duckdb.Error as error:
        where = f"release {release.release_id}"
        raise LakeError(f"the serving file cannot be opened ({first_line(error)})", where=where) from None
    with connection.cursor() as cursor:
        return select(cursor, sql, parameters, timeout_seconds=timeout_seconds)


@lru_cache(maxsize=3)
def _opened(folder: Folder, _build_id: str) -> duckdb.DuckDBPyConnection:
    """The serving file, opened once for all threads: connections of one process share its settings anyway."""
    path = local_copy(folder / SERVING_FILE)
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2,
        "memory_limit": "1GB",
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    connection = duckdb.connect(str(path), read_only=True, config=config)
    lake = folder.parent.parent
    reach_files(connection, lake)
    _close_off(connection, lake / "warehouse" / "marts")  # large marts are views on it
    return connection


def query_lake(settings: Settings, sql: str) -> pa.Table:
    """Rows of one SELECT on the current release's marts by bare name and the lake's tables as `raw.<table>`.

    Raises:
        LakeError: there is no lake, or as in `query`.
    """
    from labelhouse.lake.catalog import Lake  # the web server reads releases only: it never needs Iceberg

    lake = Lake(settings)
    if not lake.exists:
        raise LakeError("there is no lake", value=str(lake.dir), allowed="a folder that `labelhouse run` filled")
    with opened_lake(settings) as connection:
        return select(connection, sql)


@contextmanager
def opened_lake(settings: Settings, names: Iterable[str] | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that sees the current release's marts by bare name and the lake's tables as `raw.<table>`.

    Nothing else is within its reach. `names` are the raw tables that are wanted; None for all of them.
    """
    from labelhouse.lake.catalog import Lake
    from labelhouse.lake.snapshots import pin
    from labelhouse.marts.raw_views import create_views
    from labelhouse.schema.tables import TABLES

    lake = Lake(settings)
    release = current_release(lake.dir)
    with duckdb.connect() as connection:
        reach_files(connection, lake.dir)
        create_views(connection, lake, pin(lake, TABLES if names is None else names), days=[])
        if release:
            path = str(local_copy(release.serving_path)).replace("'", "''")
            connection.execute(f"attach '{path}' as release (read_only); set search_path = 'memory.main,release.main'")
            show_smgt_views(connection, "release")
        _close_off(connection, lake.dir / "warehouse")
        yield connection


def _close_off(connection: duckdb.DuckDBPyConnection, folder: Folder) -> None:
    """From here on nothing but files below `folder` is within reach, and no setting can be changed."""
    allowed = str(folder).replace("'", "''")
    connection.execute(
        f"set global TimeZone = 'UTC'; set allowed_directories = ['{allowed}'];"
        "set enable_external_access = false; set lock_configuration = true"
    )


def select(
    connection: duckdb.DuckDBPyConnection,
    sql: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    timeout_seconds: float | None = None,
) -> pa.Table:
    """Rows of one SELECT on an open connection; errors as in `query`."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise LakeError(f"the query cannot be parsed ({first_line(error)})") from None
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise LakeError("the query is not a single SELECT", value=shortened(sql), allowed="one SELECT statement")
    timer = threading.Timer(timeout_seconds, connection.interrupt) if timeout_seconds else None
    if timer:
        timer.start()
    try:
        return connection.sql(sql, params=dict(parameters or {})).to_arrow_table()
    except duckdb.InterruptException:
        raise LakeError("the query took too long", value=shortened(sql), allowed=f"{timeout_seconds:g} s") from None
    except duckdb.Error as error:
        raise LakeError(f"the query failed ({first_line(error)})") from None
    finally:
        if timer:
            timer.cancel()


def first_line(error: Exception) -> str:
    """The first line of a DuckDB or dbt error: what went wrong, without the statement."""
    return str(error).strip().split("\n", 1)[0]


def shortened(text: str, length: int = 200) -> str:
    """`text` on one line, cut to `length` characters."""
    text = re.sub(r"\s+", " ", text).strip()
    return text if len(text) <= length else text[: length - 1] + "…"
