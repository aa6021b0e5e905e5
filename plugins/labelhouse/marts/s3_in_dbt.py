"""What dbt-duckdb loads (`dbt/profiles.yml`) so that models read a lake on S3."""

from __future__ import annotations

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin

from labelhouse.lake.object_store import show_s3


class Plugin(BasePlugin):
    """The name that dbt-duckdb looks for."""

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Called once for the build's file."""
        show_s3(conn)
