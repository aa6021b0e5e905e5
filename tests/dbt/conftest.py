"""dbt with a target folder of its own, and its project built and documented once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from build_files import DBT_DIR, Dbt, Delivery, Project


@pytest.fixture(scope="session")
def dbt_runner(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """dbt with a folder of its own."""
    return Dbt(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="session")
def project(dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built with all its tests on no row at all, and documented."""
    before = _files(DBT_DIR)
    database = Delivery().write(tmp_path_factory.mktemp("project") / "build.duckdb")
    built = dbt_runner.run(database, "build")
    assert built.returncode == 0, built.stdout
    target = dbt_runner.target()
    results = json.loads((target / "run_results.json").read_text())["results"]
    documented = dbt_runner.run(database, "docs", "generate", "--static", "--no-compile")
    assert documented.returncode == 0, documented.stdout
    return Project(
        database=database,
        manifest=json.loads((target / "manifest.json").read_text()),
        results={result["unique_id"]: result["status"] for result in results},
        docs=target / "static_index.html",
        is_checkout_touched=_files(DBT_DIR) != before,
    )


def _files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
