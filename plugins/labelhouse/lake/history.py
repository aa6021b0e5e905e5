"""What the house keeps about itself: validations and releases of holds, so that quality has a history.

What is written is a few rows many times a day. So that a year of it is as quick to open as a day, the first writer
of a day makes one file of each day before, and forgets the snapshots that nobody looks back to.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa
from pyiceberg.conversions import from_bytes
from pyiceberg.expressions import AlwaysFalse, BooleanExpression
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.types import TimestamptzType
from pyiceberg.utils.datetime import micros_to_timestamptz

from labelhouse.lake.catalog import Lake, retrying
from labelhouse.lake.filters import DayRange, during, of_definitions, of_validation, of_waivers
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.columns import Table
from labelhouse.schema.quality import CHECK_RESULTS, CHECK_RUNS, CHECK_SUITES, HOLD_RELEASES

Rows = list[dict[str, Any]]

#: How long one may look back to a state of these tables; their rows stay for ever.
RETAINED_SNAPSHOTS = timedelta(days=1)
NO_ROWS = AlwaysFalse()


def keep_validation(lake: Lake, build_id: str, started_at: datetime, results: Rows, runs: Rows) -> None:
    """Stores one validation of a build, in place of an earlier attempt at the same suites.

    Args:
        started_at: when the build began.
        results: columns of `CHECK_RESULTS`.
        runs: columns of `CHECK_RUNS`, a row a suite.
    """
    attempt = of_validation(build_id, {run["suite"] for run in runs}, started_at)
    _store(lake, CHECK_RESULTS, results, attempt)
    _store(lake, CHECK_RUNS, runs, attempt)


def has_definitions(lake: Lake, fingerprint: str) -> bool:
    """Whether the checks as they stood with this fingerprint are stored."""
    scan = lake.raw(CHECK_SUITES.name).scan(of_definitions(fingerprint), selected_fields=("fingerprint",), limit=1)
    return bool(scan.to_arrow().num_rows)


def keep_definitions(lake: Lake, fingerprint: str, rows: Rows) -> None:
    """Stores the checks as they stand (columns of `CHECK_SUITES`), once."""
    _store(lake, CHECK_SUITES, rows, of_definitions(fingerprint))


def keep_hold_release(lake: Lake, row: dict[str, Any]) -> None:
    """Stores one release of a hold (columns of `HOLD_RELEASES`)."""
    _store(lake, HOLD_RELEASES, [row])


def read_waivers(lake: Lake, build_id: str, moment: datetime) -> Rows:
    """The releases of holds (rows of `HOLD_RELEASES`) that count for a build at that moment, oldest first."""
    rows: pa.Table = lake.raw(HOLD_RELEASES.name).scan(of_waivers(build_id, moment)).to_arrow()
    return list(rows.sort_by("released_at").to_pylist())


def day_of_newest(lake: Lake, table: Table, row_count: int) -> datetime | None:
    """Since when, in whole days, a table has so many rows; None where it has none. No file is opened for it."""
    opened = lake.raw(table.name)
    first_day = None
    for day, files in sorted(_files_by_day(opened, table).items(), reverse=True):
        first_day = day
        row_count -= sum(file.record_count for file in files)
        if row_count <= 0:
            break
    return datetime.combine(first_day, time.min, UTC) if first_day else None


def _store(lake: Lake, table: Table, rows: Rows, replaced: BooleanExpression = NO_ROWS) -> None:
    """Adds rows in place of the `replaced` ones, in one commit; the first of a day puts the days before in order."""
    if not rows:
        return
    columns = arrow_schema(table)
    added = pa.Table.from_pylist(rows, schema=columns)
    today = datetime.now(UTC).date()

    def commit() -> bool:
        opened = lake.raw(table.name)
        is_first = is_first_of_day(opened)
        files = _files_by_day(opened, table) if is_first else {}
        scattered = sorted(day for day in files if len(files[day]) > 1 and day < today)
        with opened.transaction() as transaction:
            for day in scattered:
                of_day = during([DayRange(day, day)], str(table.day_column))
                transaction.overwrite(opened.scan(of_day).to_arrow().select(columns.names).cast(columns), of_day)
            transaction.overwrite(added, replaced)
        return is_first

    if retrying(commit):
        forget_snapshots(lake.raw(table.name))


def is_first_of_day(opened: IcebergTable) -> bool:
    """Whether nobody has written to a table today (UTC)."""
    snapshot = opened.current_snapshot()
    last_day = datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC).date() if snapshot else date.min
    return last_day < datetime.now(UTC).date()


def forget_snapshots(opened: IcebergTable) -> None:
    """Forgets what nobody may look back to any more; the rows stay."""
    horizon = datetime.now(UTC) - RETAINED_SNAPSHOTS
    retrying(lambda: opened.refresh().maintenance.expire_snapshots().older_than(horizon).commit())


def _files_by_day(opened: IcebergTable, table: Table) -> dict[date, list[DataFile]]:
    """UTC day → the files whose first row is of that day."""
    place = opened.schema().find_field(str(table.day_column)).field_id
    found: dict[date, list[DataFile]] = {}
    for task in opened.scan().plan_files():
        first_at = micros_to_timestamptz(int(from_bytes(TimestamptzType(), task.file.lower_bounds[place])))
        found.setdefault(first_at.date(), []).append(task.file)
    return found
