"""A lake whose tables a REST catalog knows; a commit whose answer is lost; what errors say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from pyiceberg.exceptions import CommitStateUnknownException

from labelhouse.errors import LakeError
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.lake.mart_tables import MartWrite, ensure_mart, open_mart, restore, tag, untag
from labelhouse.settings import load_settings
from lake_units import Sample, expected, stored, visible, write
from rest_catalog import TOKEN, RestCatalog, running_rest_catalog

ONE, TWO = Sample("s3://a/1", "v1", 20, bad=2), Sample("s3://a/2", "v1", 3)
Served = tuple[RestCatalog, dict[str, str]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with running_rest_catalog(tmp_path_factory.mktemp("rest")) as running:
        yield running


@pytest.fixture
def lake(served: Served, tmp_path: Path, request: pytest.FixtureRequest) -> Lake:
    prefix = re.sub("[^a-z0-9]", "_", f"{request.node.name}_")
    return Lake(load_settings({}, lake=tmp_path / "lake", catalog=served[1], catalog_prefix=prefix))


def test_loads_are_those_of_any_catalog(lake: Lake, served: Served) -> None:
    write(lake, ONE, TWO)
    newer = Sample("s3://a/1", "v2", 5)
    write(lake, newer)
    assert visible(lake) == expected(newer, TWO)
    assert stored(lake) == 8
    assert lake.raw("worker_responses").location() == f"file://{lake.dir}/warehouse/raw/worker_responses"
    assert not (lake.dir / "catalog.db").exists()
    again = Lake(load_settings({}, lake=lake.dir, catalog=served[1], catalog_prefix=lake._prefix))
    assert visible(again) == expected(newer, TWO)


def days(*numbers: int) -> pa.Table:
    return pa.table({"event_date": [date(2026, 3, number) for number in numbers], "count": list(numbers)})


def test_marts_are_written_tagged_and_restored(lake: Lake) -> None:
    schema = days(1).schema
    first = MartWrite(ensure_mart(lake, "fct_day", schema, "event_date"))
    first.replace_all(days(1, 2, 3))
    snapshot = first.finish()
    tag(first.table, snapshot.snapshot_id, "release-000001")
    second = MartWrite(ensure_mart(lake, "fct_day", schema, "event_date"))
    second.replace_days(days(2), "event_date", [date(2026, 3, 2), date(2026, 3, 3)])
    assert second.finish().parent_snapshot_id
    opened = open_mart(lake, "fct_day")
    assert opened
    assert sorted(opened.scan().to_arrow()["count"].to_pylist()) == [1, 2]
    restore(opened, snapshot.snapshot_id)
    assert opened.refresh().scan().to_arrow().num_rows == 3
    untag(lake, "release-000001")
    assert "release-000001" not in opened.refresh().metadata.refs


def test_rows_of_two_publications_never_mix(lake: Lake) -> None:
    schema = days(1).schema
    base = MartWrite(ensure_mart(lake, "fct_day", schema, "event_date"))
    base.replace_all(days(1))
    start = base.finish().snapshot_id
    ours = MartWrite(ensure_mart(lake, "fct_day", schema, "event_date"))
    ours.replace_all(days(2))
    theirs = MartWrite(ensure_mart(lake, "fct_day", schema, "event_date"))
    theirs.append(days(9))
    ours.append(days(3))
    with pytest.raises(LakeError, match="fct_day: another publication wrote to the mart meanwhile"):
        ours.finish()
    opened = open_mart(lake, "fct_day")
    assert opened
    restore(opened, start)
    ours = MartWrite(ensure_mart(lake, "fct_day", schema, "event_date"))
    ours.append(days(4))
    restore(opened.refresh(), start)  # the other one begins
    ours.append(days(5))
    with pytest.raises(LakeError, match="another publication"):
        ours.finish()


@pytest.mark.parametrize("lost", [1, 2, 3])
def test_a_commit_whose_answer_is_lost_neither_doubles_nor_loses_rows(lake: Lake, served: Served, lost: int) -> None:
    write(lake, Sample("s3://a/1", "v0", 4), TWO)  # the tables are there
    served[0].lose_answers = lost
    for _ in range(lost + 1):
        try:
            write(lake, ONE)
        except CommitStateUnknownException:
            continue
        break
    assert served[0].lose_answers == 0
    assert visible(lake) == expected(ONE, TWO)
    assert Ledger(lake).known_versions() == {"s3://a/1": "v1", "s3://a/2": "v1"}
    assert stored(lake) == 23, "every file that a snapshot names is there to be read, and no row twice"


def test_an_unknown_token_is_one_sentence_without_it(lake: Lake, served: Served) -> None:
    wrong = served[1] | {"token": "canary-wrong-token"}
    with pytest.raises(LakeError, match=r"the catalog cannot be opened \(UnauthorizedError\)") as caught:
        _ = Lake(load_settings({}, lake=lake.dir, catalog=wrong)).catalog
    assert "canary" not in str(caught.value)
    assert TOKEN not in repr(load_settings({}, lake=lake.dir, catalog=wrong))
    nowhere = {"type": "rest", "uri": "http://127.0.0.1:9", "token": TOKEN}
    with pytest.raises(LakeError, match=r"the lake cannot be opened \(ConnectionError\)") as caught:
        _ = Lake(load_settings({}, lake=lake.dir, catalog=nowhere)).catalog
    assert TOKEN not in str(caught.value)
