"""What parsing a unit gives: columns, quarantine, and the count of records."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from labelhouse.schema.tables import QUARANTINE

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.identity_map import Directory

#: Longest piece of a quarantined record that is kept.
KEPT_BYTES = 64 * 1024


class Parsed:
    """A chunk of a unit, column by column.

    Invariant: `records_read == records_loaded + records_quarantined + records_filtered`, kept by
    ending every record with exactly one of `loaded`, `filtered` or `quarantine`.

    Attributes:
        rows: table name → rows that came one by one, quarantine among them; those of a table have the same columns.
            `position` and `event_at` are columns; the unit's own columns and `loaded_at` are added when the chunk is
            written.
        arrays: table name → column name → values, a list or an Arrow array: rows that came all at once. Where
            `unit_uri` is among the columns, they are of several units.
        record_keys: table name → numbers and keys of its records, where the table has a `record_key`, and the URIs
            of their units, where these are several.
        parts_filtered: parts of loaded records that were left out on purpose.
        people: complete listings of people, with their names where these were asked for. For the identity map,
            never for the lake.
    """

    def __init__(self, event_at: datetime, identities: Identities) -> None:
        self.rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.arrays: dict[str, dict[str, Any]] = {}
        self.record_keys: dict[str, tuple[Any, Any, Any]] = {}
        self.records_read = 0
        self.records_loaded = 0
        self.records_filtered = 0
        self.records_quarantined = 0
        self.parts_filtered = 0
        self.people: list[Directory] = []
        self._unit_at = event_at
        self._identities = identities

    def row(self, table: str, position: str, event_at: datetime | None, **values: Any) -> None:
        """One row; an event without a time of its own happened at the unit's time."""
        self.rows[table].append({"position": position, "event_at": event_at or self._unit_at, **values})

    def columns(
        self, table: str, columns: dict[str, Any], records: Any = (), keys: Any = (), unit_uris: Any = None
    ) -> None:
        """All rows of a table at once, as Arrow arrays of one length; `position` and `event_at` among them.

        Args:
            columns: with `unit_uri` (dictionary-encoded) where the rows are of several units; their counts are not
                this chunk's, but those of a chunk of each unit.
            records: numbers of the records that the rows came of, where the table has a `record_key`.
            keys: their keys.
            unit_uris: their units, where these are several.
        """
        self.arrays[table] = columns
        if len(records):
            self.record_keys[table] = (records, keys, unit_uris)

    def key(self, table: str, record: int, key: str) -> None:
        """The key of a record that gave rows to a table with a `record_key`."""
        records, keys, _ = self.record_keys.setdefault(table, ([], [], None))
        records.append(record)
        keys.append(key)

    def loaded(self, count: int = 1) -> None:
        """Records end: some part of each was loaded."""
        self.records_read += count
        self.records_loaded += count

    def filtered(self, count: int = 1) -> None:
        """Records end: left out on purpose."""
        self.records_read += count
        self.records_filtered += count

    def quarantine(self, position: str, reason: str, raw: bytes | bytearray | memoryview, *, cleaned: bool) -> None:
        """One record ends: nothing of it could be loaded."""
        self.records_read += 1
        self.records_quarantined += 1
        self.quarantine_part(position, reason, raw, cleaned=cleaned)

    def quarantine_part(
        self, position: str, reason: str, raw: bytes | bytearray | memoryview, *, cleaned: bool
    ) -> None:
        """Keeps a part that could not be loaded (`position` = `record/part`), without ending its record.

        Args:
            cleaned: `raw` has been parsed and its identities replaced; else it is encrypted.
        """
        kept = bytes(raw[:KEPT_BYTES])
        self.row(
            QUARANTINE.name,
            position,
            None,
            reason=reason,
            raw_sha256=hashlib.sha256(raw).hexdigest(),
            raw_size_bytes=len(raw),
            raw_bytes=kept if cleaned else self._identities.encrypt(kept),
            is_encrypted=not cleaned,
        )

    @property
    def tables(self) -> dict[str, dict[str, Any]]:
        """Table name → column name → values of all its rows, but for quarantine."""
        return {name: columns_of(rows) for name, rows in self.rows.items() if name != QUARANTINE.name} | self.arrays

    @property
    def quarantined(self) -> dict[str, list[Any]]:
        """Column name → values of what is quarantined."""
        return columns_of(self.rows.get(QUARANTINE.name, []))


def columns_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Rows with the same columns, column by column."""
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}
