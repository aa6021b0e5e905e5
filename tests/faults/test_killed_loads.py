"""A load killed before or after any of its commits, and done again, ends in the same rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from killed import run_killed
from labelhouse.lake.catalog import Lake
from labelhouse.settings import load_settings
from lake_units import Sample, expected, stored, visible, write

OLD = Sample("s3://a/1", "v1", 20, bad=1)
BATCH = (Sample("s3://a/1", "v2", 7, bad=2), Sample("s3://a/2", "v1", 3), Sample("s3://a/3", "v1", 30))


def open_lake(folder: Path | str) -> Lake:
    return Lake(load_settings({}, lake=Path(folder), own_pseudonym_key=True))


def load_batch(folder: str) -> None:
    write(open_lake(folder), *BATCH)


# rows of two tables, the ledger, the sweep of both tables
@pytest.mark.parametrize("moment", [f"{when} {number}" for number in range(1, 6) for when in ("before", "after")])
def test_a_load_killed_at_any_commit_and_repeated_ends_the_same(tmp_path: Path, moment: str) -> None:
    lake = open_lake(tmp_path)
    write(lake, OLD)
    was_killed = run_killed("test_killed_loads:load_batch", str(tmp_path), moment)
    assert was_killed, "there is such a commit"
    seen = visible(lake)
    assert seen in (expected(OLD), expected(*BATCH)), "everything of the batch, or nothing"
    load_batch(str(tmp_path))
    assert visible(lake) == expected(*BATCH)
    assert len(visible(lake, "quarantine")) == 2
    assert stored(lake) == len(expected(*BATCH)), "nothing that nobody sees stays behind"
