"""Lets Airflow's transactions wait for each other on SQLite; the embedded Airflow loads it as its local settings.

A SAVEPOINT outside a transaction begins one that reads. If somebody else commits before it writes, SQLite
refuses the write at once ("database is locked"), however long the timeout: what was read is outdated. Airflow
creates the runs of a backfill that way, and then undoes them under the scheduler's feet, which ends the scheduler.
A transaction that begins as a writer waits for its turn instead.
"""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, event


@event.listens_for(Engine, "savepoint")
def begin_as_writer(connection: Connection, name: str) -> None:  # noqa: ARG001 - SQLAlchemy hands the name too
    """Begins the transaction of a savepoint before the savepoint does."""
    database: Any = connection.connection.dbapi_connection
    if isinstance(database, sqlite3.Connection) and not database.in_transaction:
        database.execute("BEGIN IMMEDIATE")
