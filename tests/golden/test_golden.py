"""A small sample of every source in the documented shapes, all of it invented, and exactly what the lake gets of it.

Run `python tests/golden/test_golden.py` with `plugins` and `tests` on the path to write what it gets now over what
is expected; then read the difference.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labelhouse.identities import Identities
from labelhouse.schema.tables import QUARANTINE
from labelhouse.sources import Window, all_sources, source_named
from parsed_rows import rows_by_unit, rows_of

FOLDER = Path(__file__).parent
IDENTITIES = Identities("a key for tests, long enough to use")
UNIT_AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
COUNTS = ("records_read", "records_loaded", "records_quarantined", "records_filtered", "parts_filtered")


def found(name: str) -> dict[str, Any]:
    """Each unit of a source's sample by its path, with what it gives; times and decimals as text."""
    source, folder = source_named(name), FOLDER / name / "input"
    listed = list(source.list_units(str(folder), {}.__getitem__, Window()))
    # a file's own time is whenever it was checked out
    units = [(replace(unit, unit_at=UNIT_AT), source.read_unit(unit, {}.__getitem__)) for unit in listed]
    gave: dict[str, Any] = {
        unit.uri: {"counts": dict.fromkeys(COUNTS, 0), "rows": {}, "quarantined": []} for unit in listed
    }
    for unit, chunk in source.parse(units, IDENTITIES):
        given = gave[unit.uri]
        for count in COUNTS:
            given["counts"][count] += getattr(chunk, count)
        for table, columns in chunk.tables.items():
            for unit_uri, rows in rows_by_unit(unit.uri, table, columns).items():
                gave[unit_uri]["rows"].setdefault(table, []).extend(rows)
        if chunk.quarantined:
            for row in rows_of(QUARANTINE.name, chunk.quarantined):
                given["quarantined"].append(_anywhere(row, folder.resolve().as_uri().encode() + b"/"))
    text = json.dumps(gave, default=_as_text).replace(f"{folder.resolve().as_uri()}/", "")
    plain: dict[str, Any] = json.loads(text)
    return plain


def _anywhere(row: dict[str, Any], folder: bytes) -> dict[str, Any]:
    """A quarantined row as it would be wherever the checkout lies."""
    if row["is_encrypted"]:
        return row | {"raw_bytes": b"(encrypted)"}
    if folder not in row["raw_bytes"]:
        return row
    raw = row["raw_bytes"].replace(folder, b"")
    return row | {"raw_bytes": raw, "raw_size_bytes": len(raw), "raw_sha256": hashlib.sha256(raw).hexdigest()}


def _as_text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@pytest.mark.parametrize("name", sorted(all_sources()))
def test_the_sample_gives_exactly_what_is_expected(name: str) -> None:
    assert found(name) == json.loads((FOLDER / name / "expected.json").read_text())


if __name__ == "__main__":
    for each in all_sources():
        (FOLDER / each / "expected.json").write_text(json.dumps(found(each), indent=1, ensure_ascii=False) + "\n")
