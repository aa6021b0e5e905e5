"""What parsing a unit gives: columns, quarantine, and the count of records."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

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
        tables: table name → column name → values, a list or an Arrow array. `position` and `event_at` are
            columns; the unit's own columns and `loaded_at` are added when the chunk is written. Where `unit_uri` is
            among them, the rows are of several units.
        record_keys: table name → numbers and keys of its records, where the table has a `record_key`, and the URIs
            of their units, where these are several.
        quarantined: the same as `tables` for the quarantine table.
        parts_filtered: parts of loaded records that were left out on purpose.
        people: complete listings of people, with their names where these were asked for. For the identity map,
            never for the lake.
    """

    def __init__(self, event_at: datetime, identities: Identities) -> None:
        self.tables: dict[str, dict[str, Any]] = defaultdict(lambda: defaultdict(list))
        self.record_keys: dict[str, tuple[Any, Any, Any]] = {}
        self.quarantined: dict[str, list[Any]] = defaultdict(list)
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
        columns = self.tables[table]
        columns["position"].append(position)
        columns["event_at"].append(event_at or self._unit_at)
        for name, value in values.items():
            columns[name].append(value)

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
        self.tables[table] = columns
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
        add = self.quarantined
        add["position"].append(position)
        add["event_at"].append(self._unit_at)
        add["reason"].append(reason)
        add["raw_sha256"].append(hashlib.sha256(raw).hexdigest())
        add["raw_size_bytes"].append(len(raw))
        add["raw_bytes"].append(kept if cleaned else self._identities.encrypt(kept))
        add["is_encrypted"].append(not cleaned)
