"""Planning where the lake knows everything already: what a million known objects cost beyond listing them."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import repeat
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from benchmarks.results import circumstances, goal, is_kept, show, spread, table
from copied_records import no_clients
from labelhouse import extraction
from labelhouse.lake.catalog import Lake
from labelhouse.schema.arrow import arrow_schema
from labelhouse.schema.tables import INGEST_LEDGER
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Source, Unit, Window

pytestmark = pytest.mark.timeout(0)

UNITS, LOADS = 1_000_000, 20
MOST_SECONDS = 10.0
AT = datetime(2026, 3, 1, tzinfo=UTC)


def test_a_million_known_objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    settings = load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)
    units = [Unit(f"s3://bucket/output/job-{n % 50}/{n}/2026.json", f"{n:032x}", AT, 500) for n in range(UNITS)]
    _fill(Lake(settings), units)
    source = Source("labeling_output", "", (), lambda *_: iter(units), *repeat(_never, 3))  # type: ignore[arg-type]
    monkeypatch.setattr(extraction, "source_named", lambda name: source)
    walls = [_seconds_of(lambda: _plan(settings)) for _ in range(pytestconfig.getoption("--rounds"))]
    rows = [goal("ledger look-up and plan, s", f"≤ {MOST_SECONDS:g}", spread(walls), max(walls) <= MOST_SECONDS)]
    lines = [
        circumstances(),
        "",
        f"{UNITS:,} objects in a ledger of {LOADS} loads, listed from memory; none is new.",
        "",
        *table(["figure", "goal", "measured", "reached"], rows),
    ]
    show("Extraction: known objects", lines, keep=is_kept(pytestconfig))


def _fill(lake: Lake, units: list[Unit]) -> None:
    schema = arrow_schema(INGEST_LEDGER)
    size = len(units) // LOADS
    for number in range(LOADS):
        part = units[number * size : (number + 1) * size]
        constant: dict[str, Any] = {
            "source_name": "labeling_output", "unit_at": AT, "size_bytes": 500, "records_read": 1, "records_loaded": 1,
            "records_duplicate": 0, "records_quarantined": 0, "records_filtered": 0, "event_dates": [AT.date()],
            "loaded_at": AT + timedelta(minutes=number), "parts_filtered": 0,
        }  # fmt: skip
        columns = {
            "unit_uri": [unit.uri for unit in part],
            "unit_version": [unit.version for unit in part],
            "sha256": [unit.version * 2 for unit in part],
        }
        arrays = [
            pa.array(columns.get(each.name) or [constant.get(each.name)] * len(part), each.type) for each in schema
        ]
        lake.raw(INGEST_LEDGER.name).append(pa.Table.from_arrays(arrays, schema=schema))


def _plan(settings: Settings) -> None:
    planned = extraction.plan(settings, "labeling_output", Window(), no_clients, uri="s3://bucket/output")
    assert (planned.unit_count, planned.known_count) == (0, UNITS)


def _seconds_of(step: Callable[[], None]) -> float:
    began = time.perf_counter()
    step()
    return time.perf_counter() - began


def _never(*_: Any) -> Any:
    raise AssertionError("nothing is read")
