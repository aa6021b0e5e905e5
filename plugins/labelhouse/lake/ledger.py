"""The ledger: which version of which unit the lake holds, and since when. Its newest row of a unit wins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import AlwaysFalse, And, BooleanExpression
from pyiceberg.table import ALWAYS_TRUE
from pyiceberg.table import Table as IcebergTable

from labelhouse.lake.catalog import Lake
from labelhouse.lake.filters import between_units, loaded_after
from labelhouse.lake.merge import append_merging
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.tables import INGEST_LEDGER, QUARANTINE


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """One load of one version of one unit (`schema.tables.INGEST_LEDGER`)."""

    source_name: str
    unit_uri: str
    unit_version: str
    unit_at: datetime
    sha256: str
    size_bytes: int
    records_read: int
    records_loaded: int
    records_duplicate: int
    records_quarantined: int
    records_filtered: int
    loaded_at: datetime
    parts_filtered: int = 0
    duplicate_of: str | None = None
    event_dates: list[date] = field(default_factory=list)


class Ledger:
    """The ledger as of one snapshot."""

    def __init__(self, lake: Lake) -> None:
        self._table = lake.raw(INGEST_LEDGER.name)
        snapshot = self._table.current_snapshot()
        self.snapshot_id = snapshot.snapshot_id if snapshot else None

    def known_versions(self) -> dict[str, str]:
        """Unit URI → the version that the lake holds now.

        Not among them is what left something out as a copy that may be nowhere else by now: a copy of a unit that
        holds something else meanwhile, and a unit with copies of single records, of days that changed since.
        """
        columns = ("source_name", "unit_uri", "unit_version", "sha256", "duplicate_of", "records_duplicate")
        newest = _newest(self._read((*columns, "event_dates", "loaded_at")))
        left_out = pc.or_(pc.is_valid(newest["duplicate_of"]), pc.greater(newest["records_duplicate"], 0))
        # of a million units a few left something out: nothing but their names and versions becomes Python
        known = _pairs(newest.filter(pc.invert(left_out)), "unit_uri", "unit_version")
        doubtful = newest.filter(left_out).to_pylist()
        changed_at = self._replacements() if any(row["duplicate_of"] is None for row in doubtful) else {}
        originals = pa.array({row["duplicate_of"] for row in doubtful}, pa.string())
        content_of = _pairs(newest.filter(pc.is_in(newest["unit_uri"], originals)), "unit_uri", "sha256")

        def is_whole(row: dict[str, Any]) -> bool:
            if row["duplicate_of"] is not None:
                return bool(content_of.get(row["duplicate_of"]) == row["sha256"])
            days = ((row["source_name"], day) for day in row["event_dates"])
            return all(changed_at.get(day, row["loaded_at"]) <= row["loaded_at"] for day in days)

        return known | {row["unit_uri"]: row["unit_version"] for row in doubtful if is_whole(row)}

    def _replacements(self) -> dict[tuple[str, date], datetime]:
        """Source and UTC day → when a unit with rows of that day was last replaced by another version."""
        columns = ("source_name", "unit_uri", "unit_version", "event_dates", "loaded_at")
        rows = self._read(columns)
        loads = rows["unit_uri"].value_counts()
        several = loads.field("values").filter(pc.greater(loads.field("counts"), 1))
        changed_at: dict[tuple[str, date], datetime] = {}
        before: dict[str, dict[str, Any]] = {}
        for load in rows.filter(pc.is_in(rows["unit_uri"], several)).sort_by("loaded_at").to_pylist():
            replaced = before.get(load["unit_uri"], load)
            before[load["unit_uri"]] = load
            if replaced["unit_version"] != load["unit_version"]:
                for day in replaced["event_dates"]:
                    changed_at[load["source_name"], day] = load["loaded_at"]
        return changed_at

    def newest_loads(self, unit_uris: Iterable[str]) -> dict[str, datetime]:
        """Unit URI → when its newest version was loaded, for those of `unit_uris` that the lake knows."""
        rows = self._read_units(unit_uris, ("unit_uri", "loaded_at")).sort_by("loaded_at")
        return dict(zip(rows["unit_uri"].to_pylist(), rows["loaded_at"].to_pylist(), strict=True))

    def loaded_since(self, moment: datetime, versions: Mapping[str, str]) -> list[LedgerRow]:
        """The newest rows of units loaded after a moment, at the version that `versions` gives for their URI.

        Where that is empty any version will do: only the content tells, and it was read after that moment.
        """
        names = tuple(each.name for each in fields(LedgerRow))
        rows = self._read_units(versions, names, loaded_after(moment)).sort_by("loaded_at")
        newest = {row["unit_uri"]: row for row in rows.to_pylist()}
        return [
            LedgerRow(**{name: row[name] for name in names})
            for uri, row in newest.items()
            if versions[uri] in (row["unit_version"], "")
        ]

    def units_with_content(self, source_name: str, sha256s: Iterable[str]) -> list[tuple[str, str]]:
        """SHA-256 and URI of that source's units that hold one of these contents, loaded and visible, now."""
        wanted = pa.array(list(sha256s), pa.string())
        rows = self._read(("source_name", "unit_uri", "sha256", "records_loaded", "loaded_at"))
        holders = rows["unit_uri"].filter(pc.is_in(rows["sha256"], wanted))
        rows = _newest(rows.filter(pc.is_in(rows["unit_uri"], holders)))
        keep = pc.and_(pc.is_in(rows["sha256"], wanted), pc.greater(rows["records_loaded"], 0))
        rows = rows.filter(pc.and_(keep, pc.equal(rows["source_name"], source_name)))
        return list(zip(rows["sha256"].to_pylist(), rows["unit_uri"].to_pylist(), strict=True))

    def append(self, rows: list[LedgerRow]) -> None:
        """Commits `rows` if nobody committed to the ledger since it was opened.

        Raises:
            pyiceberg.exceptions.CommitFailedException: somebody did: open the ledger again and look again.
        """
        schema = arrow_schema(INGEST_LEDGER)
        table = pa.table({name: [getattr(row, name) for row in rows] for name in schema.names}, schema=schema)
        append_merging(self._table, table)

    def _read_units(
        self, unit_uris: Iterable[str], columns: tuple[str, ...], among: BooleanExpression = ALWAYS_TRUE
    ) -> pa.Table:
        """The rows of these units; files of other units alone are not opened."""
        wanted = list(unit_uris)
        if not wanted:
            return self._read(columns, AlwaysFalse())
        rows = self._read(columns, And(among, between_units(wanted)))
        return rows.filter(pc.is_in(rows["unit_uri"], pa.array(wanted, pa.string())))

    def _read(self, columns: tuple[str, ...], among: BooleanExpression = ALWAYS_TRUE) -> pa.Table:
        return self._table.scan(among, selected_fields=columns, snapshot_id=self.snapshot_id).to_arrow()


def _newest(rows: pa.Table) -> pa.Table:
    """The newest row of each unit, in the order in which they were loaded."""
    order = pc.sort_indices(rows["loaded_at"])
    unit_uris = rows["unit_uri"].take(order).to_pylist()
    newest = sorted(dict(zip(unit_uris, range(len(unit_uris)), strict=True)).values())
    return rows.take(order.take(pa.array(newest, pa.int64())))


def _pairs(rows: pa.Table, key: str, value: str) -> dict[str, str]:
    return dict(zip(rows[key].to_pylist(), rows[value].to_pylist(), strict=True))


def units_with_quarantine(lake: Lake) -> set[str]:
    """URIs of the units that ever had a record, or a part of one, in quarantine."""
    batches = lake.raw(QUARANTINE.name).scan(selected_fields=("unit_uri",)).to_arrow_batch_reader()
    return {unit_uri for batch in batches for unit_uri in pc.unique(batch["unit_uri"]).to_pylist()}


def changed_days(lake: Lake, since: int, until: int) -> list[date] | None:
    """UTC days whose rows differ between two ledger snapshots: days of the new loads and of what they replaced.

    None means that days cannot say it: a unit lost all its rows, and what depended on them may lie anywhere.
    """
    table = lake.raw(INGEST_LEDGER.name)
    before, after = _loads(table, since), _loads(table, until)
    new = [load for key, load in after.items() if key not in before]
    units = {load["unit_uri"] for load in new}
    loads = [load for load in after.values() if load["unit_uri"] in units]
    had_rows = {load["unit_uri"] for load in loads if load["records_loaded"]}
    if any(not load["records_loaded"] and load["unit_uri"] in had_rows for load in new):
        return None
    return sorted({day for load in loads for day in load["event_dates"]})


def _loads(table: IcebergTable, snapshot_id: int) -> dict[tuple[str, datetime], dict[str, Any]]:
    columns = ("unit_uri", "loaded_at", "records_loaded", "event_dates")
    rows = table.scan(selected_fields=columns, snapshot_id=snapshot_id).to_arrow().to_pylist()
    return {(row["unit_uri"], row["loaded_at"]): row for row in rows}
