"""Lets DuckDB open the files of a lake in S3, without an extension: pyarrow's S3 as a file system of its own."""

from __future__ import annotations

import os
from typing import Any

import duckdb

from labelhouse.folders import SCHEME, Folder, S3Path, s3_location


def reach_files(connection: duckdb.DuckDBPyConnection, lake: Folder) -> None:
    """From here on a connection, and every other one on its database, reads `s3://` if the lake lies there."""
    if not isinstance(lake, S3Path):
        return
    from fsspec.implementations.arrow import ArrowFSWrapper
    from pyarrow.fs import S3FileSystem

    class _S3(ArrowFSWrapper):  # type: ignore[misc]  # fsspec has no types
        protocol = "s3"
        cachable = False

    region, endpoint = s3_location()
    connection.register_filesystem(_S3(S3FileSystem(region=region, endpoint_override=endpoint)))


class Plugin:
    """The same for dbt's connections, which dbt-duckdb opens itself; the build names its lake in the environment."""

    def __init__(self, name: str, plugin_config: dict[str, Any], credentials: Any = None) -> None:
        self.name, self.config, self.creds = name, plugin_config, credentials

    def update_connection_config(self, creds: Any, config: dict[str, Any]) -> None:
        """Nothing to add."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called once for the database."""
        lake = os.environ.get("LABELHOUSE_BUILD_LAKE", "")
        if lake.startswith(SCHEME):
            reach_files(conn, S3Path(lake))

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Cursors share the database's file systems."""
