"""The lake: nothing lost, nothing twice, nothing half replaced."""

from __future__ import annotations

from datetime import date, datetime, tzinfo
from pathlib import Path

import pytest

from labelhouse.errors import LakeError
from labelhouse.lake.catalog import Lake
from labelhouse.lake.filters import DayRange, day_ranges
from labelhouse.lake.ledger import Ledger, changed_days
from labelhouse.lake.snapshots import pin
from labelhouse.settings import load_settings
from lake_units import Sample, begin, expected, load_in_process, stored, visible, write, write_rows
from lake_writers import at_once

ONE, TWO = Sample("s3://a/1", "v1", 20, bad=2), Sample("s3://a/2", "v1", 3)


def test_rows_and_ledger_add_up(lake: Lake) -> None:
    rows = write(lake, ONE, TWO)
    assert [(row.records_read, row.records_loaded, row.records_quarantined) for row in rows] == [(22, 20, 2), (3, 3, 0)]
    assert visible(lake) == expected(ONE, TWO)
    assert len(visible(lake, "quarantine")) == 2
    assert Ledger(lake).known_versions() == {"s3://a/1": "v1", "s3://a/2": "v1"}


def test_a_new_version_replaces_the_rows_of_its_unit_only(lake: Lake) -> None:
    write(lake, ONE, TWO)
    newer = Sample("s3://a/1", "v2", 5)
    write(lake, newer)
    assert visible(lake) == expected(newer, TWO)
    assert stored(lake) == 8, "replaced rows are swept"
    assert visible(lake, "quarantine") == []


def test_rows_are_invisible_until_the_ledger_is_committed(lake: Lake) -> None:
    write(lake, ONE)
    load = begin(lake, [Sample("s3://a/1", "v2", 5), TWO])
    write_rows(load)
    assert stored(lake) == 28
    assert visible(lake) == expected(ONE), "the old version stays whole until the new one is"
    load.commit()
    assert visible(lake) == expected(Sample("s3://a/1", "v2", 5), TWO)


def test_a_copy_is_counted_as_duplicate_and_not_seen(lake: Lake) -> None:
    write(lake, Sample("s3://a/2", "v1", 3, content="same"))
    (copy,) = write(lake, Sample("s3://backup/2", "v9", 3, content="same"))
    assert (copy.records_loaded, copy.records_duplicate, copy.duplicate_of) == (0, 3, "s3://a/2")
    assert visible(lake) == expected(TWO)
    assert stored(lake) == 3


def test_two_copies_in_one_batch_load_once(lake: Lake) -> None:
    rows = write(lake, Sample("s3://a/2", "v1", 3, content="same"), Sample("s3://b/2", "v1", 3, content="same"))
    assert [row.records_duplicate for row in rows] == [0, 3]
    assert visible(lake) == expected(TWO)


def test_the_same_bytes_under_another_name_are_no_copy(lake: Lake) -> None:
    write(lake, Sample("s3://a/1", "v1", 3, content="same"), Sample("s3://a/2", "v1", 3, content="same"))
    assert len(visible(lake)) == 6


def test_who_commits_second_leaves_the_unit_to_the_first(lake: Lake) -> None:
    slow, quick = begin(lake, [ONE, TWO]), begin(lake, [ONE])
    assert len(quick.commit()) == 1
    assert [row.unit_uri for row in slow.commit()] == ["s3://a/2"]
    assert visible(lake) == expected(ONE, TWO)
    assert stored(lake) == 23, "the loser's rows are swept"


def test_a_slow_loader_with_an_old_version_does_not_win(lake: Lake) -> None:
    newer = Sample("s3://a/1", "v2", 5)
    fast = begin(lake, [newer])
    slow = begin(lake, [ONE])
    fast.commit()
    assert slow.commit() == []
    assert visible(lake) == expected(newer)


def test_leftovers_of_a_crashed_load_are_swept_by_the_next(lake: Lake) -> None:
    write_rows(begin(lake, [ONE, TWO]))
    assert (stored(lake), visible(lake)) == (23, [])
    write(lake, ONE)
    assert visible(lake) == expected(ONE)
    assert stored(lake) == 23, "leftovers of the other unit wait for its own load"
    write(lake, TWO)
    assert (stored(lake), visible(lake)) == (23, expected(ONE, TWO))


def test_a_sweep_leaves_the_rows_of_a_later_load_alone(lake: Lake) -> None:
    """A committed and is about to sweep; D begins, appends the next version, and commits after A's sweep."""
    write(lake, ONE)
    newer, newest = Sample("s3://a/1", "v2", 5), Sample("s3://a/1", "v3", 7)
    slow = begin(lake, [newer])
    slow._commit_ledger()
    later = begin(lake, [newest])
    write_rows(later)
    slow._sweep({newer.uri})
    assert visible(lake) == expected(newer)
    later.commit()
    assert visible(lake) == expected(newest)


def test_a_clock_that_is_behind_hides_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    write(lake, ONE)

    class Behind(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(2020, 1, 1, tzinfo=tz)

    monkeypatch.setattr("labelhouse.lake.write.datetime", Behind)
    newer = Sample("s3://a/1", "v2", 5)
    write(lake, newer)
    assert visible(lake) == expected(newer)


def test_a_copy_is_loaded_when_its_original_has_moved_on(lake: Lake) -> None:
    write(lake, Sample("s3://a/2", "v1", 3, content="same"))
    write(lake, Sample("s3://backup/2", "v1", 3, content="same"))
    assert "s3://backup/2" in Ledger(lake).known_versions()
    write(lake, Sample("s3://a/2", "v2", 4))
    assert "s3://backup/2" not in Ledger(lake).known_versions(), "it is planned again"
    (again,) = write(lake, Sample("s3://backup/2", "v1", 3, content="same"))
    assert again.records_loaded == 3


def test_content_that_moves_within_a_batch_is_not_lost(lake: Lake) -> None:
    write(lake, Sample("s3://a/2", "v1", 3, content="same"))
    write(lake, Sample("s3://a/2", "v2", 4), Sample("s3://b/2", "v1", 3, content="same"))
    assert visible(lake) == expected(Sample("s3://a/2", "v2", 4), Sample("s3://b/2", "v1", 3))


@pytest.mark.parametrize("name", ["my lake", "Übung", "100%", "it's", "a+b&c"])
def test_a_lake_may_lie_in_any_folder(tmp_path: Path, name: str) -> None:
    lake = Lake(load_settings({}, lake=tmp_path / name / "lake"))
    write(lake, TWO)
    assert visible(lake) == expected(TWO)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_catalog_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "catalog.db").write_bytes(b"no database" * 1000)
    for settings in (load_settings({}, lake=tmp_path), load_settings({}, lake=tmp_path, catalog_uri="foo")):
        with pytest.raises(LakeError, match="the catalog cannot be opened") as caught:
            Lake(settings).raw("ingest_ledger")
        assert "\n" not in str(caught.value)


def test_changed_days_are_those_of_the_new_rows_and_of_those_they_replace(lake: Lake) -> None:
    write(lake, ONE, TWO)
    before = pin(lake)["ingest_ledger"]
    write(lake, Sample("s3://a/1", "v2", 1))
    after = pin(lake)["ingest_ledger"]
    assert before
    assert after
    assert changed_days(lake, before, after) == [date(2026, 3, day) for day in range(1, 5)]
    assert changed_days(lake, after, after) == []
    write(lake, Sample("s3://a/1", "v3", 0, bad=1))
    emptied = pin(lake)["ingest_ledger"]
    assert emptied
    assert changed_days(lake, after, emptied) is None, "everything may depend on rows that are gone"


def test_day_ranges_are_sorted_and_without_gaps() -> None:
    days = [date(2026, 3, 5), date(2026, 3, 1), date(2026, 3, 2), date(2026, 2, 28)]
    assert day_ranges(days) == [
        DayRange(date(2026, 2, 28), date(2026, 3, 2)),
        DayRange(date(2026, 3, 5), date(2026, 3, 5)),
    ]
    assert day_ranges([]) == []


def test_names_are_data_in_filters_and_paths(lake: Lake) -> None:
    wicked = [
        Sample("s3://a/' or 1=1 --", "v1", 2),
        Sample("s3://a/../../../etc/passwd", "v1", 2),
        Sample("s3://a/" + "x" * 1000, "'; drop table x", 2),
        Sample("s3://a/\u202eemoji\U0001f600\u200b", "v1", 2),
    ]
    write(lake, *wicked)
    newer = [Sample(each.uri, "v2", 1) for each in wicked]
    write(lake, *newer)
    assert visible(lake) == expected(*newer)
    outside = [path for path in lake.dir.parent.rglob("*") if path.is_file() and lake.dir not in path.parents]
    assert outside == []


def test_two_processes_may_make_a_lake_at_the_same_time(tmp_path: Path) -> None:
    for attempt in range(3):
        folder = str(tmp_path / str(attempt))
        at_once(load_in_process, [(folder, number, 1) for number in range(2)])


def test_writers_at_the_same_time_lose_and_double_nothing(lake: Lake) -> None:
    lake.raw("ingest_ledger")
    at_once(load_in_process, [(str(lake.dir), number) for number in range(3)])
    own = [Sample(f"s3://{number}/{unit}", "v1", 4) for number in range(3) for unit in range(5)]
    rows = visible(lake)
    assert [row for row in rows if row[0] != "s3://shared/1"] == expected(*own)
    shared = {row[1] for row in rows if row[0] == "s3://shared/1"}
    assert len(shared) == 1, "one version of the unit that all of them wrote"
