"""Loading a batch of units so that a crash, a retry or a second loader never loses or doubles a row.

Three commits, in this order: the rows (appended beside whatever is there), the ledger (which makes them
visible, all at once), the sweep (which deletes what is no longer visible). Rows are visible while the
ledger's newest row of their unit holds their version and `loaded_at`, so a crash between two commits
leaves rows that nobody sees, and a reader never meets a unit half replaced.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import And, BooleanExpression

from labelhouse.folders import one_after_the_other
from labelhouse.lake.append import append
from labelhouse.lake.catalog import Lake, retrying, worth_another_try
from labelhouse.lake.filters import DayRange, between_units, during, loaded, loaded_before, of_units
from labelhouse.lake.ledger import Ledger, LedgerRow
from labelhouse.lake.record_copies import RecordCopies, records_of
from labelhouse.schema.arrow import load_schema, repeated, utc_days
from labelhouse.schema.tables import QUARANTINE, TABLES

#: Rows wait in memory up to this size before they are written; as many again are being written meanwhile.
PENDING_BYTES = 32 * 1024 * 1024

#: Rows that come one by one are gathered, up to so many or so many stored bytes of the units they are of.
GATHERED_ROWS, GATHERED_BYTES = 5000, 8 * 1024 * 1024

_EPOCH = date(1970, 1, 1)


class Chunk(Protocol):
    """A parsed piece of a unit: rows, and columns (`sources.parsed.Parsed`)."""

    @property
    def rows(self) -> Mapping[str, list[dict[str, Any]]]: ...

    @property
    def arrays(self) -> Mapping[str, Mapping[str, Any]]: ...

    @property
    def record_keys(self) -> Mapping[str, tuple[Sequence[int], Sequence[str], pa.Array | None]]: ...

    records_read: int
    records_loaded: int
    records_quarantined: int
    records_filtered: int
    parts_filtered: int


@dataclass(slots=True)
class LoadedUnit:
    """One unit of the batch, as its ledger row will say it. Counts grow chunk by chunk."""

    unit_uri: str
    unit_version: str
    unit_at: datetime
    sha256: str
    size_bytes: int
    records_read: int = 0
    records_loaded: int = 0
    records_quarantined: int = 0
    records_filtered: int = 0
    parts_filtered: int = 0
    event_dates: set[date] = field(default_factory=set)


@dataclass(slots=True)
class Pending:
    """What waits to be written: by table, rows and (where it has a `record_key`) the records they came of."""

    rows: defaultdict[str, list[pa.Table]] = field(default_factory=lambda: defaultdict(list))
    records: defaultdict[str, list[pa.Table]] = field(default_factory=lambda: defaultdict(list))
    size_bytes: int = 0

    def take_large(self) -> Pending:
        """The tables that fill the memory, taken out; every other one is not worth a data file as yet."""
        sizes = {name: sum(rows.nbytes for rows in pieces) for name, pieces in self.rows.items()}
        average, taken = self.size_bytes / max(len(sizes), 1), Pending()
        for name, size in sizes.items():
            if size >= average:
                taken.rows[name] = self.rows.pop(name)
                if name in self.records:
                    taken.records[name] = self.records.pop(name)
                self.size_bytes -= size
        return taken


class _Gathered:
    """Rows of a table that came one by one, together until they are worth Arrow columns."""

    def __init__(self) -> None:
        self._rows: list[dict[str, Any]] = []
        self._units: list[LoadedUnit] = []
        self._size_bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether it is time for Arrow."""
        return len(self._rows) >= GATHERED_ROWS or self._size_bytes > GATHERED_BYTES

    def add(self, unit: LoadedUnit, rows: list[dict[str, Any]]) -> None:
        """Takes rows of a unit."""
        self._rows += rows
        self._units += [unit] * len(rows)
        self._size_bytes += unit.size_bytes

    def columns(self) -> dict[str, list[Any]]:
        """All rows, column by column."""
        columns = {name: [row[name] for row in self._rows] for name in self._rows[0]}
        columns["unit_uri"] = [unit.unit_uri for unit in self._units]
        columns["unit_version"] = [unit.unit_version for unit in self._units]
        return columns


class BatchLoad:
    """The load of one batch. Everything becomes visible in `commit`, or nothing does.

    Args:
        lake: where to.
        source_name: source of every unit of the batch.
        tables: raw tables that source fills.
        unit_uris: all units the batch may hold.
        content_of: unit URI → what must match, beside the bytes, for a unit to be a copy of another.
    """

    def __init__(
        self,
        lake: Lake,
        source_name: str,
        tables: Sequence[str],
        unit_uris: Iterable[str],
        content_of: Callable[[str], str],
    ) -> None:
        self._lake = lake
        self._source_name = source_name
        self._tables = (*tables, QUARANTINE.name)
        self._content_of = content_of
        planned = frozenset(unit_uris)
        self._before = Ledger(lake).newest_loads(planned)
        # later than what it replaces, whatever this machine's clock says: the newest row of a unit is the visible one
        newest = max(self._before.values(), default=datetime.min.replace(tzinfo=UTC))
        self._loaded_at = max(datetime.now(UTC), newest + timedelta(microseconds=1))
        self._units: dict[str, LoadedUnit] = {}
        self._schemas = {name: load_schema(TABLES[name]) for name in self._tables}
        self._pending = Pending()
        self._gathered: defaultdict[str, _Gathered] = defaultdict(_Gathered)
        self._filled: set[str] = set()
        self._copies = RecordCopies(lake, planned, self._loaded_at)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._writing: Future[None] | None = None

    def begin(self, unit: LoadedUnit) -> None:
        """The chunks that follow belong to `unit`."""
        self._units[unit.unit_uri] = unit

    def add(self, unit: LoadedUnit, chunk: Chunk) -> None:
        """Adds a parsed chunk of `unit`: its rows, its quarantine and its counts.

        Rows that say themselves which units they are of may be of any that began.
        """
        for name, rows in chunk.rows.items():
            self._filled.add(name)
            unit.event_dates |= {row["event_at"].astimezone(UTC).date() for row in rows}
            self._gathered[name].add(unit, rows)
            if self._gathered[name].is_full:
                self._close_gathered(name)
        for name, columns in chunk.arrays.items():
            self._filled.add(name)
            table = self._arrow(name, columns, unit)
            for unit_uri, dates in _dates(table).items():
                self._units[unit_uri].event_dates |= dates
            self._pend(name, table)
        for name, (records, keys, unit_uris) in chunk.record_keys.items():
            of_units = unit.unit_uri if unit_uris is None else unit_uris
            self._pending.records[name].append(records_of(of_units, records, keys))
        unit.records_read += chunk.records_read
        unit.records_loaded += chunk.records_loaded
        unit.records_quarantined += chunk.records_quarantined
        unit.records_filtered += chunk.records_filtered
        unit.parts_filtered += chunk.parts_filtered
        if self._pending.size_bytes > PENDING_BYTES:
            with worth_another_try(self._lake.dir):
                self._flush()

    def commit(self) -> list[LedgerRow]:
        """Writes, then commits the ledger, then sweeps. Returns the ledger rows that were committed.

        A unit that another loader committed meanwhile is left to that loader, and one that left out copies of what
        is no more is left to the next plan: they are not among them.

        Raises:
            LakeUnavailableError: it could not be written; the next load of these units makes up for it.
        """
        with worth_another_try(self._lake.dir):
            self._wait_for_writer()
            self._writer.shutdown()
            with one_after_the_other(self._lake.dir, "ledger"):  # who only tries again may starve
                rows = retrying(self._commit_ledger, seconds=900)
            self._sweep({row.unit_uri for row in rows})
        return rows

    def _flush(self) -> None:
        """Writes what fills the memory, while the next units are parsed."""
        self._wait_for_writer()
        self._close_gathered(*self._gathered)  # no record is written before its rows
        self._writing = self._writer.submit(self._write, self._pending.take_large())

    def _wait_for_writer(self) -> None:
        if self._writing:
            self._writing.result()

    def _commit_ledger(self) -> list[LedgerRow]:
        self._close_gathered(*self._gathered)
        ledger = Ledger(self._lake)
        newest = ledger.newest_loads(self._units)
        mine = {uri: unit for uri, unit in self._units.items() if self._before.get(uri) == newest.get(uri)}
        duplicates = self._duplicates(ledger, mine)
        self._write(self._pending, keep=duplicates)
        left = self._copies.settle(ledger, mine)
        copies = self._copies.counts()
        rows = [
            self._ledger_row(unit, copies[uri], duplicates.get(uri)) for uri, unit in mine.items() if uri not in left
        ]
        if rows:
            ledger.append(rows)
        return rows

    def _duplicates(self, ledger: Ledger, mine: Mapping[str, LoadedUnit]) -> dict[str, str]:
        """Unit URI → URI of the unit that brought the same content first, in the lake or in this batch.

        What this batch replaces does not count: of what is loaded again the first is the original, as for records.
        """
        contents = Counter(unit.sha256 for unit in mine.values())
        held = ledger.units_with_content(self._source_name, contents)
        several = {sha256 for sha256, count in contents.items() if count > 1} | {sha256 for sha256, _ in held}
        first: dict[tuple[str, str], str] = {}
        for sha256, uri in held:
            if uri not in mine:
                first.setdefault((sha256, self._content_of(uri)), uri)
        duplicates = {}
        for uri, unit in mine.items():
            if unit.records_loaded and unit.sha256 in several:
                original = first.setdefault((unit.sha256, self._content_of(uri)), uri)
                if original != uri:
                    duplicates[uri] = original
        return duplicates

    def _ledger_row(self, unit: LoadedUnit, copies: int, duplicate_of: str | None) -> LedgerRow:
        is_duplicate = duplicate_of is not None
        copies = unit.records_loaded if is_duplicate else copies
        return LedgerRow(
            source_name=self._source_name,
            unit_uri=unit.unit_uri,
            unit_version=unit.unit_version,
            unit_at=unit.unit_at,
            sha256=unit.sha256,
            size_bytes=unit.size_bytes,
            records_read=unit.records_read,
            records_loaded=unit.records_loaded - copies,
            records_duplicate=copies,
            records_quarantined=unit.records_quarantined,
            records_filtered=unit.records_filtered,
            parts_filtered=unit.parts_filtered,
            loaded_at=self._loaded_at,
            duplicate_of=duplicate_of,
            event_dates=[] if is_duplicate else sorted(unit.event_dates),
        )

    def _pend(self, name: str, rows: pa.Table) -> None:
        self._pending.rows[name].append(rows)
        self._pending.size_bytes += rows.nbytes

    def _close_gathered(self, *names: str) -> None:
        """Turns what was gathered of these tables into Arrow columns."""
        for name in names:
            self._pend(name, self._arrow(name, self._gathered.pop(name).columns()))

    def _arrow(self, name: str, columns: Mapping[str, Any], unit: LoadedUnit | None = None) -> pa.Table:
        """Complete rows; columns that the chunk does not have are the unit's, or NULL."""
        given, count = dict(columns), len(columns["position"])
        unit_uris = given.get("unit_uri")
        if isinstance(unit_uris, pa.DictionaryArray):
            versions = [self._units[unit_uri].unit_version for unit_uri in unit_uris.dictionary.to_pylist()]
            given["unit_version"] = pa.DictionaryArray.from_arrays(unit_uris.indices, versions)
        constant: dict[str, Any] = {"loaded_at": self._loaded_at, "source_name": self._source_name}
        if unit:
            constant |= {"unit_uri": unit.unit_uri, "unit_version": unit.unit_version}
        arrays = []
        for column in self._schemas[name]:
            values = given.get(column.name)
            if values is None:
                arrays.append(repeated(constant.get(column.name), count, column.type))
            else:
                arrays.append(values if isinstance(values, pa.Array) else pa.array(values, column.type))
        return pa.Table.from_arrays(arrays, schema=self._schemas[name])

    def _write(self, pending: Pending, keep: Collection[str] = ()) -> None:
        """Appends rows, but for records that the lake has already, and for units to `keep`, which go on waiting.

        What is written waits no more, so that a write that failed can be tried again.
        """
        for name in pending.rows:
            rows, kept = _apart(pending.rows[name], () if name == QUARANTINE.name else keep)
            sifted = None
            if name in pending.records:
                records, kept_records = _apart(pending.records[name], keep)
                sifted = self._copies.sift(name, rows, records)
                rows = sifted.rows
            if rows.num_rows:
                retrying(partial(self._append, name, rows))
            pending.rows[name] = [kept]
            if sifted:
                self._copies.written(name, sifted)
                pending.records[name] = [kept_records]

    def _append(self, name: str, rows: pa.Table) -> None:
        append(self._lake.raw(name), TABLES[name], rows)

    def _sweep(self, committed: set[str]) -> None:
        """Deletes rows of these units that nobody will see: replaced versions, and what crashed loads left.

        Rows of a later load stay: its ledger row may be on the way.
        """
        replaced = committed & self._before.keys()
        lost = self._units.keys() - committed
        new = committed - replaced
        days = set[date]().union(*(self._units[uri].event_dates for uri in new))
        for name in self._tables:
            if gone := replaced | self._leftovers(name, new, days):
                self._delete(name, And(of_units(gone), loaded_before(self._loaded_at)))
            if lost:
                self._delete(name, And(of_units(lost), loaded(self._loaded_at)))

    def _leftovers(self, name: str, new_units: set[str], days: Collection[date]) -> set[str]:
        """Units, new to the ledger, of which a load that crashed before its ledger commit left rows of these days."""
        if not days or name not in self._filled:
            return set()
        scope = And(between_units(new_units), during([DayRange(min(days), max(days))]), loaded_before(self._loaded_at))
        scan = self._lake.raw(name).scan(row_filter=scope, selected_fields=("unit_uri",))
        wanted = pa.array(list(new_units), pa.string())
        found = (pc.unique(batch["unit_uri"]) for batch in scan.to_arrow_batch_reader())
        return {uri for uris in found for uri in uris.filter(pc.is_in(uris, wanted)).to_pylist()}

    def _delete(self, name: str, rows: BooleanExpression) -> None:
        scan = self._lake.raw(name).scan(row_filter=rows, selected_fields=("unit_uri",))
        if any(batch.num_rows for batch in scan.to_arrow_batch_reader()):
            retrying(lambda: self._lake.raw(name).delete(rows))


def _apart(pieces: list[pa.Table], unit_uris: Collection[str]) -> tuple[pa.Table, pa.Table]:
    """Rows of other units, and rows of these."""
    table = pa.concat_tables(pieces)
    if not unit_uris:
        return table, table.schema.empty_table()
    is_theirs = pc.is_in(table["unit_uri"], pa.array(list(unit_uris), pa.string()))
    return table.filter(pc.invert(is_theirs)), table.filter(is_theirs)


def _dates(rows: pa.Table) -> dict[str, set[date]]:
    """Unit URI → UTC days of its rows."""
    units = rows["unit_uri"].combine_chunks()
    days = utc_days(rows["event_at"].combine_chunks()).cast(pa.int32()).cast(pa.int64())
    pairs = pc.unique(pc.add(pc.multiply(days, len(units.dictionary)), units.indices.cast(pa.int64())))
    uris, found = units.dictionary.to_pylist(), dict[str, set[date]]()
    for pair in pairs.to_pylist():
        day, unit = divmod(pair, len(uris))
        found.setdefault(uris[unit], set()).add(_EPOCH + timedelta(days=day))
    return found
