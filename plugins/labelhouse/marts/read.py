"""Reading a release: one query, read-only, nothing outside the release within reach."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from labelhouse.errors import LakeError
from labelhouse.lake.catalog import Lake
from labelhouse.lake.snapshots import pin
from labelhouse.marts.raw_views import create_views
from labelhouse.marts.releases import Release, current_release
from labelhouse.settings import Settings


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
    config: dict[str, str | bool | int | float | list[str]] = {
        "threads": 2,
        "memory_limit": "1GB",
        "allowed_directories": [str(release.folder.parents[1] / "warehouse" / "marts")],  # large marts are views
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with duckdb.connect(str(release.serving_path), read_only=True, config=config) as connection:
        connection.execute("set TimeZone = 'UTC'; set lock_configuration = true")
        return select(connection, sql, parameters, timeout_seconds=timeout_seconds)


def query_lake(settings: Settings, sql: str) -> pa.Table:
    """Rows of one SELECT on the current release's marts by bare name and the lake's tables as `raw.<table>`.

    Raises:
        LakeError: there is no lake, or as in `query`.
    """
    lake = Lake(settings)
    if not lake.exists:
        raise LakeError("there is no lake", value=str(lake.dir), allowed="a folder that `labelhouse run` filled")
    release = current_release(lake.dir)
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_views(connection, lake, pin(lake), days=[])
        if release:
            path = str(release.serving_path).replace("'", "''")
            connection.execute(f"attach '{path}' as release (read_only); set search_path = 'memory.main,release.main'")
        connection.execute("set allowed_directories = [$warehouse]", {"warehouse": str(lake.dir / "warehouse")})
        connection.execute("set enable_external_access = false; set lock_configuration = true")
        return select(connection, sql)


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
