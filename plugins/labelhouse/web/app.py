"""The app: its routes, and the templates that they fill."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from labelhouse.errors import LabelhouseError
from labelhouse.marts.releases import Release, current_release
from labelhouse.marts.status import read_status
from labelhouse.reports import all_reports
from labelhouse.web import quality
from labelhouse.web.dbt_docs import dbt_docs_response
from labelhouse.web.guard import Access, GuardedApp, policy
from labelhouse.web.report_page import Selection, job_names, page_tiles, report_tile
from labelhouse.web.static_files import StaticFiles
from labelhouse.web.tiles import Tile, ago, shown

_HERE = Path(__file__).parent
_METHODS = ["GET", "HEAD"]

#: Plain functions run in threads of their own, off the event loop: every route here reads files or queries.
Selected = Annotated[Selection, Depends()]


def make_app(access: Access, lake: Callable[[], Path]) -> GuardedApp:
    """The pages of the lake that `lake()` names when a request needs it, for whom `access` lets in."""
    app = GuardedApp(access)
    static = StaticFiles(_HERE / "static")
    templates = _templates(static)

    def page(request: Request, template: str, status_code: int = 200, **values: Any) -> HTMLResponse:
        root = request.scope.get("root_path", "")
        text = templates.get_template(template).render(root=root, now=datetime.now(UTC), **values)
        return HTMLResponse(text, status_code)

    def release() -> Release | None:
        return current_release(lake())

    @app.api_route("/", methods=_METHODS)
    def start(request: Request) -> Response:
        return RedirectResponse(f"{request.scope.get('root_path', '')}/workers", 303)

    @app.api_route("/workers", methods=_METHODS)
    def workers(request: Request, selection: Selected) -> Response:
        published, status = release(), read_status(lake())
        if published is None:
            return page(request, "empty.html.j2", title="Workers", here="workers", status=status)
        return page(
            request,
            "reports.html.j2",
            title="Workers",
            here="workers",
            status=status,
            release=published,
            selection=selection,
            jobs=job_names(published),
            tiles=page_tiles(published, "workers", selection),
        )

    @app.api_route("/workers/{name}.csv", methods=_METHODS)
    def export_report(name: str, selection: Selected) -> Response:
        report, published = all_reports().get(name), release()
        if report is None or report.page != "workers" or published is None:
            raise HTTPException(404)
        return _download(report_tile(published, report, selection), published.release_id)

    @app.api_route("/quality", methods=_METHODS)
    def data_quality(request: Request) -> Response:
        status = read_status(lake())
        if status is None:
            return page(request, "empty.html.j2", title="Data quality", here="quality", status=None)
        return page(
            request,
            "quality.html.j2",
            title="Data quality",
            here="quality",
            status=status,
            tiles=quality.tiles(status),
            validations=quality.validations(status),
            equations=quality.equations(status),
        )

    @app.api_route("/quality/{name}.csv", methods=_METHODS)
    def export_quality(name: str) -> Response:
        status = read_status(lake())
        tile = quality.tiles(status).get(name) if status else None
        if tile is None:
            raise HTTPException(404)
        return _download(tile, status["written_at"] if status else "")

    @app.api_route("/dbt-docs", methods=_METHODS)
    def dbt_docs(request: Request) -> Response:
        published = release()
        if published is None:
            return page(request, "empty.html.j2", title="dbt docs", here="dbt-docs", status=read_status(lake()))
        response = page(request, "dbt_docs.html.j2", title="dbt docs", here="dbt-docs", release=published)
        response.headers["Content-Security-Policy"] = policy(frame_src="'self'")
        return response

    @app.api_route("/dbt-docs/site", methods=_METHODS)
    def dbt_docs_site() -> Response:
        published = release()
        if published is None or not published.dbt_docs_path.is_file():
            raise HTTPException(404)
        return dbt_docs_response(published.dbt_docs_path)

    @app.api_route("/static/{name}", methods=_METHODS)
    def static_file(name: str) -> Response:
        response = static.response(name)
        if response is None:
            raise HTTPException(404)
        return response

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        title, what = ("Not found", "There is no such page.") if error.status_code == 404 else ("Refused", error.detail)
        response = page(request, "message.html.j2", error.status_code, title=title, here="", what=what)
        response.headers.update(error.headers or {})
        return response

    @app.exception_handler(LabelhouseError)
    def failed(request: Request, error: LabelhouseError) -> Response:
        return page(request, "message.html.j2", 503, title="Cannot be shown", here="", what=str(error))

    return app


def _templates(static: StaticFiles) -> Environment:
    templates = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(shown=shown, observed=quality.observed)
    templates.globals.update(static=static, ago=ago)
    return templates


def _download(tile: Tile, version: str) -> Response:
    # names and versions are ours, but a file name is no place to rely on that
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", f"labelhouse-{tile.name}-{version}")
    disposition = f'attachment; filename="{name}.csv"'
    return Response(tile.csv(), media_type="text/csv; charset=utf-8", headers={"Content-Disposition": disposition})
