"""An event is loaded once, however often it is delivered, by whom, in which order, and whoever else is loading."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from threading import Barrier
from typing import Any

import pytest
from pyiceberg.exceptions import CommitFailedException

from copied_records import LogFile, begin, counts, holders, holds, load_in_process, wait_before_ledger, write
from labelhouse.errors import LakeUnavailableError
from labelhouse.lake import write as write_module
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger, LedgerRow
from labelhouse.lake.write import BatchLoad
from labelhouse.settings import Settings
from lake_units import write_rows

A, B, C = (LogFile(f"s3://trail/{name}", events) for name, events in (("a", "e1 m2"), ("b", "m2 e3"), ("c", "e3 e1")))


# --- where copies may be


def test_in_two_files_of_one_batch(lake: Lake) -> None:
    assert counts(write(lake, A, B, C)) == {A.uri: (2, 0), B.uri: (1, 1), C.uri: (0, 2)}
    assert holds(lake, A, B, C)


def test_in_several_batches_of_the_same_days(lake: Lake) -> None:
    assert [counts(write(lake, each)) for each in (A, B, C)] == [{A.uri: (2, 0)}, {B.uri: (1, 1)}, {C.uri: (0, 2)}]
    late = LogFile("s3://trail/late", "e1 e60 m2 m61 e3")
    assert counts(write(lake, late)) == {late.uri: (2, 3)}, "delivered days later"
    assert holds(lake, late)


def test_twice_in_one_file(lake: Lake) -> None:
    file = LogFile("s3://trail/a", "e1 m2 e1 m2 e1 e3", bad=2, foreign=5)
    (row,) = write(lake, file)
    assert counts([row]) == {file.uri: (3, 3)}
    assert (row.records_read, row.records_quarantined, row.records_filtered) == (13, 2, 5)
    assert holds(lake, file)
    positions = lake.raw("training_metrics").scan(selected_fields=("position",)).to_arrow()["position"].to_pylist()
    assert sorted(positions) == ["0/0", "0/1", "5/0", "5/1"], "the first of them is kept"


@pytest.mark.parametrize("order", ["0123", "3210", "2031", "1302"])
def test_in_two_trails_with_other_files(lake: Lake, order: str) -> None:
    """Two trails cut the same seven events into files of their own; batches come in any order."""
    batches = (
        [LogFile("s3://one/1", "e1 e2 m3", bad=1), LogFile("s3://one/2", "e4 e5")],
        [LogFile("s3://one/3", "m6 e7", foreign=3)],
        [LogFile("s3://two/1", "e1"), LogFile("s3://two/2", "e2 m3 e4", bad=1)],
        [LogFile("s3://two/3", "e5 m6 e7")],
    )
    for number in order:
        write(lake, *batches[int(number)])
    assert holds(lake, *(file for batch in batches for file in batch))


def test_in_a_file_that_is_a_copy_as_a_whole(lake: Lake) -> None:
    """Its rows wait for the verdict, also beside copies of single records."""
    original = LogFile("s3://one/1", "e1 m2 e3", content="same")
    copy = LogFile("s3://two/1", "e1 m2 e3", bad=1, content="same")
    write(lake, A)
    rows = write(lake, original, copy, B)
    assert counts(rows) == {original.uri: (1, 2), copy.uri: (0, 3), B.uri: (0, 2)}
    assert [row.duplicate_of for row in rows] == [None, original.uri, None]
    again = LogFile("s3://three/1", "e1 m2 e3", content="same")
    (row,) = write(lake, again)
    assert (row.records_duplicate, row.duplicate_of, row.event_dates) == (3, original.uri, [])
    assert holds(lake, A, B, original)


# --- loading again


def test_a_unit_is_no_copy_of_itself(lake: Lake) -> None:
    write(lake, A, B)
    assert counts(write(lake, A, B)) == {A.uri: (2, 0), B.uri: (1, 1)}, "as it was, e.g. to replay its quarantine"
    newer = LogFile(A.uri, "e1 e60 m2 e5", "v2")
    assert counts(write(lake, newer)) == {A.uri: (4, 0)}
    assert holds(lake, newer, B)


def test_what_a_new_version_no_longer_holds_is_taken_from_its_copies(lake: Lake) -> None:
    write(lake, A)
    write(lake, C)
    elsewhere = LogFile("s3://trail/elsewhere", "e70 e70")
    write(lake, elsewhere)
    write(lake, LogFile(A.uri, "m2", "v2"))
    assert set(holders(lake)) == {"m2", "e3", "e70"}
    known = Ledger(lake).known_versions()
    assert known == {A.uri: "v2", elsewhere.uri: "v1"}, "what may have lost its original is planned again"
    write(lake, C)
    assert holds(lake, A, C, elsewhere)
    assert C.uri in Ledger(lake).known_versions()


def test_rows_of_a_crashed_load_are_no_originals(lake: Lake) -> None:
    write(lake, LogFile("s3://trail/other", "e2 m3"))
    write_rows(begin(lake, [A, B]))
    assert counts(write(lake, C)) == {C.uri: (2, 0)}
    assert counts(write(lake, A, B)) == {A.uri: (1, 1), B.uri: (0, 2)}
    assert holds(lake, A, B, C, LogFile("", "e2 m3"))


# --- rows that are written before the end of a batch


@pytest.fixture
def early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every unit's rows are written at once."""
    monkeypatch.setattr("labelhouse.lake.write.PENDING_BYTES", 0)
    monkeypatch.setattr("labelhouse.lake.write.GATHERED_ROWS", 0)


@pytest.mark.usefixtures("early")
def test_copies_are_found_in_what_was_written_early(lake: Lake) -> None:
    copy = LogFile("s3://backup/a", A.events, content="same")
    original = LogFile(A.uri, A.events, content="same")
    rows = write(lake, original, B, copy, C, LogFile("s3://trail/d", "e3 e3 e9"))
    assert list(counts(rows).values()) == [(2, 0), (1, 1), (0, 2), (0, 2), (1, 2)]
    assert rows[2].duplicate_of == original.uri
    assert holds(lake, A, B, C, LogFile("", "e9"))


@pytest.mark.usefixtures("early")
def test_units_that_are_loaded_again_are_no_originals_of_each_other(lake: Lake) -> None:
    write(lake, A, B, C)
    for order in ((C, A, B), (B, C, A)):
        rows = write(lake, *order)
        assert sum(row.records_loaded for row in rows) == 3
        assert holds(lake, A, B, C)


@pytest.mark.usefixtures("early")
def test_a_copied_file_that_comes_before_its_original_when_both_are_loaded_again(lake: Lake) -> None:
    copy = LogFile("s3://backup/a", A.events, content="same")
    original = LogFile(A.uri, A.events, content="same")
    write(lake, original)
    write(lake, copy)
    for order in ((copy, original), (original, copy)):
        write(lake, *order)
        assert holds(lake, A)
        assert Ledger(lake).known_versions().keys() == {copy.uri, original.uri}


# --- others who load at the same time


@pytest.mark.parametrize(
    ("is_first", "is_early"), [(True, True), (False, True), (False, False)], ids=["first", "second", "second, at once"]
)
@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ([A, B], [C]),
        ([C, A, B], [A]),
        ([A, C], [A]),
        ([A, B], [B, A]),
        ([A, B], [LogFile(A.uri, "e9", "v2"), C]),
        ([LogFile(A.uri, "e1", content="same")], [LogFile(B.uri, "e1", content="same"), LogFile(C.uri, "e1 e1")]),
    ],
    ids=["other units", "unit of mine", "original of mine", "same units", "newer version", "whole copies"],
)
def test_another_loader_commits_before_or_after(
    lake: Lake,
    mine: list[LogFile],
    theirs: list[LogFile],
    is_first: bool,
    is_early: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if is_early:
        monkeypatch.setattr("labelhouse.lake.write.PENDING_BYTES", 0)
        monkeypatch.setattr("labelhouse.lake.write.GATHERED_ROWS", 0)
    loads = [begin(lake, mine), begin(lake, theirs)]
    for load in loads:
        load._wait_for_writer()
    committed = [row for load in (loads if is_first else reversed(loads)) for row in load.commit()]
    kept = [file for file in [*mine, *theirs] if (file.uri, file.version) in _newest(committed)]
    left = {file.uri for file in [*mine, *theirs]} - {row.unit_uri for row in committed}
    assert holds(lake, *kept)
    files = {file.uri: file for file in mine} if left else {}
    write(lake, *(files[uri] for uri in left))
    assert holds(lake, *kept, *(files[uri] for uri in left)), "the next plan ends it"


def _newest(rows: list[LedgerRow]) -> set[tuple[str, str]]:
    newest = {row.unit_uri: row for row in sorted(rows, key=lambda row: row.loaded_at)}
    return {(row.unit_uri, row.unit_version) for row in newest.values()}


def test_originals_that_go_away_meanwhile(lake: Lake) -> None:
    """What was left out as a copy is not lost: its unit waits for the next plan."""
    write(lake, A)
    load = begin(lake, [C, B])
    write_rows(load)
    write(lake, LogFile(A.uri, "e50", "v2"))
    assert load.commit() == []
    assert set(holders(lake)) == {"e50"}
    assert counts(write(lake, C, B)) == {C.uri: (2, 0), B.uri: (1, 1)}
    assert holds(lake, C, B, LogFile("", "e50"))


def test_units_of_the_batch_that_cannot_be_had_stay_originals(lake: Lake) -> None:
    write(lake, A)
    rows = begin(lake, [C, B], planned=[A.uri]).commit()
    assert counts(rows) == {C.uri: (1, 1), B.uri: (0, 2)}
    assert holds(lake, A, B, C)


def test_loaders_that_commit_at_the_same_moment(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three threads have written their rows and wait for each other before the ledger; one wins each round."""
    write(lake, LogFile("s3://trail/before", "e7 m8"))
    batches = [
        [A, B, LogFile("s3://trail/1", "e7 e10")],
        [C, LogFile("s3://trail/2", "e10 m8 e11"), A],
        [B, LogFile("s3://trail/3", "e11 e1")],
    ]
    barrier = Barrier(3)
    with monkeypatch.context() as patch, ThreadPoolExecutor(3) as threads:
        wait_before_ledger(patch, barrier)
        done = [threads.submit(write, Lake(settings), *batch) for batch in batches]
        rows = [row for each in done for row in each.result()]
    assert sorted(row.unit_uri for row in rows) == sorted({file.uri for batch in batches for file in batch})
    assert holds(lake, *(file for batch in batches for file in batch), LogFile("", "e7 m8"))


def test_processes_that_commit_at_the_same_moment(settings: Settings, lake: Lake) -> None:
    lake.raw("ingest_ledger")
    context = get_context("spawn")
    barrier = context.Barrier(2)
    batches = [[A, B], [C, LogFile("s3://trail/d", "m2 e1 e9"), B]]
    processes = [
        context.Process(target=load_in_process, args=(str(settings.lake), batch, barrier)) for batch in batches
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0]
    assert holds(lake, A, B, C, *batches[1])


# --- writes that fail


def test_a_write_that_fails_for_long_and_then_succeeds_loses_nothing(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The catalog is busy for longer than one write is tried: the whole commit is tried again."""
    real_retrying, real_append, failures = write_module.retrying, BatchLoad._append, iter(range(3))

    def retrying(commit: Callable[[], Any], *, seconds: float = 0.0) -> Any:
        return real_retrying(commit, seconds=seconds) if seconds else commit()

    def append(self: BatchLoad, name: str, rows: Any) -> None:
        if name == "management_events" and next(failures, None) is not None:
            raise CommitFailedException("busy")
        real_append(self, name, rows)

    monkeypatch.setattr(write_module, "retrying", retrying)
    monkeypatch.setattr(BatchLoad, "_append", append)
    assert counts(write(lake, A, B, C)) == {A.uri: (2, 0), B.uri: (1, 1), C.uri: (0, 2)}
    assert holds(lake, A, B, C)


@pytest.mark.usefixtures("early")
def test_an_early_write_that_fails_ends_the_load(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """It happens behind the parser's back: the next write, or the commit, says so."""

    def append(self: BatchLoad, name: str, rows: Any) -> None:
        raise OSError("no space left on device")

    write(lake, A)
    with monkeypatch.context() as patch:
        patch.setattr(BatchLoad, "_append", append)
        with pytest.raises(LakeUnavailableError, match="no space"):
            begin(lake, [B, C])
        with pytest.raises(LakeUnavailableError, match="no space"):
            write(lake, C)
    assert holds(lake, A)
    write(lake, B, C)
    assert holds(lake, A, B, C)
