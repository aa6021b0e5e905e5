"""Two transactions that read, then write, in savepoints: the second waits for the first instead of failing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from labelhouse.demo import waiting_savepoints

TWO_WRITERS = """
import sys, threading
from sqlalchemy import create_engine, text

engine = create_engine(f"sqlite:///{sys.argv[1]}?timeout=20")
with engine.begin() as connection:
    connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    connection.exec_driver_sql("create table runs (name text)")

def write(name, has_read=None, go_on=None):
    with engine.connect() as connection, connection.begin():
        with connection.begin_nested():
            connection.execute(text("select count(*) from runs")).scalar()
            if has_read:
                has_read.set()
                go_on.wait(2)
            connection.execute(text("insert into runs values (:name)"), {"name": name})

has_read, go_on = threading.Event(), threading.Event()
second = threading.Thread(target=lambda: (has_read.wait(), write("second"), go_on.set()))
second.start()
write("first", has_read, go_on)
second.join()
with engine.connect() as connection:
    print(sorted(connection.execute(text("select name from runs")).scalars()))
"""


@pytest.mark.parametrize("waits", [True, False])
def test_who_reads_and_then_writes_waits_for_its_turn(tmp_path: Path, waits: bool) -> None:
    code = f"import {waiting_savepoints.__name__}\n{TWO_WRITERS}" if waits else TWO_WRITERS
    words = [sys.executable, "-c", code, str(tmp_path / "some.db")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if waits:
        assert done.stdout.strip() == "['first', 'second']", done.stderr
    else:
        assert "database is locked" in done.stderr, "SQLite has changed: the module is not needed any more"
