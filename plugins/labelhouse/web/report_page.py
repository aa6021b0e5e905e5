"""Pages made of reports: their choices, and their tiles read from one release."""

from __future__ import annotations

from dataclasses import dataclass, field

from labelhouse.marts.read import query
from labelhouse.marts.releases import Release
from labelhouse.reports import Report, all_reports
from labelhouse.reports.pages import Page
from labelhouse.web.selection import Selection
from labelhouse.web.tiles import Tile

Choices = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Content:
    """What a page shows.

    Args:
        choices: what each filter of the form can be, by its name.
        tiles: none where there is nothing to show.
        nothing: then why, in one sentence; a link beside it leads to `way_out`.
        way_out, way_out_words: the address that shows more, and what it shows.
        steps: or what to do about it.
    """

    choices: Choices
    tiles: list[Tile] = field(default_factory=list)
    nothing: str | None = None
    way_out: str | None = None
    way_out_words: str = ""
    steps: tuple[str, ...] = ()


def page_content(release: Release, selection: Selection) -> Content:
    """Everything on a page of reports, from one release."""
    page = selection.page
    if not has_marts(release, page):
        steps = ("Trigger the DAG build_marts, or wait for its next run: it makes what is missing.",)
        return Content({}, nothing="This release was built before there was such a page", steps=steps)
    choices = _choices(release, page, selection)
    for each in page.filters:
        if set(selection.texts(each.name)) - set(choices.get(each.name, selection.texts(each.name))):
            return Content(
                choices,
                nothing=f"No {each.title.lower()} of that name is in this release.",
                way_out=selection.url(**{each.name: None}),
                way_out_words=f"Show {each.everything.lower()}",
            )
    tiles = page_tiles(release, selection)
    if page.nothing and _is_nothing(tiles):
        if selection.chosen:
            everything = Selection(page, {}).url()
            return Content(choices, [], "Nothing matches these filters together.", everything, "Show everything")
        return Content(choices, nothing=page.nothing, steps=page.steps)
    return Content(choices, tiles)


def has_marts(release: Release, page: Page) -> bool:
    """Whether a release holds what the page reads: one that was built before the page existed does not."""
    there = query(release, "select table_name from information_schema.tables").column(0).to_pylist()
    return page.marts <= set(there)


def page_tiles(release: Release, selection: Selection) -> list[Tile]:
    """Every report of a page, in order, without those that need a filter which is not set."""
    reports = [report for report in all_reports().values() if report.page == selection.page.name]
    wanted = [report for report in reports if not report.needs or report.needs in selection.chosen]
    return [report_tile(release, report, selection) for report in wanted]


def report_tile(release: Release, report: Report, selection: Selection) -> Tile:
    """One report with its rows."""
    parameters = {name: value for name, value in selection.parameters.items() if name in report.parameters}
    rows = query(release, report.sql, parameters).to_pylist()
    tile = Tile(
        name=report.name,
        title=report.title,
        question=report.question,
        shape=report.shape,
        fields=report.fields,
        rows=rows,
        note=report.note(rows),
        empty=report.empty,
        spec=report.draw(rows) if report.draw and rows else None,
        is_wide=report.is_wide,
        is_sortable=report.is_sortable,
    )
    return tile.sorted_by(selection.sort) if report.is_sortable else tile


def _choices(release: Release, page: Page, selection: Selection) -> Choices:
    """What the filters can be: those of the form, and those that must be checked."""
    wanted = [
        each for each in page.filters if each.choices and (each.kind == "choice" or each.name in selection.chosen)
    ]
    found = {}
    for each in wanted:
        column = query(release, each.choices or "").column(0)
        found[each.name] = column.to_pylist()
    return found


def _is_nothing(tiles: list[Tile]) -> bool:
    """Whether the first of the figures, which counts what the page is about, is 0."""
    figures = next((tile for tile in tiles if tile.shape == "figures"), None)
    return figures is not None and all(row[figures.fields[0].name] == 0 for row in figures.rows)
