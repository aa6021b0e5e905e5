"""Great Expectations' Data Docs of each validation, made safe: counts and names, no values, no scripts, no links out.

A page is one file that needs nothing else, and nothing in it runs. The web server hands it out in a sandbox, and
needs no Great Expectations for that.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from labelhouse.folders import Folder, remove_tree
from labelhouse.marts.releases import read_file, replace_file

if TYPE_CHECKING:
    from great_expectations.core import ExpectationValidationResult

#: Folder of a lake that holds a folder of pages per build.
DATA_DOCS = "data_docs"
INDEX = "index.html"
#: What the index lists, for those who make one of their own.
LISTING = "pages.json"
#: The names that a build's folder and its pages may have.
BUILD_ID = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z")
PAGE_NAME = re.compile(r"(?:[a-z_]+\.[A-Za-z0-9_]+|index)\.html")


class DataDocs:
    """The pages of one build. Several processes may add suites to it, one after the other.

    Args:
        folder: `<lake>/data_docs/<build_id>`.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._results: dict[tuple[str, str], list[ExpectationValidationResult]] = {}

    def add(self, suite: str, table_name: str, results: Iterable[ExpectationValidationResult]) -> None:
        """Keeps what Great Expectations found in a table until `write`; a table's results may come in parts."""
        self._results.setdefault((suite, table_name), []).extend(results)

    def write(self) -> None:
        """Writes a page for every table that was added, and the index of all pages of the build.

        A page that cannot be made says so: documents hold no publication back.

        Raises:
            OSError: the folder cannot be written.
        """
        pages = {page["file"]: page for page in listed_pages(self._folder)}
        for (suite, table_name), results in sorted(self._results.items()):
            file = f"{suite}.{re.sub('[^A-Za-z0-9_]', '_', table_name)}.html"
            self._write(file, f"{suite} · {table_name}", _content(suite, table_name, results))
            pages[file] = {
                "file": file,
                "suite": suite,
                "table_name": table_name,
                "check_count": len(results),
                "met_count": sum(bool(result.success) for result in results),
            }
        listing = [pages[file] for file in sorted(pages)]
        self._write(INDEX, "Data Docs", None, listing)
        replace_file(self._folder / LISTING, json.dumps({"pages": listing}, indent=1))
        self._results.clear()

    def _write(self, file: str, title: str, content: Markup | None, pages: Sequence[dict[str, Any]] = ()) -> None:
        html = _template().render(
            title=title,
            build_id=self._folder.name,
            content=content,
            pages=pages,
        )
        replace_file(self._folder / file, html)


def listed_pages(folder: Folder) -> list[dict[str, Any]]:
    """The pages of one build but the index: file, suite, table_name, check_count and met_count, by file."""
    listing = read_file(folder / LISTING)
    return [page for page in listing["pages"] if PAGE_NAME.fullmatch(page["file"])] if listing else []


def documented_builds(lake: Folder) -> list[str]:
    """The ids of the builds with Data Docs, newest first."""
    folders = (lake / DATA_DOCS).glob("*Z")
    return sorted((path.name for path in folders if BUILD_ID.fullmatch(path.name)), reverse=True)


def prune(lake: Folder, keep: int) -> None:
    """Deletes the pages of all builds but the newest `keep`."""
    for build_id in documented_builds(lake)[keep:]:
        remove_tree(lake / DATA_DOCS / build_id)


def _content(suite: str, table_name: str, results: Sequence[ExpectationValidationResult]) -> Markup:
    try:
        from labelhouse.checks.docs_pages import table_page

        return Markup(table_page(suite, table_name, results))  # noqa: S704 - an allow-list of elements, texts escaped
    except Exception as error:  # Great Expectations' renderers may fail on a result as they like
        return Markup("<p>This page could not be made ({}).</p>").format(type(error).__name__)


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals["version"] = version("great-expectations")
    return environment.get_template("data_docs.html.j2")
