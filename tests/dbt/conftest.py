"""dbt with a target folder of its own, and its project built and documented once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from build_files import DBT_DIR, Dbt, Delivery, Project


@pytest.fixture(scope="session")
def dbt_runner(tmp_path_factory: pytest.TempPathFactory) -> Dbt:
    """dbt with a target folder of its own."""
    return Dbt(tmp_path_factory.mktemp("dbt"))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project, built with all its tests on no row at all, and documented."""
    dbt = Dbt(tmp_path_factory.mktemp("project"))
    before = _files(DBT_DIR)
    database = Delivery().write(dbt.folder / "build.duckdb")
    built = dbt.run(database, "build")
    assert built.returncode == 0, built.stdout + built.stderr
    results = json.loads((dbt.target / "run_results.json").read_text())["results"]
    documented = dbt.run(database, "docs", "generate", "--static", "--no-compile")
    assert documented.returncode == 0, documented.stdout + documented.stderr
    return Project(
        database=database,
        manifest=json.loads((dbt.target / "manifest.json").read_text()),
        results={result["unique_id"]: result["status"] for result in results},
        docs=dbt.target / "static_index.html",
        is_checkout_touched=_files(DBT_DIR) != before,
    )


def _files(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
