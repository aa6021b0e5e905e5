"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real labelling outputs; a test that takes it is reported as not run where there is none.

    `.ci/run` sets LABELHOUSE_REAL_DATA: a folder that is named but missing is a failure.
    """
    named = os.environ.get("LABELHOUSE_REAL_DATA")
    if not named:
        pytest.skip("not run: LABELHOUSE_REAL_DATA is not set")
    folder = Path(named)
    if not folder.is_dir():
        pytest.fail(f"LABELHOUSE_REAL_DATA names no folder: {named}")
    return folder
