"""Airflow as these tests import it: in a folder of its own, without a database and without examples."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="airflow-"))  # read when airflow is first imported

PROJECT = Path(__file__).resolve().parents[2]
DAG_FILES = sorted((PROJECT / "dags").glob("*.py"))


@pytest.fixture(scope="session")
def run_python(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Runs a script that prints one JSON document last, in a fresh Python with a fresh Airflow folder."""

    def run(script: Path, *arguments: str, **environ: str) -> Any:
        home = tmp_path_factory.mktemp("airflow")
        done = subprocess.run(
            [sys.executable, "-P", str(script), *arguments],
            env={
                "PATH": os.environ["PATH"],
                "AIRFLOW_HOME": str(home),
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
                "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
                "AIRFLOW__CORE__PLUGINS_FOLDER": str(home),
                "PYTHONPATH": str(PROJECT / "plugins"),
                **environ,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert not (home / "airflow.db").exists(), "no DAG file needs Airflow's database"
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.fixture(scope="session")
def dags(run_python: Callable[..., Any]) -> dict[str, dict[str, Any]]:
    """Every DAG by its id, as Airflow's own DagBag sees it (`describe_dags.py`)."""
    described: dict[str, dict[str, Any]] = run_python(Path(__file__).with_name("describe_dags.py"))
    return described
