"""Records that come in several units: a file delivered late once more, two trails into one bucket.

A table with a `record_key` holds each key once. A copy is known by its key, and lies on the same UTC day as the
original, since both say when it happened. What is dropped is counted as duplicate in the unit that came later.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyiceberg.expressions import And, BooleanExpression

from labelhouse.lake.catalog import Lake, retrying
from labelhouse.lake.filters import day_ranges, during, loaded, of_records, of_units
from labelhouse.lake.ledger import Ledger
from labelhouse.schema.arrow import REPEATING, repeated, utc_days
from labelhouse.schema.tables import TABLES

_RECORD_OF = r"/.*"  # what `position` has behind the number of the record
_SCHEMA = pa.schema([("unit_uri", REPEATING), ("record", pa.int64()), ("key", pa.string())])


@dataclass(frozen=True, slots=True)
class Sifted:
    """Rows without those of copies, the records that they came of, and the records that are copies."""

    rows: pa.Table
    originals: pa.Table
    copies: pa.Table


class RecordCopies:
    """What one load knows about the records of its units.

    Args:
        lake: where the originals may be.
        unit_uris: every unit that the load may bring.
        loaded_at: of this load.
    """

    def __init__(self, lake: Lake, unit_uris: Collection[str], loaded_at: datetime) -> None:
        self._lake, self._unit_uris, self._loaded_at = lake, frozenset(unit_uris), loaded_at
        self._ledger = Ledger(lake)
        self._days: defaultdict[str, set[date]] = defaultdict(set)
        self._held: dict[tuple[str, date], pa.Array] = {}
        self._originals: dict[str, pa.Table] = {}
        self._copies: dict[str, pa.Table] = {}

    def sift(self, name: str, rows: pa.Table, records: pa.Table) -> Sifted:
        """Rows of a table apart from those of records that the lake, or this load, holds already.

        Args:
            records: the records that the rows came of, see `records_of`.
        """
        days = _days(rows)
        self._days[name] |= days
        for day in days - {day for table, day in self._held if table == name}:
            self._held[name, day] = self._held_on(name, day, self._ledger, self._unit_uris)
        seen = pa.concat_arrays([*(self._held[name, day] for day in days), _keys(self._originals.get(name))])
        is_copy = _is_copy(_keys(records), seen)
        if not pc.any(is_copy).as_py():
            return Sifted(rows, records, records.slice(0, 0))
        copies = records.filter(is_copy)
        return Sifted(rows.filter(pc.invert(_is_of(rows, copies))), records.filter(pc.invert(is_copy)), copies)

    def written(self, name: str, sifted: Sifted) -> None:
        """Takes down what of a table was written, and what was not."""
        for known, records in ((self._originals, sifted.originals), (self._copies, sifted.copies)):
            known[name] = pa.concat_tables([known[name], records]) if name in known else records

    def settle(self, ledger: Ledger, unit_uris: Collection[str]) -> set[str]:
        """Looks again, at the state on top of which the load will be committed; rows are written, and not yet visible.

        Deletes rows of records that somebody else committed since.

        Args:
            ledger: that state.
            unit_uris: the units that will be committed.

        Returns:
            Units that must not be: of their records some were left out as copies, and the originals are no more.
        """
        mine, left = set(unit_uris), set[str]()
        if ledger.snapshot_id == self._ledger.snapshot_id and mine == self._unit_uris:
            return left
        while True:
            held = {name: self._held_since(name, ledger, mine) for name in self._originals}
            bereft = self._bereft(held, mine)
            if not bereft:
                break
            mine, left = mine - bereft, left | bereft
        for name, keys in held.items():
            self._leave_to_others(name, keys, mine)
        return left

    def counts(self) -> Counter[str]:
        """Unit URI → how many of its records are copies."""
        return Counter(unit_uri for copies in self._copies.values() for unit_uri in copies["unit_uri"].to_pylist())

    def _bereft(self, held: dict[str, pa.Array], mine: set[str]) -> set[str]:
        """Those of `mine` with copies of records that neither the lake holds nor `mine` bring."""
        found: set[str] = set()
        for name, copies in self._copies.items():
            theirs = copies.filter(_is_of_units(copies, mine))
            originals = self._originals[name].filter(_is_of_units(self._originals[name], mine))
            is_seen = pc.is_in(theirs["key"], pa.concat_arrays([held[name], _keys(originals)]))
            found.update(theirs.filter(pc.invert(is_seen))["unit_uri"].to_pylist())
        return found

    def _leave_to_others(self, name: str, held: pa.Array, mine: set[str]) -> None:
        """Deletes the rows of those of `mine` whose records the lake holds."""
        records = self._originals[name]
        is_copy = pc.and_(_is_of_units(records, mine), pc.is_in(records["key"], held))
        copies = records.filter(is_copy)
        for unit_uri in pc.unique(copies["unit_uri"]).to_pylist():
            keys = copies.filter(pc.equal(copies["unit_uri"], unit_uri))["key"].to_pylist()
            rows = And(of_units({unit_uri}), loaded(self._loaded_at), of_records(_key_of(name), keys))
            retrying(partial(self._delete, name, rows))
        self._originals[name] = records.filter(pc.invert(is_copy))
        self._copies[name] = pa.concat_tables([self._copies[name], copies])

    def _delete(self, name: str, rows: BooleanExpression) -> None:
        self._lake.raw(name).delete(rows)

    def _held_since(self, name: str, ledger: Ledger, replaced: Collection[str]) -> pa.Array:
        return pa.concat_arrays([_NONE, *(self._held_on(name, day, ledger, replaced) for day in self._days[name])])

    def _held_on(self, name: str, day: date, ledger: Ledger, replaced: Collection[str]) -> pa.Array:
        """Keys of the visible records of a day, but for those of units that this load replaces."""
        columns = (_key_of(name), "unit_uri", "loaded_at")
        scan = self._lake.raw(name).scan(row_filter=during(day_ranges([day])), selected_fields=columns)
        loads: dict[str, datetime | None] = dict.fromkeys(replaced)
        keys = [_NONE]
        # a day may have gigabytes: what repeats is read as it was stored, and nothing stays but the keys
        for batch in scan.to_arrow_batch_reader(dictionary_columns=columns[:2]):
            units = batch["unit_uri"].dictionary_encode()
            uris = units.dictionary.to_pylist()
            if new := set(uris) - loads.keys():
                loads |= dict.fromkeys(new) | ledger.newest_loads(new)
            times = pa.array([loads[unit_uri] for unit_uri in uris], _TIME)
            is_visible = pc.equal(batch["loaded_at"], times.take(units.indices))
            keys.append(pc.unique(batch[_key_of(name)].filter(is_visible)).cast(pa.string()))
        return pc.unique(pa.concat_arrays(keys))


def records_of(unit_uris: str | pa.Array, numbers: Sequence[int], keys: Sequence[str]) -> pa.Table:
    """Records that give rows: the unit of all of them or of each, their numbers in it, and their keys."""
    if isinstance(unit_uris, str):
        unit_uris = repeated(unit_uris, len(numbers), REPEATING)
    return pa.Table.from_arrays([unit_uris, pa.array(numbers, pa.int64()), pa.array(keys, pa.string())], schema=_SCHEMA)


_NONE = pa.array([], pa.string())
_TIME = pa.timestamp("us", tz="UTC")


def _key_of(name: str) -> str:
    key = TABLES[name].record_key
    assert key, name
    return key


def _days(rows: pa.Table) -> set[date]:
    return set(pc.unique(utc_days(rows["event_at"])).to_pylist())


def _keys(records: pa.Table | None) -> pa.Array:
    return records["key"].combine_chunks() if records is not None else _NONE


def _is_of_units(records: pa.Table, unit_uris: Collection[str]) -> pa.Array:
    return pc.is_in(records["unit_uri"], pa.array(list(unit_uris), pa.string()))


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
    theirs = (copies["unit_uri"].cast(pa.string()), copies["record"].cast(pa.string()))
    return pc.is_in(places, pc.binary_join_element_wise(*theirs, "\n"))
