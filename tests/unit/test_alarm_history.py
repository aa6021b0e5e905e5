"""The history of alarms in the lake: written by compare-and-swap, its old snapshots forgotten."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyiceberg.exceptions import CommitFailedException

from labelhouse.checks.alarms import Change
from labelhouse.lake.alarm_history import AlarmHistory
from labelhouse.lake.catalog import Lake
from labelhouse.settings import Settings, load_settings

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake")


def test_a_stale_history_cannot_be_written_to(settings: Settings) -> None:
    lake = Lake(settings)
    row = Change("read", NOW, None, "OK", "Why.", (), ()).as_row()
    first, second = AlarmHistory(lake), AlarmHistory(lake)
    first.store([row])
    with pytest.raises(CommitFailedException):
        second.store([row | {"alarm_name": "other"}])
    assert [each["alarm_name"] for each in AlarmHistory(lake).changes()] == ["read"]


def test_snapshots_of_earlier_days_are_forgotten_and_their_rows_stay(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(settings)
    for number in range(5):
        AlarmHistory(lake).store([Change(f"alarm_{number}", NOW, None, "OK", "Why.", (), ()).as_row()])
    before = len(lake.raw("alarm_changes").metadata.snapshots)
    monkeypatch.setattr("labelhouse.lake.history.RETAINED_SNAPSHOTS", timedelta())
    history = AlarmHistory(lake)
    history._is_first = True
    history.store([Change("later", NOW + DAY, None, "OK", "Why.", (), ()).as_row()])
    assert len(lake.raw("alarm_changes").metadata.snapshots) < before
    assert len(AlarmHistory(lake).changes()) == 6
