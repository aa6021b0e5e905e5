"""Pages made of reports: their choices, and their tiles read from one release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from labelhouse.marts.read import query
from labelhouse.marts.releases import Release
from labelhouse.reports import Report, Row, all_reports
from labelhouse.reports.older_releases import StandIn
from labelhouse.reports.page import Page
from labelhouse.web.selection import Selection
from labelhouse.web.tiles import Tile
from labelhouse.web.worker_names import People, WorkerNames

Choices = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Content:
    """What a page shows.

    Args:
        choices: what each filter of the form can be, by its name.
        notices: what readers should know of everything below, in sentences.
        labels: filter → value → how this reader knows it.
        tiles: none where there is nothing to show.
        nothing: then why, in one sentence; a link beside it leads to `way_out`.
        way_out, way_out_words: the address that shows more, and what it shows.
        steps: or what to do about it.
    """

    choices: Choices = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    tiles: list[Tile] = field(default_factory=list)
    nothing: str | None = None
    way_out: str | None = None
    way_out_words: str = ""
    steps: tuple[str, ...] = ()


def page_content(release: Release, selection: Selection, people: People | None = None) -> Content:
    """Everything on a page of reports, from one release; `people` where the reader may see names."""
    page = selection.page
    there = _columns(release)
    if not page.marts <= set(there):
        steps = ("Trigger the DAG build_marts, or wait for its next run: it makes what is missing.",)
        return Content(nothing="This release was built before there was such a page", steps=steps)
    standing_in = _standing_in(page, there)
    names = WorkerNames.of(release, people) if people else WorkerNames()
    content = Content(
        _choices(release, page, selection, standing_in), _notices(standing_in, names), {"worker": names.shown}
    )
    for each in page.filters:
        if set(selection.texts(each.name)) - set(content.choices.get(each.name, selection.texts(each.name))):
            return replace(
                content,
                nothing=f"No {each.title.lower()} of that name is in this release.",
                way_out=selection.url(**{each.name: None}),
                way_out_words=f"Show {each.everything.lower()}",
            )
    reports = [report for report in all_reports().values() if report.page == page.name]
    wanted = [report for report in reports if not report.needs or report.needs in selection.chosen]
    tiles = [_tile(release, report, selection, standing_in, names) for report in wanted]
    if page.nothing and _is_nothing(tiles):
        if selection.chosen:
            nothing, everything = "Nothing matches these filters together.", Selection(page, {}).url()
            return replace(content, nothing=nothing, way_out=everything, way_out_words="Show everything")
        return replace(content, nothing=page.nothing, steps=page.steps)
    return replace(content, tiles=tiles)


def report_tile(release: Release, report: Report, selection: Selection, people: People | None = None) -> Tile | None:
    """One report with its rows; None where the release is older than its page."""
    there = _columns(release)
    if not selection.page.marts <= set(there):
        return None
    names = WorkerNames.of(release, people) if people else WorkerNames()
    return _tile(release, report, selection, _standing_in(selection.page, there), names)


def _tile(
    release: Release, report: Report, selection: Selection, standing_in: list[StandIn], names: WorkerNames
) -> Tile:
    parameters = {name: value for name, value in selection.parameters.items() if name in report.parameters}
    rows = names.in_rows(query(release, _with(standing_in, report.sql), parameters).to_pylist())
    tile = Tile(
        name=report.name,
        title=report.title,
        question=report.question,
        shape=report.shape,
        fields=names.in_fields(report.fields),
        rows=rows,
        note=report.note(rows),
        empty=report.empty,
        spec=report.draw(rows) if report.draw and rows else None,
        is_wide=report.is_wide,
        is_sortable=report.is_sortable,
    )
    return tile.sorted_by(selection.sort) if report.is_sortable else tile


def page_rows(release: Release, page: Page, sql: str, parameters: Mapping[str, Any]) -> list[Row] | None:
    """The rows of a SELECT on what a page reads; None where the release is older than the page."""
    there = _columns(release)
    if not page.marts <= set(there):
        return None
    rows: list[Row] = query(release, _with(_standing_in(page, there), sql), parameters).to_pylist()
    return rows


def _columns(release: Release) -> dict[str, set[str]]:
    """The columns of every mart that a release holds."""
    sql = "select table_name, column_name from information_schema.columns where table_schema = 'main'"
    found: dict[str, set[str]] = {}
    for row in query(release, sql).to_pylist():
        found.setdefault(row["table_name"], set()).add(row["column_name"])
    return found


def _standing_in(page: Page, there: dict[str, set[str]]) -> list[StandIn]:
    """What stands for the marts and columns that a release is too old for."""
    return [each for each in page.stand_ins if each.column not in there.get(each.mart, ())]


def _with(standing_in: list[StandIn], sql: str) -> str:
    """A SELECT that reads the stand-ins instead of the marts."""
    if not standing_in:
        return sql
    parts = ", ".join(f"{each.mart} as ({each.sql})" for each in standing_in)
    sql = sql.strip()
    return f"with {parts}, {sql.removeprefix('with ')}" if sql.startswith("with ") else f"with {parts} {sql}"


def _notices(standing_in: list[StandIn], names: WorkerNames) -> tuple[str, ...]:
    found = []
    if standing_in:
        found.append(
            "This release is older than parts of this page, and shows what it can. The next run of the DAG build_marts "
            "makes the rest."
        )
    if names.trouble:
        found.append(f"The names of the workers cannot be shown: {names.trouble}")
    return tuple(found)


def _choices(release: Release, page: Page, selection: Selection, standing_in: list[StandIn]) -> Choices:
    """What the filters can be: those of the form, and those that must be checked."""
    wanted = [
        each for each in page.filters if each.choices and (each.kind == "choice" or each.name in selection.chosen)
    ]
    found = {}
    for each in wanted:
        column = query(release, _with(standing_in, each.choices or "")).column(0)
        found[each.name] = column.to_pylist()
    return found


def _is_nothing(tiles: list[Tile]) -> bool:
    """Whether the first of the figures, which counts what the page is about, is 0."""
    figures = next((tile for tile in tiles if tile.shape == "figures"), None)
    return figures is not None and all(row[figures.fields[0].name] == 0 for row in figures.rows)
