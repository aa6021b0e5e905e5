"""An attempt that was given up and lives on: its task runs a second time, and then the first one wakes up."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from killed import stopped
from labelhouse import extraction, folders
from labelhouse.extraction import LoadSummary
from labelhouse.lake.catalog import Lake
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import Window
from lake_units import stored, visible
from sample_job import write_job


def open_settings(folder: Path) -> Settings:
    return load_settings({}, lake=folder / "lake", own_pseudonym_key=True)


def load(folder: str) -> LoadSummary:
    """The one batch of the one plan."""
    settings = open_settings(Path(folder))
    [plan] = (settings.lake / "plans").glob("*.json")
    return extraction.load_batch(settings, plan.stem, 0, {}.__getitem__)


@pytest.mark.parametrize("moment", ["before 1", "after 2", "before labelhouse.lake.ledger:append_merging"])
def test_an_attempt_that_wakes_up_after_its_successor_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    monkeypatch.setattr(folders, "PATIENCE_SECONDS", 0.2)  # the one that sleeps keeps its place in the queue
    settings = open_settings(tmp_path)
    job = write_job(tmp_path / "output", objects=4)
    plan = extraction.plan(settings, "labeling_output", Window(), {}.__getitem__, uri=str(job))
    assert (plan.batch_count, plan.unit_count) == (1, 5)
    lake = Lake(settings)
    with stopped("test_zombies:load", str(tmp_path), moment):
        loaded = load(str(tmp_path))
        assert loaded.unit_count == 5
        seen = visible(lake)
        assert len(seen) == 12, "three answers to each object"
    assert visible(lake) == seen
    assert stored(lake) == 12, "what the first attempt wrote is swept away"
    ledger = lake.raw("ingest_ledger").scan(selected_fields=("unit_uri",)).to_arrow()["unit_uri"].to_pylist()
    assert set(Counter(ledger).values()) == {1}
    assert load(str(tmp_path)) == loaded, "whoever asks again is told the same"
