"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from labelhouse.settings import PROJECT_DIR
from labelhouse.sources import all_sources

PACKAGE = PROJECT_DIR / "plugins/labelhouse"
LONGEST_FILE_LINES = 400
LONGEST_DAG_LINES = 60


def python_files() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    return [PROJECT_DIR / name for name in listed.stdout.splitlines() if (PROJECT_DIR / name).exists()]


def test_airflow_imports_nothing_below_the_plugin_file() -> None:
    """Airflow would import every module of the package under its bare name, `types` and all."""
    assert (PROJECT_DIR / "plugins/.airflowignore").read_text().split() == ["labelhouse/"]


def test_only_orchestration_and_one_file_of_web_know_airflow() -> None:
    knowing = {
        path.relative_to(PACKAGE).as_posix()
        for path in python_files()
        if any(name == "airflow" or name.startswith("airflow.") for name in imports(path))
    }
    assert {name for name in knowing if not name.startswith("orchestration/")} == {"web/access.py"}


def test_nothing_imports_the_demo() -> None:
    for path in python_files():
        if "demo" not in path.relative_to(PACKAGE).parts:
            assert not any(name.startswith("labelhouse.demo") for name in imports(path)), path


@pytest.mark.parametrize("path", sorted((PROJECT_DIR / "dags").glob("*.py")), ids=lambda path: path.stem)
def test_a_dag_file_is_a_table_of_contents(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_DAG_LINES
    allowed = ("airflow.sdk", "labelhouse.orchestration", "datetime")
    assert [name for name in imports(path) if not name.startswith(allowed)] == []


def test_dbt_and_airflow_do_not_trip_over_names() -> None:
    """dbt imports top-level modules named `dbt_*`; a package `dbt` on the path would hide dbt itself."""
    assert not list((PROJECT_DIR / "dbt").rglob("__init__.py"))
    assert not [path for folder in ("dags", "plugins") for path in (PROJECT_DIR / folder).rglob("dbt_*.py")]


def test_files_hold_one_thing() -> None:
    long = {
        path.relative_to(PROJECT_DIR).as_posix(): lines
        for path in tracked_files()
        if path.suffix in {".py", ".sql", ".js", ".css"}
        and (lines := len(path.read_text().splitlines())) > LONGEST_FILE_LINES
    }
    assert long == {}


def test_every_source_is_found_by_walking() -> None:
    assert "labeling_output" in all_sources()
    for name, source in all_sources().items():
        assert (PACKAGE / f"sources/{name}.py").exists()
        assert (PROJECT_DIR / f"dags/extract_{name}.py").exists()
        assert source.tables


def test_the_package_has_no_drawer_for_everything() -> None:
    drawers = {"utils", "util", "common", "helpers", "misc"}
    assert [path for path in python_files() if path.stem in drawers or drawers & set(path.parts)] == []
