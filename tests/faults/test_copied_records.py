"""Loads with copies that are killed, given up or overtaken, and repeated: every event is there once in the end."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from copied_records import LogFile, begin, holders, holds, write
from killed import run_killed
from labelhouse.lake.catalog import Lake
from labelhouse.lake.ledger import Ledger
from labelhouse.lake.write import BatchLoad
from labelhouse.settings import load_settings
from lake_units import write_rows

OLD, OTHER_TRAIL = LogFile("s3://trail/1", "e1 m2"), LogFile("s3://other/1", "e5 m6")
BATCH = (
    LogFile("s3://trail/1", "e1 m2 e3", "v2"),
    LogFile("s3://trail/2", "e5 m6 e7 m8", foreign=2),
    LogFile("s3://trail/3", "e7 e9 e9", bad=1),
)
MEANWHILE = LogFile("s3://other/2", "m8 e3")


def open_lake(folder: Path | str) -> Lake:
    return Lake(load_settings({}, lake=Path(folder), own_pseudonym_key=True))


def load_batch(folder: str) -> None:
    """Copies of what the lake holds, of the batch itself, and of what another loader commits meanwhile."""
    load = begin(open_lake(folder), list(BATCH))
    write_rows(load)
    write(open_lake(folder), MEANWHILE)
    load.commit()


#: The rows of three tables; rows of two tables and the ledger of the other loader; what that one has is deleted
#: from two tables; the ledger; the sweep of two tables. Being killed after one is being killed before the next.
MOMENTS = ["before 1", *(f"after {number}" for number in range(1, 12))]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_load_with_copies_killed_at_any_commit_and_repeated_ends_the_same(tmp_path: Path, moment: str) -> None:
    lake = open_lake(tmp_path)
    write(lake, OLD, OTHER_TRAIL)
    assert run_killed("test_copied_records:load_batch", str(tmp_path), moment), "there is such a commit"
    seen = set(holders(lake))
    before, after = {*OLD.ids, *OTHER_TRAIL.ids}, {event for file in BATCH for event in file.ids}
    assert seen in (before, before | {*MEANWHILE.ids}, after), "everything of the batch, or nothing"
    load_batch(str(tmp_path))
    assert holds(lake, OTHER_TRAIL, MEANWHILE, *BATCH)
    assert lake.raw("quarantine").scan().count() == 1


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_every_event_is_there_once_in_the_end(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaders that overlap, write early, crash, or find files replaced; then plans until nothing is new."""
    lake, chance = open_lake(tmp_path), random.Random(seed)
    files = dict(_files(chance))
    for _ in range(3):
        loads = []
        for _ in range(3):
            monkeypatch.setattr("labelhouse.lake.write.PENDING_BYTES", chance.choice([0, 10**9]))
            monkeypatch.setattr("labelhouse.lake.write.GATHERED_ROWS", chance.choice([0, 200]))
            loads.append(begin(lake, chance.sample(sorted(files.values(), key=str), 3)))
            if chance.random() < 0.3:
                replaced = chance.choice(list(files.values()))
                files[replaced.uri] = LogFile(replaced.uri, _events(chance), f"v{chance.random()}")
        _end(loads, chance)
        holders(lake)
    for _ in range(4):
        known = Ledger(lake).known_versions()
        new = [file for uri, file in files.items() if known.get(uri) != file.version]
        for file in new:
            write(lake, file)
    assert new == [], "plans come to an end"
    assert holds(lake, *files.values(), nothing_else=False)


def _end(loads: list[BatchLoad], chance: random.Random) -> None:
    """Each load commits or crashes, in any order."""
    chance.shuffle(loads)
    for load in loads:
        if chance.random() < 0.2:
            write_rows(load)
        else:
            load.commit()


def _files(chance: random.Random) -> Iterator[tuple[str, LogFile]]:
    """Seven files, two of which are alike."""
    for number in range(6):
        file = LogFile(f"s3://trail/{number}", _events(chance), content=f"content {number}")
        yield file.uri, file
    copy = LogFile("s3://backup/5", file.events, content=file.content)
    yield copy.uri, copy


def _events(chance: random.Random) -> str:
    return " ".join(chance.choices(["e1", "e2", "m3", "e4", "e40", "m41"], k=3))
