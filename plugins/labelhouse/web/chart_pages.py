"""The routes of charts that readers build themselves: the chart, its fields, and its tiles as CSV."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from fastapi import Request
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response

from labelhouse.folders import Folder
from labelhouse.marts.releases import Release, current_release
from labelhouse.marts.status import read_status
from labelhouse.reports import Row
from labelhouse.reports.pages import TRAINING
from labelhouse.reports.run_series import (
    FIELDS,
    METRIC_FIELDS,
    METRICS,
    POINT_FIELDS,
    POINTS,
    STATISTICS,
    VALUE_FIELDS,
    draw,
    note,
)
from labelhouse.web.chart_definition import MOST_SERIES, ChartDefinition, Series
from labelhouse.web.report_page import page_rows
from labelhouse.web.responses import download
from labelhouse.web.tiles import Tile

_UNNAMED = "Chart of runs"


class ChartPages:
    """What each route answers.

    Args:
        lake: the lake, asked when a request needs it.
        page: fills a template.
    """

    def __init__(self, lake: Callable[[], Folder], page: Callable[..., HTMLResponse]) -> None:
        self._lake, self._page = lake, page

    def chart(self, request: Request) -> Response:
        """The chart, the form that changes it, and what can be drawn and filtered."""
        definition, release = ChartDefinition.of(request.query_params), current_release(self._lake())
        if release is None:
            status = read_status(self._lake())
            return self._page(request, "empty.html.j2", _UNNAMED, here=TRAINING.name, status=status)
        tiles = _tiles(release, definition)
        metrics = tiles["metrics"].rows if tiles else []
        shown = _with_series(definition, metrics)
        return self._page(
            request,
            "chart.html.j2",
            definition.name or _UNNAMED,
            here=TRAINING.name,
            release=release,
            definition=shown,
            tiles=tiles,
            rows=[*shown.series, *([Series("", "final")] if len(shown.series) < MOST_SERIES else [])],
            metrics=[row["metric_name"] for row in metrics],
            fields=list(dict.fromkeys(row["field"] for row in tiles["fields"].rows)) if tiles else [],
            statistics=list(STATISTICS),
            lost=[each.metric for each in shown.series if each.metric not in {row["metric_name"] for row in metrics}],
            added=lambda metric: shown.url(series=(*shown.series, Series(metric, "final"))[-MOST_SERIES:]),
            narrowed=lambda text: shown.url(fields=tuple(dict.fromkeys((*shown.fields, text)))),
            without=_without,
        )

    def export(self, request: Request, name: str) -> Response:
        """One of its tiles as CSV."""
        release = current_release(self._lake())
        tiles = _tiles(release, ChartDefinition.of(request.query_params)) if release else None
        if release is None or not tiles or name not in tiles:
            raise HTTPException(404)
        return download(tiles[name], release.release_id)


def _tiles(release: Release, definition: ChartDefinition) -> dict[str, Tile] | None:
    """The tiles by name; None where the release is older than the page."""
    metrics = page_rows(release, TRAINING, METRICS, definition.filters)
    if metrics is None:
        return None
    shown = _with_series(definition, metrics)
    points = page_rows(release, TRAINING, POINTS, shown.parameters) if shown.series else []
    return {
        "points": Tile(
            name="points",
            title=definition.name or _UNNAMED,
            question="One point is one run. The address of this page holds the whole chart: bookmark it to keep it.",
            shape="chart",
            fields=POINT_FIELDS,
            rows=points or [],
            note=note(points or []),
            empty="No run of this selection has such a value.",
            spec=draw(points) if points else None,
        ),
        "metrics": Tile(
            name="metrics",
            title="Metrics",
            question="What did these runs measure? A click adds a series.",
            shape="table",
            fields=METRIC_FIELDS,
            rows=metrics,
            empty="These runs have no metric.",
        ),
        "fields": Tile(
            name="fields",
            title="Fields and their values",
            question="What is known of these runs? A click shows only the runs with that value.",
            shape="table",
            fields=VALUE_FIELDS,
            rows=page_rows(release, TRAINING, FIELDS, definition.filters) or [],
            empty="Nothing is known of these runs.",
        ),
    }


def _with_series(definition: ChartDefinition, metrics: list[Row]) -> ChartDefinition:
    """The definition; where it names no series, the final values of the metrics that most runs have."""
    if definition.series or not metrics:
        return definition
    most = max(metrics, key=lambda row: (row["run_count"], row["metric_name"] != row["metric_base_name"]))
    base = [row["metric_name"] for row in metrics if row["metric_base_name"] == most["metric_base_name"]]
    return replace(definition, series=tuple(Series(metric, "final") for metric in base[:MOST_SERIES]))


def _without(values: tuple[str, ...], text: str) -> tuple[str, ...]:
    return tuple(each for each in values if each != text)
