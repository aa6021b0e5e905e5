"""Fixtures that every folder of tests shares."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from end_to_end.airflow_session import AirflowSession


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


@pytest.fixture(scope="session", autouse=True)
def builds_are_forked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Builds of this process run dbt without importing it, and without parsing the project, each time again."""
    from forked_dbt import ForkedBuilds

    with pytest.MonkeyPatch.context() as patch:
        if build := sys.modules.get("labelhouse.marts.build"):
            patch.setattr(build, "invoke_dbt", ForkedBuilds(tmp_path_factory.mktemp("dbt") / "partial_parse.msgpack"))
        yield


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowSession]:
    """The one real Airflow of the session: scheduler, DAG processor, API server, a bucket and a first release."""
    from end_to_end.airflow_session import airflow_session

    with airflow_session(tmp_path_factory.mktemp("airflow")) as session:
        yield session
