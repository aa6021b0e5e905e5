"""The changes of alarms' states, committed by compare-and-swap: two evaluators cannot both see the same change.

A change is stored with the actions that wait for it, in one commit: whoever crashes afterwards has lost nothing.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from labelhouse.lake.catalog import Lake
from labelhouse.lake.filters import DayRange, during, since
from labelhouse.lake.history import forget_snapshots, is_first_of_day
from labelhouse.lake.snapshots import ALL_ROWS
from labelhouse.lake.transaction import CompareAndSwap
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.quality import ALARM_CHANGES

Rows = list[dict[str, Any]]

_DAY_COLUMN = str(ALARM_CHANGES.day_column)


class AlarmHistory:
    """`raw.alarm_changes` as of one snapshot; after `store`, as of that commit."""

    def __init__(self, lake: Lake) -> None:
        self._table = lake.raw(ALARM_CHANGES.name)
        snapshot = self._table.current_snapshot()
        self.snapshot_id = snapshot.snapshot_id if snapshot else None
        self._is_first = is_first_of_day(self._table)

    def changes(self, first_at: datetime | None = None) -> Rows:
        """All changes, or those from a moment on (files of earlier days are not opened), oldest first."""
        rows = ALL_ROWS if first_at is None else since(_DAY_COLUMN, first_at)
        found = self._table.scan(rows, snapshot_id=self.snapshot_id).to_arrow() if self.snapshot_id else None
        return [] if found is None else list(found.sort_by([(_DAY_COLUMN, "ascending")]).to_pylist())

    def store(self, rows: Rows) -> None:
        """Commits rows (columns of `ALARM_CHANGES`), in place of those with the same key, if nobody committed since.

        A day's rows are one file, however often something is added: a year of them opens quickly.

        Raises:
            pyiceberg.exceptions.CommitFailedException: somebody did: open the history again and look again.
        """
        columns = arrow_schema(ALARM_CHANGES)
        by_day: dict[date, Rows] = defaultdict(list)
        for row in rows:
            by_day[row[_DAY_COLUMN].astimezone(UTC).date()].append(row)
        with CompareAndSwap(self._table) as transaction:
            for day, added in sorted(by_day.items()):
                of_day = during([DayRange(day, day)], _DAY_COLUMN)
                kept = self._table.scan(of_day).to_arrow().to_pylist() if self.snapshot_id else []
                merged = {tuple(row[name] for name in ALARM_CHANGES.key): row for row in [*kept, *added]}
                transaction.overwrite(pa.Table.from_pylist(list(merged.values()), schema=columns), of_day)
        snapshot = self._table.current_snapshot()
        self.snapshot_id = snapshot.snapshot_id if snapshot else None  # of this commit, whatever came after it
        if self._is_first:
            forget_snapshots(self._table)
