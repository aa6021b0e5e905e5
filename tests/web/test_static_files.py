"""Static files: named by their content, kept in memory, and nothing else on the disk within reach."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from labelhouse.web import app as app_module
from labelhouse.web.static_files import StaticFiles


def test_pages_link_files_by_their_content(reader: TestClient) -> None:
    linked = re.findall(r'(?:src|href)="(/static/[^"]+)"', reader.get("/workers").text)
    assert len(linked) == 3
    for address in linked:
        answer = reader.get(address)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert [re.sub(r"[.-][0-9a-f]{12}", "", each) for each in linked[:2]] == ["/static/app.css", "/static/app.js"]


def test_the_navigation_finds_its_icons(reader: TestClient) -> None:
    for page in ("workers", "annotations", "training", "operations", "cost", "quality", "dbt-docs"):
        for suffix in ("", "-dark"):
            answer = reader.get(f"/static/{page}{suffix}.svg")
            assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


def test_the_runtime_is_whole_and_made_once(reader: TestClient) -> None:
    address = next(each for each in re.findall(r'src="([^"]+)"', reader.get("/workers").text) if "vega" in each)
    script = reader.get(address)
    assert script.headers["content-type"].startswith("text/javascript")
    assert "vegaEmbed" in script.text
    assert len(script.content) > 500_000
    assert reader.get(address).elapsed.total_seconds() < 1


@pytest.mark.parametrize(
    "name",
    [
        "../app.py",
        "..%2fapp.py",
        "..%2f..%2fsettings.py",
        "%2e%2e/app.py",
        "%252e%252e%252fapp.py",
        "..%5capp.py",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "app.css%00.svg",
        ".",
        "",
    ],
)
def test_no_path_leads_out(reader: TestClient, name: str) -> None:
    assert reader.get(f"/static/{name}").status_code == 404


def test_links_and_other_files_in_the_folder_are_not_served(tmp_path: Path) -> None:
    (tmp_path / "secret.css").write_text("secret")
    folder = tmp_path / "static"
    folder.mkdir()
    (folder / "app.css").write_text("body {}")
    (folder / "link.css").symlink_to(tmp_path / "secret.css")
    (folder / "folder.css").symlink_to(tmp_path)
    (folder / "notes.txt").write_text("notes")
    files = StaticFiles(folder)
    assert files.response("app.css")
    assert [files.response(name) for name in ("link.css", "folder.css", "notes.txt", "../secret.css")] == [None] * 4


def test_no_file_asks_for_anything_from_elsewhere() -> None:
    folder = Path(app_module.__file__).parent
    for path in (*(folder / "static").iterdir(), *(folder / "templates").iterdir()):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//[a-z]+\.[a-z]|@import", text), path
