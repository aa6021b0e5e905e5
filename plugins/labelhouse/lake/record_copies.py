"""Records that come in several units: a file delivered late once more, two trails into one bucket.

A table with a `record_key` holds each key once. A copy is known by its key, and lies on the same UTC day as the
original, since both say when it happened. What is dropped is counted as duplicate in the unit that came later.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import And, BooleanExpression

from labelhouse.lake.catalog import Lake, retrying
from labelhouse.lake.filters import day_ranges, during, loaded, of_records, of_units
from labelhouse.lake.ledger import Ledger
from labelhouse.schema.tables import TABLES

if TYPE_CHECKING:
    from labelhouse.lake.write import LoadedUnit

_RECORD_OF = r"/.*"  # what `position` has behind the number of the record
_SCHEMA = pa.schema([("unit_uri", pa.string()), ("record", pa.int64()), ("key", pa.string())])


class RecordCopies:
    """What one load knows about the records of its units.

    Args:
        lake: where the originals may be.
        units: URI → unit of this load.
        loaded_at: of this load.

    Attributes:
        counts: unit URI → how many of its records are copies.
    """

    def __init__(self, lake: Lake, units: Mapping[str, LoadedUnit], loaded_at: datetime) -> None:
        self._lake, self._units, self._loaded_at = lake, units, loaded_at
        self._ledger = Ledger(lake)
        self._held: dict[tuple[str, date], pa.Array] = {}
        self.counts: Counter[str] = Counter()
        self._written: dict[str, list[pa.Table]] = {}

    def without(self, name: str, rows: pa.Table, records: pa.Table) -> pa.Table:
        """`rows` of a table without the records that the lake, or this load, holds already.

        Args:
            records: the records that the rows came of, see `records_of`.
        """
        held = [self._held_on(name, day) for day in _days(rows)]
        seen = pa.concat_arrays(
            [*held, *(each["key"].combine_chunks() for each in self._written.get(name, ()))] or [_NONE]
        )
        is_copy = _is_copy(records["key"].combine_chunks(), seen)
        if pc.any(is_copy).as_py():
            copies, records = records.filter(is_copy), records.filter(pc.invert(is_copy))
            self._count(copies)
            rows = rows.filter(pc.invert(_is_of(rows, copies)))
        self._written.setdefault(name, []).append(records)
        return rows

    def remove_those_committed_meanwhile(self, ledger: Ledger) -> None:
        """Deletes the rows, written and not yet visible, of records that somebody else committed since.

        Args:
            ledger: on top of which this load will be committed.
        """
        if ledger.snapshot_id == self._ledger.snapshot_id:
            return
        self._ledger, self._held = ledger, {}
        days = sorted({day for unit in self._units.values() for day in unit.event_dates})
        for name, written in self._written.items():
            records = pa.concat_tables(written)
            held = pa.concat_arrays([self._held_on(name, day) for day in days] or [_NONE])
            is_copy = pc.is_in(records["key"], held)
            copies = records.filter(is_copy)
            for unit_uri in pc.unique(copies["unit_uri"]).to_pylist():
                keys = copies.filter(pc.equal(copies["unit_uri"], unit_uri))["key"].to_pylist()
                mine = And(of_units({unit_uri}), loaded(self._loaded_at), of_records(_key_of(name), keys))
                retrying(partial(self._delete, name, mine))
            self._count(copies)
            self._written[name] = [records.filter(pc.invert(is_copy))]

    def _delete(self, name: str, rows: BooleanExpression) -> None:
        self._lake.raw(name).delete(rows)

    def _held_on(self, name: str, day: date) -> pa.Array:
        """Keys of the visible records of a day, but for those of this load's own units: it replaces them."""
        if (name, day) not in self._held:
            key = _key_of(name)
            scan = self._lake.raw(name).scan(
                row_filter=during(day_ranges([day])), selected_fields=(key, "unit_uri", "loaded_at")
            )
            rows = scan.to_arrow()
            for column in (key, "unit_uri"):  # dictionaries differ from file to file, and do not join
                rows = rows.set_column(rows.column_names.index(column), column, rows[column].cast(pa.string()))
            visible = self._ledger.newest_loads(pc.unique(rows["unit_uri"]).to_pylist()) if rows.num_rows else {}
            others = [(uri, at) for uri, at in visible.items() if uri not in self._units]
            if others:
                uris, times = zip(*others, strict=True)
                newest = pa.table({"unit_uri": pa.array(uris), "loaded_at": pa.array(times, rows["loaded_at"].type)})
                rows = rows.join(newest, ["unit_uri", "loaded_at"], join_type="inner")
            self._held[name, day] = pc.unique(rows[key]) if others else _NONE
        return self._held[name, day]

    def _count(self, copies: pa.Table) -> None:
        for each in copies.group_by("unit_uri").aggregate([([], "count_all")]).to_pylist():
            self.counts[each["unit_uri"]] += each["count_all"]


def records_of(unit_uri: str, numbers: Sequence[int], keys: Sequence[str]) -> pa.Table:
    """Records of a unit that give rows: their numbers in it, and their keys."""
    uris = pa.repeat(pa.scalar(unit_uri), len(numbers))
    return pa.Table.from_arrays([uris, pa.array(numbers, pa.int64()), pa.array(keys, pa.string())], schema=_SCHEMA)


_NONE = pa.array([], pa.string())


def _key_of(name: str) -> str:
    key = TABLES[name].record_key
    assert key, name
    return key


def _days(rows: pa.Table) -> list[date]:
    days: list[date] = pc.unique(rows["event_at"].cast(pa.date32())).to_pylist()
    return sorted(days)


def _is_copy(keys: pa.Array, seen: pa.Array) -> pa.Array:
    """Which keys are among `seen`, or came earlier among the keys themselves."""
    is_seen = pc.is_in(keys, seen)
    encoded = keys.dictionary_encode()
    if len(encoded.dictionary) == len(keys):
        return is_seen
    first = np.zeros(len(keys), bool)
    first[np.unique(encoded.indices.to_numpy(), return_index=True)[1]] = True
    return pc.or_(is_seen, pa.array(~first))


def _is_of(rows: pa.Table, copies: pa.Table) -> pa.Array:
    """Which rows came of one of these records."""
    records = pc.replace_substring_regex(rows["position"].cast(pa.string()), _RECORD_OF, "")
    places = pc.binary_join_element_wise(rows["unit_uri"].cast(pa.string()), records, "\n")
    return pc.is_in(places, pc.binary_join_element_wise(copies["unit_uri"], copies["record"].cast(pa.string()), "\n"))
