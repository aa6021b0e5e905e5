"""Units for tests of the lake: answers made of nothing but counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from labelhouse.identities import Identities
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import LedgerRow
from labelhouse.lake.snapshots import pin
from labelhouse.lake.write import BatchLoad, LoadedUnit
from labelhouse.marts.raw_views import create_views
from labelhouse.settings import load_settings
from labelhouse.sources.parsed import Parsed

START = datetime(2026, 3, 1, tzinfo=UTC)
IDENTITIES = Identities("k" * 32)
TABLES = ("manifest_entries", "worker_responses")


@dataclass(frozen=True)
class Sample:
    """A unit with `answers` answers, five hours apart, and `bad` quarantined records."""

    uri: str
    version: str
    answers: int
    bad: int = 0
    content: str | None = None


def tail(uri: str) -> str:
    return uri.rsplit("/", 1)[-1]


def begin(lake: Lake, samples: list[Sample]) -> BatchLoad:
    """A batch with everything added and nothing committed."""
    load = BatchLoad(lake, "labeling_output", TABLES, [sample.uri for sample in samples], tail)
    for sample in samples:
        sha256 = sample.content or f"{sample.uri} {sample.version}"
        unit = LoadedUnit(sample.uri, sample.version, START, sha256, size_bytes=10)
        load.begin(unit)
        load.add(unit, chunk(sample))
    return load


def chunk(sample: Sample) -> Parsed:
    parsed = Parsed(START, IDENTITIES)
    for number in range(sample.answers):
        parsed.row(
            "worker_responses",
            str(number),
            START + timedelta(hours=5 * number),
            labeling_job_name="job",
            iteration_number=1,
            dataset_object_id=str(number),
            worker_id=f"w'{number}",
            label=sample.version,
        )
        parsed.loaded()
    for number in range(sample.bad):
        parsed.quarantine(str(sample.answers + number), "not JSON", b"{", cleaned=False)
    return parsed


def write_rows(load: BatchLoad) -> None:
    """The first of a load's commits: its rows, which nobody sees yet."""
    load._flush()
    load._wait_for_writer()


def write(lake: Lake, *samples: Sample) -> list[LedgerRow]:
    return begin(lake, list(samples)).commit()


def visible(lake: Lake, table: str = "worker_responses") -> list[tuple[Any, ...]]:
    """What everybody sees: unit, version and position of each row."""
    with duckdb.connect() as connection:
        create_views(connection, lake, pin(lake, [table]), [])
        return connection.execute(f"select unit_uri, unit_version, position from raw.{table} order by all").fetchall()


def expected(*samples: Sample) -> list[tuple[Any, ...]]:
    return sorted((each.uri, each.version, str(number)) for each in samples for number in range(each.answers))


def stored(lake: Lake, table: str = "worker_responses") -> int:
    """How many rows the table holds, seen or not."""
    return lake.raw(table).scan().count()


def load_in_process(folder: str, number: int, units: int = 5) -> None:
    """One of several loaders at the same time: units of its own, and one that all of them load."""
    lake = Lake(load_settings({}, lake=Path(folder)))
    for unit in range(units):
        write(lake, Sample(f"s3://{number}/{unit}", "v1", 4), Sample("s3://shared/1", f"v{number}", 4))
