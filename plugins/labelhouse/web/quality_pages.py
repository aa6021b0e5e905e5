"""The routes of Data quality: the overview, one check, one alarm, and Great Expectations' Data Docs in a sandbox."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from urllib.parse import urlencode

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from labelhouse.checks.data_docs import BUILD_ID, DATA_DOCS, INDEX, PAGE_NAME, documented_builds, listed_pages
from labelhouse.checks.drawings import picture_svg
from labelhouse.folders import Folder
from labelhouse.reports import Row
from labelhouse.web.guard import policy
from labelhouse.web.quality import QUALITY, Quality, alarm_tiles
from labelhouse.web.quality_checks import key_of, picture_of
from labelhouse.web.report_page import Content
from labelhouse.web.responses import download, root_of
from labelhouse.web.selection import Selection
from labelhouse.web.tiles import Tile

#: No origin and no script: nothing of Airflow is within reach, and nothing can be fetched.
_SANDBOX = {
    "sandbox": "",
    "default-src": "'none'",
    "frame-ancestors": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
}
_STYLE = re.compile(rb"<style>(.*?)</style>", re.DOTALL)


class QualityPages:
    """What each route answers.

    Args:
        lake: the lake, asked when a request needs it.
        page: fills a template.
    """

    def __init__(self, lake: Callable[[], Folder], page: Callable[..., HTMLResponse]) -> None:
        self._lake, self._page = lake, page

    def overview(self, request: Request) -> Response:
        """Is it fine, and if not what is to be done? What is held, tables, alarms, drift, checks, the ledger."""
        selection = Selection.of(QUALITY, request.query_params)
        quality = Quality.read(self._lake(), selection)
        if quality is None:
            return self._page(request, "empty.html.j2", QUALITY.title, here=QUALITY.name, status=None)
        return self._page(
            request,
            "quality.html.j2",
            QUALITY.title,
            here=QUALITY.name,
            quality=quality,
            status=quality.status,
            tiles=quality.tiles(),
            selection=selection,
            content=Content(choices=quality.choices),
            airflow=_airflow(request),
            documented=documented_builds(self._lake()),
        )

    def check(self, request: Request) -> Response:
        """One check: what is expected, what was found, since when, and what to do."""
        quality = self._read()
        check = quality.check(_key(request))
        if check is None:
            raise HTTPException(404)
        others = [
            each
            for each in quality.all_checks
            if key_of(each)[:3] == key_of(check)[:3] and each["subject"] != check["subject"]
        ]
        return self._page(
            request,
            "quality_check.html.j2",
            check["sentence"] or f"{check['table_name']}: {check['check_name']}",
            here=QUALITY.name,
            check=check,
            others=others,
            picture=picture_svg(picture_of(check)) if check["sentence"] else "",
            tile=quality.check_history(check),
            docs_query=self._docs_query(quality.status.get("build_id"), check),
        )

    def alarm(self, request: Request) -> Response:
        """One alarm: its state, its condition, its datapoints, its history."""
        alarm = self._read().alarm(request.query_params.get("name", ""))
        if alarm is None:
            raise HTTPException(404)
        return self._page(
            request,
            "quality_alarm.html.j2",
            alarm["alarm_name"],
            here=QUALITY.name,
            alarm=alarm,
            tiles=alarm_tiles(alarm),
            airflow=_airflow(request),
        )

    def export(self, request: Request, name: str) -> Response:
        """One tile as CSV, of the page or of the check or alarm that the address names."""
        quality = Quality.read(self._lake(), Selection.of(QUALITY, request.query_params))
        if quality is None:
            raise HTTPException(404)
        tile = self._tile(quality, request, name)
        if tile is None:
            raise HTTPException(404)
        return download(tile, quality.status["written_at"])

    def data_docs(self, request: Request) -> Response:
        """The frame around Great Expectations' pages of one build, and the list of them."""
        builds = documented_builds(self._lake())
        build_id = request.query_params.get("build") or next(iter(builds), "")
        if builds and build_id not in builds:
            raise HTTPException(404)
        pages = listed_pages(self._lake() / DATA_DOCS / build_id) if builds else []
        file = request.query_params.get("page") or INDEX
        if file not in {INDEX, *(page["file"] for page in pages)}:
            raise HTTPException(404)
        response = self._page(
            request,
            "quality_docs.html.j2",
            "Data Docs",
            here=QUALITY.name,
            builds=builds,
            build_id=build_id,
            pages=pages,
            file=file,
        )
        response.headers["Content-Security-Policy"] = policy(frame_src="'self'")
        return response

    def data_docs_page(self, build_id: str, file: str) -> Response:
        """One of these pages itself, sandboxed wherever it is opened: in the frame or by its address."""
        content = _docs_content(self._lake(), build_id, file)
        if content is None:
            raise HTTPException(404)
        style = _STYLE.search(content)
        digest = base64.b64encode(hashlib.sha256(style.group(1) if style else b"").digest()).decode()
        directives = _SANDBOX | {"style-src": f"'sha256-{digest}'"}
        headers = {
            "Content-Security-Policy": "; ".join(f"{name} {value}".strip() for name, value in directives.items())
        }
        return Response(content, media_type="text/html; charset=utf-8", headers=headers)

    def _read(self) -> Quality:
        quality = Quality.read(self._lake(), Selection(QUALITY, {}))
        if quality is None:
            raise HTTPException(404)
        return quality

    def _tile(self, quality: Quality, request: Request, name: str) -> Tile | None:
        if name == "check_history":
            check = quality.check(_key(request))
            return quality.check_history(check) if check else None
        if alarm := quality.alarm(request.query_params.get("name", "")):
            return alarm_tiles(alarm).get(name)
        return quality.tiles().get(name)

    def _docs_query(self, build_id: str | None, check: Row) -> str | None:
        """The query part of the address of a check's Data Docs; None where its build has none."""
        if build_id is None or not BUILD_ID.fullmatch(build_id):
            return None
        pages = listed_pages(self._lake() / DATA_DOCS / build_id)
        wanted = check["suite"], check["table_name"]
        file = next((page["file"] for page in pages if (page["suite"], page["table_name"]) == wanted), None)
        return file and urlencode({"build": build_id, "page": file})


def _key(request: Request) -> tuple[str | None, ...]:
    return tuple(request.query_params.get(name) for name in ("suite", "table", "check", "subject"))


def _airflow(request: Request) -> str:
    """Where Airflow itself is: the pages are mounted one level below it."""
    return root_of(request).rpartition("/")[0]


def _docs_content(lake: Folder, build_id: str, file: str) -> bytes | None:
    """The page of that name; None where the build has none, or the name or a link would lead elsewhere."""
    if not BUILD_ID.fullmatch(build_id) or not PAGE_NAME.fullmatch(file):
        return None
    path = lake / DATA_DOCS / build_id / file
    if path.resolve() != (lake / DATA_DOCS).resolve() / build_id / file or not path.is_file():
        return None
    return path.read_bytes()
