"""What every source, model and mart of the dbt project must have."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml

from build_files import Dbt, Project, read_rows
from labelhouse.schema.generate import SOURCES
from labelhouse.settings import PROJECT_DIR

MODELS_DIR = PROJECT_DIR / "dbt" / "models"
MARTS = sorted(path.stem for path in (MODELS_DIR / "marts").rglob("*.sql"))
MODELS = sorted(path.stem for path in MODELS_DIR.rglob("*.sql"))


def described(database: Path, relation: str) -> dict[str, str]:
    """Column → type, as DuckDB has them."""
    return {name: kind for name, kind, *_ in read_rows(database, f"describe {relation}")}


def data_tests(project: Project, model: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The generic tests attached to a model."""
    for node in project.manifest["nodes"].values():
        if node["resource_type"] == "test" and node["attached_node"] == model["unique_id"]:
            yield node["test_metadata"]


def key_of(project: Project, model: dict[str, Any]) -> list[str]:
    """The columns of the model's primary key test."""
    keys = [test["kwargs"]["columns"] for test in data_tests(project, model) if test["name"] == "primary_key"]
    assert len(keys) == 1, f"{model['name']} has {len(keys)} primary keys"
    return list(keys[0])


def test_everything_passes_on_no_row_at_all(project: Project) -> None:
    assert set(project.results.values()) <= {"success", "pass"}
    for mart in MARTS:
        assert read_rows(project.database, f"select * from {mart}") == []


def test_every_file_is_a_model(project: Project) -> None:
    assert sorted(project.models) == MODELS
    assert sorted(project.marts) == MARTS


@pytest.mark.parametrize("source", SOURCES)
def test_sources_name_every_column_with_its_type_and_text(project: Project, source: str) -> None:
    tables = {node["name"]: node for node in project.manifest["sources"].values() if node["source_name"] == source}
    assert tables.keys() == {table.name for table in SOURCES[source][1]}
    for name, table in tables.items():
        assert table["schema"] == source
        assert table["description"]
        assert all(column["description"] for column in table["columns"].values())
        declared = {column["name"]: column["data_type"].upper() for column in table["columns"].values()}
        assert declared == described(project.database, f"{source}.{name}")


@pytest.mark.parametrize("name", MODELS)
def test_models_say_their_grain_and_every_column(project: Project, name: str) -> None:
    model = project.models[name]
    assert model["description"].startswith("One row per ")
    assert list(model["columns"]) == list(described(project.database, f"main.{name}"))
    assert all(column["description"] for column in model["columns"].values())


@pytest.mark.parametrize("name", MODELS)
def test_texts_of_columns_come_from_doc_blocks(name: str) -> None:
    (path,) = MODELS_DIR.rglob(f"{name}.yml")
    (model,) = yaml.safe_load(path.read_text())["models"]
    for column in model["columns"]:
        assert re.fullmatch(r"\{\{ doc\('\w+'\) \}\}", column["description"]), column["name"]


def test_no_text_is_typed_twice(project: Project) -> None:
    blocks = [doc for doc in project.manifest["docs"].values() if doc["package_name"] == "labelhouse"]
    typed = [doc["block_contents"] for doc in blocks if doc["path"] != "columns.md"]
    generated = {doc["block_contents"] for doc in blocks if doc["path"] == "columns.md"}
    assert [text for text, count in Counter([*typed, *generated]).items() if count > 1] == []


def test_every_text_is_used(project: Project) -> None:
    written = {path.relative_to(MODELS_DIR).as_posix() for path in (MODELS_DIR / "marts").rglob("*.md")}
    blocks = {doc["name"] for doc in project.manifest["docs"].values() if doc["path"] in written}
    used = set(re.findall(r"doc\('(\w+)'\)", "".join(path.read_text() for path in MODELS_DIR.rglob("*.yml"))))
    assert blocks
    assert blocks <= used


@pytest.mark.parametrize("name", MARTS)
def test_marts_have_an_enforced_contract(project: Project, name: str) -> None:
    mart = project.marts[name]
    assert mart["config"]["materialized"] == "table"
    assert mart["contract"]["enforced"] is True
    assert all(column["data_type"] for column in mart["columns"].values())


@pytest.mark.parametrize("name", MARTS)
def test_marts_say_what_publishing_replaces(project: Project, name: str) -> None:
    publish = project.marts[name]["config"]["meta"]["publish"]
    if publish["replace"] == "all":
        assert publish == {"replace": "all"}
        return
    assert publish.keys() == {"replace", "day_column", "changed_days_model"}
    assert publish["replace"] == "days"
    day_column = publish["day_column"]
    assert described(project.database, name)[day_column] == "DATE"
    assert described(project.database, publish["changed_days_model"]) == {day_column: "DATE"}
    assert project.models[publish["changed_days_model"]]["config"]["materialized"] == "table"


@pytest.mark.parametrize("name", MARTS)
def test_marts_are_tested(project: Project, name: str) -> None:
    mart = project.marts[name]
    assert set(key_of(project, mart)) <= mart["columns"].keys()
    unit_tests = [test for test in project.manifest["unit_tests"].values() if test["model"] == name]
    assert unit_tests
    assert all(project.results[test["unique_id"]] == "pass" for test in unit_tests)


@pytest.mark.parametrize("name", MARTS)
def test_rows_of_marts_stand_in_a_total_order(project: Project, name: str) -> None:
    mart = project.marts[name]
    _, _, ordering = mart["raw_code"].rstrip().rpartition("\norder by ")
    ordered = [column.split(".")[-1] for column in ordering.split(", ")]
    assert set(key_of(project, mart)) <= set(ordered)


@pytest.mark.parametrize("name", MODELS)
def test_models_do_not_ask_for_the_time(project: Project, name: str) -> None:
    assert not re.search(r"\b(now|current_\w+|today|random|uuid)\b", project.models[name]["raw_code"])


def test_dbt_writes_nothing_into_the_checkout(project: Project) -> None:
    assert not project.is_checkout_touched


def test_duckdb_fetches_no_extensions(project: Project, dbt_runner: Dbt) -> None:
    query = (
        "select current_setting('autoinstall_known_extensions') or current_setting('autoload_known_extensions') as may"
    )
    shown = dbt_runner.run(project.database, "--quiet", "show", "--output", "json", "--inline", query)
    assert shown.returncode == 0, shown.stdout
    assert '"may": false' in shown.stdout


class References(HTMLParser):
    """Collects what a page loads from elsewhere when it is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.external: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "link", "img", "iframe"}:
            self.external += [value for _, value in attrs if value and re.match(r"(https?:)?//", value)]


def test_docs_are_one_file_that_loads_nothing(project: Project) -> None:
    page = project.docs.read_text()
    parser = References()
    parser.feed(page)
    assert parser.external == []
    assert project.manifest["metadata"]["send_anonymous_usage_stats"] is False  # else the page loads a tracker
    for name in MARTS:
        assert project.marts[name]["description"].strip()[:60] in page


def test_no_text_can_end_the_script_of_the_docs() -> None:
    """dbt writes descriptions into a script of its docs page as they are."""
    texts = [path for path in MODELS_DIR.rglob("*") if path.suffix in {".yml", ".md"}]
    assert texts
    assert [path.name for path in texts if "</script" in path.read_text().lower()] == []
