"""Log files for tests of copies: events of two tables, made of nothing but their ids."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger, LedgerRow
from labelhouse.lake.snapshots import pin
from labelhouse.lake.write import BatchLoad, LoadedUnit
from labelhouse.marts.raw_views import create_views
from labelhouse.settings import load_settings
from labelhouse.sources.parsed import Parsed
from lake_units import IDENTITIES, START

TABLES = ("training_metrics", "management_events")


@dataclass(frozen=True)
class LogFile:
    """A unit with these events, in this order.

    Args:
        events: ids, with spaces between them: `e7` is a metric call with two points, `m7` a change. Both happened seven
            times five hours after START, in whichever file they are.
        content: the same text makes two files copies of each other.
    """

    uri: str
    events: str
    version: str = "v1"
    bad: int = 0
    foreign: int = 0
    content: str | None = None

    @property
    def ids(self) -> list[str]:
        return self.events.split()


def same_content(_unit_uri: str) -> str:
    return "log"


def begin(lake: Lake, files: Sequence[LogFile], planned: Sequence[str] = ()) -> BatchLoad:
    """A batch with everything added and nothing committed.

    Args:
        planned: URIs of further units of the batch, which could not be had.
    """
    load = BatchLoad(lake, "cloudtrail", TABLES, [*(file.uri for file in files), *planned], same_content)
    for file in files:
        unit = LoadedUnit(file.uri, file.version, START, file.content or f"{file.uri} {file.version}", size_bytes=10)
        load.begin(unit)
        load.add(unit, chunk(file))
    return load


def write(lake: Lake, *files: LogFile) -> list[LedgerRow]:
    return begin(lake, files).commit()


def happened_at(event_id: str) -> datetime:
    return START + timedelta(hours=5 * int(event_id[1:]))


def chunk(file: LogFile) -> Parsed:
    parsed = Parsed(START, IDENTITIES)
    for number, event_id in enumerate(file.ids):
        table = TABLES[event_id.startswith("m")]
        for row in _rows(event_id):
            position = f"{number}/{row['point_index']}" if "point_index" in row else str(number)
            parsed.row(table, position, happened_at(event_id), event_id=event_id, **row)
        parsed.key(table, number, event_id)
        parsed.loaded()
    for number in range(file.bad):
        parsed.quarantine(str(len(file.ids) + number), "not JSON", b"{", cleaned=False)
    parsed.filtered(file.foreign)
    return parsed


def _rows(event_id: str) -> list[dict[str, Any]]:
    if event_id.startswith("m"):
        return [{"event_source": "sagemaker.amazonaws.com", "event_name": "StopTrainingJob"}]
    point = {"trial_component_name": "run", "metric_name": "loss", "metric_at": happened_at(event_id)}
    return [point | {"point_index": index, "metric_value": float(index)} for index in range(2)]


def holders(lake: Lake) -> dict[str, str]:
    """Event → the unit that everybody sees it in.

    Checks that every event is seen once and whole, that every row of the ledger adds up, and that the ledger's
    counts are those of the rows.
    """
    rows = _visible(lake)
    twice = {event for event, count in Counter(event for event, _, _ in rows).items() if count > 1}
    assert not twice, f"events that are seen in several units: {twice}"
    assert {event for event, _, count in rows if count != len(_rows(event))} == set(), "events seen in part"
    found = {event: unit_uri for event, unit_uri, _ in rows}
    for row in _ledger(lake):
        parts = [row[f"records_{part}"] for part in ("loaded", "duplicate", "quarantined", "filtered")]
        assert row["records_read"] == sum(parts), row
        assert min(parts) >= 0, row
    counted = {row["unit_uri"]: row["records_loaded"] for row in _ledger(lake) if row["is_newest"]}
    assert {unit_uri: count for unit_uri, count in counted.items() if count} == Counter(found.values())
    return found


def holds(lake: Lake, *files: LogFile, nothing_else: bool = True) -> bool:
    """Whether each event of these files is seen once, and no other; checks what `holders` checks.

    Args:
        nothing_else: no rows may be stored that nobody sees.
    """
    found = holders(lake)
    if nothing_else:
        seen = sum(len(_rows(event)) for event in found)
        assert sum(lake.raw(name).scan().count() for name in TABLES) == seen, "rows that nobody sees"
    return found.keys() == {event for file in files for event in file.ids}


def counts(rows: list[LedgerRow]) -> dict[str, tuple[int, int]]:
    """Unit → records loaded and records left out as copies."""
    return {row.unit_uri: (row.records_loaded, row.records_duplicate) for row in rows}


def _visible(lake: Lake) -> list[tuple[str, str, int]]:
    with duckdb.connect() as connection:
        create_views(connection, lake, pin(lake, TABLES), [])
        return connection.execute(
            " union all ".join(f"select event_id, unit_uri, count(*) from raw.{name} group by all" for name in TABLES)
        ).fetchall()


def _ledger(lake: Lake) -> list[dict[str, Any]]:
    rows = lake.raw("ingest_ledger").scan().to_arrow().to_pylist()
    newest = Ledger(lake).newest_loads({row["unit_uri"] for row in rows})
    return [row | {"is_newest": newest[row["unit_uri"]] == row["loaded_at"]} for row in rows]


def wait_before_ledger(patch: pytest.MonkeyPatch, barrier: Any) -> None:
    """Every thread (or process) waits for the others before its first commit to the ledger.

    By then each has written its rows, and looked at the same state of the ledger.
    """
    real: Callable[..., None] = Ledger.append
    waited = threading.local()

    def append(self: Ledger, rows: list[LedgerRow]) -> None:
        if not getattr(waited, "once", False):
            waited.once = True
            barrier.wait(120)
        real(self, rows)

    patch.setattr(Ledger, "append", append)


def load_in_process(folder: str, files: list[LogFile], barrier: Any) -> None:
    """One of several loaders that commit at the same moment."""
    with pytest.MonkeyPatch.context() as patch:
        wait_before_ledger(patch, barrier)
        write(Lake(load_settings({}, lake=Path(folder))), *files)


def no_clients(service: str) -> Any:
    """Clients for local folders, for processes too."""
    raise AssertionError(f"a local folder needs no client of {service}")
