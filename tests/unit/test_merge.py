"""The ledger stays a few files, however many loads there were, and says the same."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import CommitFailedException
from pyiceberg.types import StringType

from labelhouse.lake import merge
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.settings import load_settings
from lake_units import Sample, expected, visible, write

FILES = 3


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setattr(merge, "SMALL_FILES", FILES)
    return Lake(load_settings({}, lake=tmp_path / "lake"))


def unit(number: int) -> Sample:
    return Sample(f"s3://a/{number}", "v1", 2)


def files(lake: Lake) -> int:
    return len(list(lake.raw("ingest_ledger").scan().plan_files()))


def rows(lake: Lake, snapshot_id: int | None = None) -> list[dict[str, Any]]:
    found = lake.raw("ingest_ledger").scan(snapshot_id=snapshot_id).to_arrow().sort_by("loaded_at")
    return list(found.to_pylist())


def test_small_files_become_one(lake: Lake) -> None:
    before: dict[int, list[dict[str, Any]]] = {}
    for number in range(8):
        write(lake, unit(number))
        assert files(lake) <= FILES
        snapshot = lake.raw("ingest_ledger").current_snapshot()
        assert snapshot
        before[snapshot.snapshot_id] = rows(lake)
        assert [row["unit_uri"] for row in rows(lake)] == [f"s3://a/{each}" for each in range(number + 1)]
    assert len(before) == 8, "one snapshot a load"
    assert {each: rows(lake, each) for each in before} == before, "what a release was built from can still be read"
    assert visible(lake) == expected(*map(unit, range(8)))


def test_large_files_are_left_alone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "SMALL_BYTES", 1)
    for number in range(5):
        write(lake, unit(number))
    assert files(lake) == 5


def test_columns_of_a_later_release_are_kept(lake: Lake) -> None:
    for number in range(FILES):
        write(lake, unit(number))
    with lake.raw("ingest_ledger").update_schema() as update:
        update.add_column("of_tomorrow", StringType())
    table = lake.raw("ingest_ledger")
    table.overwrite(table.scan().to_arrow().drop("of_tomorrow").append_column("of_tomorrow", [["x"] * FILES]))
    for number in range(FILES, 2 * FILES):
        write(lake, unit(number))
    assert files(lake) <= FILES
    assert [row["of_tomorrow"] for row in rows(lake)] == ["x"] * FILES + [None] * FILES


@pytest.mark.parametrize("landed", [True, False], ids=["it landed", "it did not"])
def test_a_refusal_loses_and_doubles_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch, landed: bool) -> None:
    for number in range(FILES):
        write(lake, unit(number))
    real, commits = SqlCatalog.commit_table, count(1)

    def refused(*arguments: Any) -> Any:
        if next(commits) != 2:  # the second is the ledger's
            return real(*arguments)
        if landed:
            real(*arguments)
        raise CommitFailedException("the table has changed")

    monkeypatch.setattr(SqlCatalog, "commit_table", refused)
    write(lake, unit(FILES))
    assert len(rows(lake)) == FILES + 1
    assert files(lake) == 1
    assert visible(lake) == expected(*map(unit, range(FILES + 1)))
    assert len(Ledger(lake).known_versions()) == FILES + 1
