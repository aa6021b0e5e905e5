"""Data Docs by the real Great Expectations: complete, and without a value, a script or a link."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd
import pytest
from great_expectations import ExpectationSuite
from great_expectations.core import ExpectationValidationResult
from great_expectations.expectations.expectation import Expectation

from labelhouse.checks.data_docs import BUILD_ID, DATA_DOCS, INDEX, PAGE_NAME, DataDocs, listed_pages, prune
from labelhouse.checks.evaluate import Evaluator

BUILD = "20260930T115500.000000Z"
SECRET = "jane.doe@example.com"
ATTACK = "<img src=x onerror=alert(1)></script><script>alert(1)</script>$icon {{ 7 * 7 }} javascript:alert(1)"
#: Formats that keep values would show them: ours keep counts, and what slips through is left out once more.
COUNTS = {"result_format": "COMPLETE"}


class Document(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.parts: list[str] = []
        self.feed(path.read_text())
        self.text = " ".join(" ".join(self.parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


@pytest.fixture(scope="module")
def evaluator() -> Evaluator:
    return Evaluator()


def validated(evaluator: Evaluator, expectations: Sequence[Expectation]) -> list[ExpectationValidationResult]:
    """What Great Expectations finds in rows that hold a person and an attack."""
    frame = pd.DataFrame({"score": [1.0, 2.0, None, 4.0], "label": ["x", ATTACK, "y", SECRET]})
    batch = evaluator._rows.get_batch({"dataframe": frame})
    suite = ExpectationSuite(name="checks", expectations=list(expectations))
    return list(batch.validate(suite, result_format=COUNTS).results)


def written(tmp_path: Path, results: Sequence[ExpectationValidationResult], table: str = "tasks") -> Document:
    docs = DataDocs(tmp_path / DATA_DOCS / BUILD)
    docs.add("inputs", table, results)
    docs.write()
    return Document(tmp_path / DATA_DOCS / BUILD / f"inputs.{table}.html")


def is_harmless(document: Document) -> bool:
    """Whether nothing on the page runs, loads or leads anywhere."""
    dead = {"script", "img", "iframe", "object", "embed", "base", "form", "a", "use", "image", "foreignobject"}
    tags = {tag for tag, _ in document.elements}
    attributes = [name for _, named in document.elements for name in named]
    links = [named for tag, named in document.elements if tag == "link"]
    return not (tags & dead or links or any(name.startswith("on") or name in ("style", "href") for name in attributes))


EXPECTATIONS: tuple[Expectation, ...] = (
    gxe.ExpectColumnValuesToNotBeNull(
        column="score", meta={"sentence": f"Every score is there {ATTACK}", "what_to_do": "Ask the team."}
    ),
    gxe.ExpectColumnValuesToBeInSet(column="label", value_set=["x", ATTACK]),
    gxe.ExpectColumnDistinctValuesToBeInSet(column="label", value_set=["x", "y"]),
    gxe.ExpectColumnValuesToMatchRegex(column="label", regex="^[<>&]{2}$", mostly=0.5),
    gxe.ExpectColumnMaxToBeBetween(column="score", max_value=3),
    gxe.ExpectColumnMostCommonValueToBeInSet(column="label", value_set=["x"]),
    gxe.ExpectColumnPairValuesAToBeGreaterThanB(column_A="score", column_B="label"),
    gxe.ExpectTableRowCountToBeBetween(min_value=5),
    gxe.ExpectTableColumnsToMatchSet(column_set=["score", "other"]),
    gxe.ExpectColumnKLDivergenceToBeLessThan(
        column="label", partition_object={"values": ["x", "y"], "weights": [0.5, 0.5]}, threshold=0.1
    ),
)


def test_a_page_says_what_was_expected_and_found_and_quotes_nothing(evaluator: Evaluator, tmp_path: Path) -> None:
    document = written(tmp_path, validated(evaluator, EXPECTATIONS))
    assert SECRET not in document.text
    assert is_harmless(document)
    assert f"Every score is there {' '.join(ATTACK.split())}" in document.text, "once, and as it was"
    assert "values must never be null" in document.text
    assert "1 unexpected values found" in document.text
    assert "^[<>&]{2}$" in document.text
    assert "Ask the team." in document.text
    assert "The message may quote data and is left out." in document.text, "the pair cannot be compared: a crash"
    assert "Evaluated Expectations 10" in document.text
    assert "Traceback" not in document.text
    assert "\ue000" not in document.text


def test_a_page_asks_no_other_host_for_anything(evaluator: Evaluator, tmp_path: Path) -> None:
    written(tmp_path, validated(evaluator, EXPECTATIONS[:1]))
    for path in (tmp_path / DATA_DOCS / BUILD).glob("*.html"):
        assert not re.search(r"https?:|//[a-z]|@import|url\(", path.read_text())


def test_results_are_left_as_they_were(evaluator: Evaluator, tmp_path: Path) -> None:
    results = validated(evaluator, EXPECTATIONS)
    before = [json.dumps(result.to_json_dict(), sort_keys=True, default=str) for result in results]
    written(tmp_path, results)
    assert [json.dumps(result.to_json_dict(), sort_keys=True, default=str) for result in results] == before


class ExpectColumnNotToDriftInThisTest(gxe.ExpectColumnMeanToBeBetween):
    """Stands for an expectation of our own, whose details are for people."""


def test_our_own_expectations_show_their_finding_and_pictures(evaluator: Evaluator, tmp_path: Path) -> None:
    expectation = ExpectColumnNotToDriftInThisTest(column="score", max_value=1)
    (result,) = validated(evaluator, [expectation])
    picture = {"kind": "categories", "names": [ATTACK, "b"], "reference": [0.5, 0.5], "current": [0.9, 0.1]}
    subjects: list[dict[str, Any]] = [
        {"subject": f"job {number} {ATTACK}", "finding": f"PSI {number} <b>", "picture": picture}
        for number in range(20)
    ]
    result.result["details"] = {"finding": "worst", "picture": picture, "subjects": subjects}
    document = written(tmp_path, [result])
    assert is_harmless(document)
    assert [tag for tag, _ in document.elements].count("svg") == 12, "as many subjects as people read"
    assert "job 11" in document.text
    assert "PSI 3 <b>" in document.text
    assert "<img src=x" in document.text


def test_details_of_others_are_not_shown(evaluator: Evaluator, tmp_path: Path) -> None:
    (result,) = validated(evaluator, [gxe.ExpectColumnMeanToBeBetween(column="score", max_value=1)])
    result.result["details"] = {"finding": SECRET, "subject": SECRET}
    result.result["observed_value"] = SECRET
    assert SECRET not in written(tmp_path, [result]).text


def test_suites_of_several_processes_come_together(evaluator: Evaluator, tmp_path: Path) -> None:
    results = validated(evaluator, EXPECTATIONS[:3])
    folder = tmp_path / DATA_DOCS / BUILD
    for suite, table in (("inputs", "tasks"), ("marts", "fct_task"), ("inputs", "tasks")):
        docs = DataDocs(folder)
        docs.add(suite, table, results[:1])
        docs.add(suite, table, results[1:])
        docs.write()
    assert [(page["file"], page["check_count"]) for page in listed_pages(folder)] == [
        ("inputs.tasks.html", 3),
        ("marts.fct_task.html", 3),
    ]
    index = Document(folder / INDEX)
    links = [named["href"] for tag, named in index.elements if tag == "a"]
    assert links == ["inputs.tasks.html", "marts.fct_task.html"]
    assert all(PAGE_NAME.fullmatch(path.name) for path in folder.glob("*.html"))


def test_nothing_added_is_an_empty_index(tmp_path: Path) -> None:
    DataDocs(tmp_path / DATA_DOCS / BUILD).write()
    assert listed_pages(tmp_path / DATA_DOCS / BUILD) == []


def test_a_page_that_cannot_be_made_says_so(
    evaluator: Evaluator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from labelhouse.checks import docs_pages

    def broken(*_: object) -> str:
        raise RuntimeError(SECRET)

    monkeypatch.setattr(docs_pages, "table_page", broken)
    document = written(tmp_path, validated(evaluator, EXPECTATIONS[:1]))
    assert "This page could not be made (RuntimeError)." in document.text


def test_a_strange_name_of_a_table_leads_nowhere(evaluator: Evaluator, tmp_path: Path) -> None:
    docs = DataDocs(tmp_path / DATA_DOCS / BUILD)
    docs.add("inputs", "../../<b>", validated(evaluator, EXPECTATIONS[:1]))
    docs.write()
    assert [page["file"] for page in listed_pages(tmp_path / DATA_DOCS / BUILD)] == ["inputs._______b_.html"]
    assert is_harmless(Document(tmp_path / DATA_DOCS / BUILD / "inputs._______b_.html"))


def test_pages_of_old_builds_are_pruned(tmp_path: Path) -> None:
    builds = [f"202609{day:02d}T115500.000000Z" for day in range(1, 7)]
    for build_id in builds:
        DataDocs(tmp_path / DATA_DOCS / build_id).write()
    (tmp_path / DATA_DOCS / "notes").mkdir()
    prune(tmp_path, 2)
    assert sorted(path.name for path in (tmp_path / DATA_DOCS).iterdir()) == [*builds[-2:], "notes"]
    assert all(BUILD_ID.fullmatch(each) for each in builds)
    prune(tmp_path / "no lake", 2)
