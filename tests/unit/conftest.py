"""A lake to write to, and units to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from labelhouse.lake.catalog import Lake
from labelhouse.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings)
