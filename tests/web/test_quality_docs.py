"""Data Docs: framed by our own list, in a sandbox without an origin or a script, and nothing else within reach."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from web.fake_lake import status, write_status
from web.fake_quality import BUILD_ID, write_data_docs
from web.html_page import Page

Reader = Callable[[Path], TestClient]
FILE = "marts.fct_task.html"


@pytest.fixture
def docs_lake(tmp_path: Path) -> Path:
    """A lake with Data Docs, and secrets around them."""
    lake = tmp_path / "lake"
    write_status(lake, status())
    folder = write_data_docs(lake)
    for place in (tmp_path, lake, lake / "data_docs", folder):
        (place / "marts.secret.html").write_text("secret")
    (folder / "marts.secret.html").unlink()
    (folder / "marts.link.html").symlink_to(lake / "marts.secret.html")
    (folder / "marts.folder.html").mkdir()
    (folder / "marts.notes.txt").write_text("secret")
    linked = lake / "data_docs" / "20260101T000000.000000Z"
    linked.symlink_to(lake / "releases")
    (lake / "releases").mkdir()
    (lake / "releases" / "index.html").write_text("secret")
    return lake


def test_a_page_is_sandboxed_wherever_it_is_opened(reader: TestClient) -> None:
    answer = reader.get(f"/quality/docs/{BUILD_ID}/{FILE}")
    policy = answer.headers["content-security-policy"].split("; ")
    assert "sandbox" in policy, "no allow-scripts, no allow-same-origin"
    assert "default-src 'none'" in policy
    assert "form-action 'none'" in policy
    assert not any("unsafe" in directive or "script" in directive for directive in policy)
    assert any(re.fullmatch(r"style-src 'sha256-[\w+/]+='", directive) for directive in policy)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_the_frame_lists_the_pages_and_allows_them_nothing(reader: TestClient) -> None:
    answer = reader.get(f"/quality/docs?build={BUILD_ID}&page={FILE}")
    shown = Page(answer.text)
    assert shown.all("iframe") == [
        {
            "class": "docs",
            "sandbox": None,
            "src": f"/quality/docs/{BUILD_ID}/{FILE}",
            "title": "Data Docs",
        }
    ]
    assert "5/6" in shown.text
    assert "frame-src 'self'" in answer.headers["content-security-policy"]


def test_without_a_build_the_newest_is_shown(docs_lake: Path, reader_of: Reader) -> None:
    write_data_docs(docs_lake, "20260929T115500.000000Z")
    frame = Page(reader_of(docs_lake).get("/quality/docs").text).all("iframe")[0]
    assert frame["src"] == f"/quality/docs/{BUILD_ID}/index.html"


@pytest.mark.parametrize(
    ("build_id", "file"),
    [
        (BUILD_ID, "marts.none.html"),
        (BUILD_ID, "pages.json"),
        (BUILD_ID, "marts.notes.txt"),
        (BUILD_ID, "marts.link.html"),
        (BUILD_ID, "marts.folder.html"),
        (BUILD_ID, "marts.fct_task.html%00"),
        (BUILD_ID, "marts.fct_task.html%0a"),
        (BUILD_ID, "../marts.secret.html"),
        (BUILD_ID, "..%2fmarts.secret.html"),
        (BUILD_ID, "..%5cmarts.secret.html"),
        (BUILD_ID, "%2e%2e%2fmarts.secret.html"),
        (BUILD_ID, "%252e%252e%252fmarts.secret.html"),
        (BUILD_ID, "%2fetc%2fpasswd"),
        (BUILD_ID, "."),
        (f"{BUILD_ID}%0a", "index.html"),
        ("..", "marts.secret.html"),
        ("%2e%2e", "marts.secret.html"),
        (".", "marts.secret.html"),
        ("..%2f..", "marts.secret.html"),
        ("20260101T000000.000000Z", "index.html"),
        ("20260102T000000.000000Z", "index.html"),
    ],
)
def test_no_path_leads_out(docs_lake: Path, reader_of: Reader, build_id: str, file: str) -> None:
    answer = reader_of(docs_lake).get(f"/quality/docs/{build_id}/{file}")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_lake_behind_a_link_has_its_pages(docs_lake: Path, reader_of: Reader) -> None:
    link = docs_lake.parent / "linked"
    link.symlink_to(docs_lake)
    assert reader_of(link).get(f"/quality/docs/{BUILD_ID}/{FILE}").status_code == 200


def test_a_listing_names_only_pages(docs_lake: Path, reader_of: Reader) -> None:
    listed = docs_lake / "data_docs" / BUILD_ID / "pages.json"
    listed.write_text(listed.read_text().replace(FILE, "../../marts.secret.html"))
    assert "secret" not in reader_of(docs_lake).get("/quality/docs").text
