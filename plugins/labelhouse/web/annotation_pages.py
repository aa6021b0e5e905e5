"""The routes of one dataset object: its whole life, and its tiles as CSV."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from labelhouse.folders import Folder
from labelhouse.marts.releases import Release, current_release
from labelhouse.reports.pages import ANNOTATIONS
from labelhouse.web.guard import may_see_names
from labelhouse.web.object_life import ObjectLife, without_empty_columns
from labelhouse.web.responses import download
from labelhouse.web.worker_names import People, WorkerNames

_UNKNOWN = "There is no such dataset object in this release: look it up among the dataset objects of Annotations."
#: Frames are counted by people and machines; larger numbers are no frames.
_MOST_DIGITS = 9


class AnnotationPages:
    """What each route answers.

    Args:
        lake: the lake, asked when a request needs it.
        page: fills a template.
        people: is asked for the names of workers, when an Admin reads.
    """

    def __init__(self, lake: Callable[[], Folder], page: Callable[..., HTMLResponse], people: People | None) -> None:
        self._lake, self._page, self._people = lake, page, people

    def object(self, request: Request) -> Response:
        """One dataset object: its source, its jobs, its answers, its labels, its frames, and one of these drawn."""
        release, life = self._life(request)
        return self._page(
            request,
            "annotation_object.html.j2",
            f"Object {life.object_id}",
            here=ANNOTATIONS.name,
            release=release,
            life=life,
            tiles={name: without_empty_columns(tile) for name, tile in life.tiles().items()},
            query=urlencode({"job": life.job, "object": life.object_id}),
            frame_query=_frame_query,
        )

    def export(self, request: Request, name: str) -> Response:
        """One of its tiles as CSV."""
        release, life = self._life(request)
        tile = life.tiles().get(name)
        if tile is None:
            raise HTTPException(404)
        return download(tile, release.release_id)

    def _life(self, request: Request) -> tuple[Release, ObjectLife]:
        values, release = request.query_params, current_release(self._lake())
        if release is None:
            raise HTTPException(404, _UNKNOWN)
        names = WorkerNames()
        if self._people and may_see_names(request):
            names = WorkerNames.of(release, self._people)
        frame = values.get("frame", "")
        life = ObjectLife(
            release,
            values.get("job", ""),
            values.get("object", ""),
            names,
            frame_number=int(frame) if frame.isascii() and frame.isdigit() and len(frame) <= _MOST_DIGITS else None,
            sensor_name=values.get("sensor") or None,
        )
        if life.object is None:
            raise HTTPException(404, _UNKNOWN)
        return release, life


def _frame_query(life: ObjectLife, frame_number: int | None, sensor_name: str | None) -> str:
    """The query part of the address of one of its frames."""
    named = {"job": life.job, "object": life.object_id, "frame": frame_number, "sensor": sensor_name}
    return urlencode({name: value for name, value in named.items() if value is not None})
