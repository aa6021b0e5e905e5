"""Units of the control plane, listed, read and parsed as the pipeline does it, for tests of these sources."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labelhouse.identities import Identities
from labelhouse.identity_map import Directory
from labelhouse.schema.tables import QUARANTINE
from labelhouse.sources import Clients, Source, Unit, Window
from parsed_rows import rows_of

IDENTITIES = Identities("a key for tests, long enough to use")
UNIT_AT = datetime(2024, 6, 1, 12, tzinfo=UTC)


@dataclass
class Result:
    """Everything that parsing a unit gave."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    keys: list[str] = field(default_factory=list)
    people: list[Directory] = field(default_factory=list)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return [(row["position"], row["reason"]) for row in self.quarantined]


def parse(source: Source, data: Any, uri: str = "s3://saved/answer.json") -> Result:
    """Parses a unit, text or a value, and checks what must be true of every chunk."""
    if not isinstance(data, bytes):
        data = json.dumps(data, default=datetime.isoformat).encode()
    result = Result()
    for _, chunk in source.parse([(Unit(uri, "v1", UNIT_AT, len(data)), data)], IDENTITIES):
        assert chunk.records_read == chunk.records_loaded + chunk.records_quarantined + chunk.records_filtered
        for name in ("read", "loaded", "quarantined", "filtered"):
            result.counts[name] += getattr(chunk, f"records_{name}")
        assert set(chunk.tables) <= set(source.tables)
        for table, columns in chunk.tables.items():
            result.tables[table] += rows_of(table, columns)
        if chunk.quarantined:
            result.quarantined += rows_of(QUARANTINE.name, chunk.quarantined)
        for _, keys, _ in chunk.record_keys.values():
            result.keys += keys
        result.people += chunk.people
    return result


def only_row(source: Source, data: Any, uri: str = "s3://saved/answer.json") -> dict[str, Any]:
    """The one row that a unit of the source's first table gives."""
    result = parse(source, data, uri)
    assert result.reasons == []
    (row,) = result.tables[source.tables[0]]
    return row


def units(source: Source, uri: str, clients: Clients) -> list[Unit]:
    return list(source.list_units(uri, clients, Window()))
