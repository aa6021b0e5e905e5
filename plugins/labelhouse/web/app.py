"""The app: its routes, and the templates that they fill."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from labelhouse.checks.drawings import number
from labelhouse.errors import LabelhouseError
from labelhouse.folders import Folder, local_copy
from labelhouse.marts.releases import Release, current_release
from labelhouse.marts.status import read_status
from labelhouse.reports import all_reports
from labelhouse.reports.pages import PAGES, Page
from labelhouse.web.annotation_pages import AnnotationPages
from labelhouse.web.guard import Access, GuardedApp, may_see_names, policy
from labelhouse.web.model_docs import dbt_docs_response
from labelhouse.web.quality_alarms import course
from labelhouse.web.quality_checks import check_query, compared_words, found_words
from labelhouse.web.quality_pages import QualityPages
from labelhouse.web.report_page import page_content, report_tile
from labelhouse.web.responses import download, root_of
from labelhouse.web.selection import Selection, SelectionError
from labelhouse.web.static_files import StaticFiles
from labelhouse.web.tiles import ago, hint, shown
from labelhouse.web.worker_names import People

_HERE = Path(__file__).parent


def make_app(access: Access, lake: Callable[[], Folder], people: People | None = None) -> GuardedApp:
    """The pages of the lake that `lake()` names when a request needs it, for whom `access` lets in.

    `people` is asked for the names of workers, when an Admin reads; without it nobody sees names.
    """
    pages = Pages(lake, people)
    quality = QualityPages(lake, pages.page)
    annotations = AnnotationPages(lake, pages.page, people)
    app = GuardedApp(access)
    routes: dict[str, Callable[..., Response]] = {
        "/": pages.start,
        **{f"/{page.name}": pages.reports_of(page) for page in PAGES.values()},
        **{f"/{page.name}/{{name}}.csv": pages.export_of(page) for page in PAGES.values()},
        "/annotations/object": annotations.object,
        "/annotations/object/{name}.csv": annotations.export,
        "/quality": quality.overview,
        "/quality/check": quality.check,
        "/quality/alarm": quality.alarm,
        "/quality/docs": quality.data_docs,
        "/quality/docs/{build_id}/{file}": quality.data_docs_page,
        "/quality/{name}.csv": quality.export,
        "/dbt-docs": pages.dbt_docs,
        "/dbt-docs/site": pages.dbt_docs_site,
        "/static/{name}": pages.static_file,
    }
    for path, answer in routes.items():
        app.add_api_route(path, answer, methods=["GET", "HEAD"])
    app.add_exception_handler(HTTPException, pages.refused)
    app.add_exception_handler(SelectionError, pages.misunderstood)
    app.add_exception_handler(LabelhouseError, pages.failed)
    return app


class Pages:
    """What each route answers.

    The methods are no coroutines, so they run in threads: each reads files or queries, and none of that
    may happen on the event loop.
    """

    def __init__(self, lake: Callable[[], Folder], people: People | None = None) -> None:
        self._lake = lake
        self._people = people
        self._static = StaticFiles(_HERE / "static")
        self._templates = Environment(
            loader=FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters.update(shown=shown, hint=hint, course=course)
        self._templates.filters.update(found=found_words, number=number, compared=compared_words, query=check_query)
        self._templates.globals.update(static=self._static, ago=ago)

    def start(self, request: Request) -> Response:
        """Leads to the first page."""
        return RedirectResponse(f"{root_of(request)}/workers", 303)

    def reports_of(self, page: Page) -> Callable[[Request], Response]:
        """A page made of reports."""

        def answer(request: Request) -> Response:
            selection = Selection.of(page, request.query_params)
            release, status = self._release(), read_status(self._lake())
            if release is None:
                return self.page(request, "empty.html.j2", page.title, here=page.name, status=status)
            return self.page(
                request,
                "reports.html.j2",
                page.title,
                here=page.name,
                status=status,
                release=release,
                selection=selection,
                content=page_content(release, selection, self._people_for(request)),
            )

        return answer

    def export_of(self, page: Page) -> Callable[[Request, str], Response]:
        """One tile of such a page as CSV."""

        def answer(request: Request, name: str) -> Response:
            selection = Selection.of(page, request.query_params)
            report, release = all_reports().get(name), self._release()
            if report is None or report.page != page.name or release is None:
                raise HTTPException(404)
            tile = report_tile(release, report, selection, self._people_for(request))
            if tile is None:
                raise HTTPException(404)
            return download(tile, release.release_id)

        return answer

    def dbt_docs(self, request: Request) -> Response:
        """The frame around dbt's documentation."""
        release = self._release()
        if release is None:
            status = read_status(self._lake())
            return self.page(request, "empty.html.j2", "dbt docs", here="dbt-docs", status=status)
        response = self.page(request, "dbt_docs.html.j2", "dbt docs", here="dbt-docs", release=release)
        response.headers["Content-Security-Policy"] = policy(frame_src="'self'")
        return response

    def dbt_docs_site(self) -> Response:
        """dbt's documentation itself, of the models that built the release."""
        release = self._release()
        if release is None or not release.dbt_docs_path.is_file():
            raise HTTPException(404)
        return dbt_docs_response(local_copy(release.dbt_docs_path))

    def static_file(self, name: str) -> Response:
        """A script, a style or an icon."""
        response = self._static.response(name)
        if response is None:
            raise HTTPException(404)
        return response

    def refused(self, request: Request, error: Exception) -> Response:
        """What a reader sees who asks for what is not there."""
        assert isinstance(error, HTTPException)
        title = "Not found" if error.status_code == 404 else "Refused"
        what = "There is no such page." if error.detail == "Not Found" else error.detail
        response = self.page(request, "message.html.j2", title, error.status_code, here="", what=what)
        response.headers.update(error.headers or {})
        return response

    def misunderstood(self, request: Request, error: Exception) -> Response:
        """What a reader sees whose address says what cannot be."""
        return self.page(request, "message.html.j2", "Not understood", 400, here="", what=str(error))

    def failed(self, request: Request, error: Exception) -> Response:
        """The one sentence of an error of ours."""
        return self.page(request, "message.html.j2", "Cannot be shown", 503, here="", what=str(error))

    def _people_for(self, request: Request) -> People | None:
        return self._people if may_see_names(request) else None

    def _release(self) -> Release | None:
        return current_release(self._lake())

    def page(self, request: Request, template: str, title: str, status_code: int = 200, **values: Any) -> HTMLResponse:
        """A template filled in with `values`."""
        known = {"title": title, "root": root_of(request), "now": datetime.now(UTC)}
        return HTMLResponse(self._templates.get_template(template).render(known | values), status_code)
