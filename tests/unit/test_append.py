"""Rows go to the files of their days, as pyiceberg's own append would write them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import count
from threading import Barrier, local
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.manifest import DataFile
from pyiceberg.table import Table as IcebergTable
from pyiceberg.types import StringType

from labelhouse.lake.append import append
from labelhouse.lake.catalog import Lake
from labelhouse.lake.filters import DayRange, during
from labelhouse.schema.arrow import arrow_schema, load_schema
from labelhouse.schema.columns import Table
from labelhouse.schema.tables import DAY_TABLES, QUARANTINE, TABLES, TRAINING_METRICS
from labelhouse.settings import Settings, load_settings

DAY = datetime(2026, 3, 1, tzinfo=UTC)
#: A value for every required column; `number` tells rows apart.
VALUES = {"string": "{}", "int": 7, "long": 7, "double": 1.5, "timestamp": DAY, "binary": b"x", "boolean": True}


def rows(table: Table, unit: str, /, *event_ats: datetime, **columns: Any) -> pa.Table:
    """Rows of one unit as a load keeps them; columns that are neither required nor given are NULL."""
    required = {column.name: VALUES[column.type] for column in table.columns if column.required}
    documents = [
        dict.fromkeys(table.column_names)
        | {name: value.format(unit) if isinstance(value, str) else value for name, value in required.items()}
        | {"unit_uri": unit, "position": str(number), table.day_column: at}
        | columns
        for number, at in enumerate(event_ats)
    ]
    return pa.Table.from_pylist(documents, schema=load_schema(table))


def content(opened: IcebergTable, table: Table) -> list[dict[str, Any]]:
    found = opened.scan().to_arrow().cast(arrow_schema(table)).to_pylist()
    return sorted(found, key=lambda row: (row["unit_uri"], row["position"], str(row["event_at"])))


def files(opened: IcebergTable) -> list[DataFile]:
    return sorted((task.file for task in opened.scan().plan_files()), key=lambda file: file.partition[0])


def described(opened: IcebergTable) -> list[dict[str, Any]]:
    """What Iceberg knows of each file, and decides by."""
    names = ("partition", "spec_id", "record_count", "lower_bounds", "upper_bounds", "null_value_counts")
    return [{name: getattr(file, name) for name in (*names, "value_counts")} for file in files(opened)]


MIXED = (
    DAY,
    DAY + timedelta(days=1),
    DAY + timedelta(hours=23, minutes=59, seconds=59, microseconds=999_999),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize("name", DAY_TABLES)
def test_the_result_is_that_of_pyiceberg(tmp_path: Any, name: str) -> None:
    """Units of one day and of several, dictionaries that differ, NULLs in every column that may have them, no rows."""
    table = TABLES[name]
    ours, theirs = (Lake(load_settings({}, lake=tmp_path / each)).raw(name) for each in ("ours", "theirs"))
    repeating = [column.name for column in table.columns if column.repeats and not column.required]
    written = pa.concat_tables(
        [
            rows(table, "s3://a/1", *MIXED),
            rows(table, "s3://a/2"),
            rows(table, "s3://a/3", DAY, DAY + timedelta(hours=1), **dict.fromkeys(repeating, "some")),
            rows(table, "s3://a/4", DAY + timedelta(days=1), **dict.fromkeys(repeating, "other")),
        ]
    )
    append(ours, table, written)
    theirs.append(written.cast(arrow_schema(table)))
    assert content(ours, table) == content(theirs, table)
    assert described(ours) == described(theirs)
    assert [file.partition[0] for file in files(ours)] == [-1, 0, 20513, 20514], "days since 1970"
    assert ours.current_snapshot().summary.operation == theirs.current_snapshot().summary.operation
    assert ours.current_snapshot().summary["total-records"] == "8"


def test_a_day_and_a_unit_are_found_without_the_other_files(lake: Lake) -> None:
    table = TRAINING_METRICS
    days = [DAY + timedelta(days=number) for number in range(5)]
    append(lake.raw(table.name), table, rows(table, "s3://a/1", *days))
    append(lake.raw(table.name), table, rows(table, "s3://b/1", *days))
    opened = lake.raw(table.name)
    assert len(files(opened)) == 10
    scan = opened.scan(row_filter=during([DayRange(date(2026, 3, 2), date(2026, 3, 3))]))
    assert sorted(task.file.partition[0] for task in scan.plan_files()) == [20514, 20514, 20515, 20515]
    assert scan.count() == 4
    one = opened.scan(row_filter="unit_uri = 's3://b/1' and event_at < '2026-03-02T00:00:00+00:00'")
    assert len(list(one.plan_files())) == 1, "bounds of a dictionary column tell files apart"


def test_no_rows_at_all(lake: Lake) -> None:
    append(lake.raw(QUARANTINE.name), QUARANTINE, rows(QUARANTINE, "s3://a/1"))
    assert lake.raw(QUARANTINE.name).scan().count() == 0


@pytest.mark.parametrize("column", ["event_id", "metric_at", "event_at"], ids=["dictionary", "plain", "day"])
def test_a_required_column_is_never_null(lake: Lake, column: str) -> None:
    table = TRAINING_METRICS
    good, bad = rows(table, "s3://a/1", DAY), rows(table, "s3://a/2", DAY, **{column: None})
    with pytest.raises((pa.ArrowInvalid, TypeError)):
        append(lake.raw(table.name), table, pa.concat_tables([good, bad]))
    assert lake.raw(table.name).scan().count() == 0, "nothing is committed"


def test_a_lake_of_another_release(lake: Lake) -> None:
    """A column that the table does not have yet is added when it is opened; one that only the table has stays NULL."""
    table = TRAINING_METRICS
    with lake.raw(table.name).update_schema() as update:
        update.delete_column("user_agent")
        update.add_column("of_tomorrow", StringType())
    append(lake.raw(table.name), table, rows(table, "s3://a/1", DAY, user_agent="boto3"))
    [row] = lake.raw(table.name).scan().to_arrow().to_pylist()
    assert (row["user_agent"], row["of_tomorrow"]) == ("boto3", None)


WRITERS, APPENDS = 8, 4


def test_writers_at_the_same_time_lose_and_double_nothing(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them begin on the same snapshot: all but one have to be rebased, again and again."""
    table = TRAINING_METRICS
    append(lake.raw(table.name), table, rows(table, "s3://first/1", DAY))
    attempts, refusals, barrier, known = count(), count(), Barrier(WRITERS), local()
    real = SqlCatalog.commit_table

    def commit_table(*arguments: Any) -> Any:
        if not hasattr(known, "begun"):
            known.begun = True
            barrier.wait(120)
        next(attempts)
        try:
            return real(*arguments)
        except Exception:
            next(refusals)
            raise

    monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)

    def storm(writer: int) -> None:
        own = Lake(settings)
        for number in range(APPENDS):
            days = (DAY, DAY + timedelta(days=1 + number % 2))
            append(own.raw(table.name), table, rows(table, f"s3://{writer}/{number}", *days))

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(storm, range(WRITERS)))
    assert next(refusals) >= WRITERS - 1, "commits were lost, and tried again by pyiceberg"
    assert next(attempts) > WRITERS * APPENDS
    opened = lake.raw(table.name)
    found = opened.scan(selected_fields=("unit_uri", "position")).to_arrow()
    written = {
        (f"s3://{writer}/{number}", str(row))
        for writer in range(WRITERS)
        for number in range(APPENDS)
        for row in range(2)
    }
    pairs = list(zip(found["unit_uri"].to_pylist(), found["position"].to_pylist(), strict=True))
    assert sorted(pairs) == sorted(written | {("s3://first/1", "0")})
    assert len(opened.snapshots()) == 1 + WRITERS * APPENDS


def test_manifests_are_merged(lake: Lake) -> None:
    table = TRAINING_METRICS
    lake.raw(table.name)
    with lake.raw(table.name).transaction() as transaction:
        transaction.set_properties({"commit.manifest.min-count-to-merge": "5"})
    counts = []
    for number in range(12):
        append(lake.raw(table.name), table, rows(table, f"s3://a/{number}", DAY + timedelta(days=number % 3)))
        opened = lake.raw(table.name)
        counts.append(len(opened.current_snapshot().manifests(opened.io)))
    assert max(counts) == 4
    assert lake.raw(table.name).scan().count() == 12
    assert {file.partition[0] for file in files(lake.raw(table.name))} == {20513, 20514, 20515}
