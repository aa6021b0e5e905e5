"""Pages made of reports: their filters, and their tiles read from one release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import urlencode

from labelhouse.marts.read import query
from labelhouse.marts.releases import Release
from labelhouse.reports import FILTERS, Report, all_reports
from labelhouse.web.tiles import Tile


@dataclass(frozen=True, slots=True)
class Selection:
    """What the URL of a page selects: a filter that is None or empty means all.

    Args:
        job: labelling job.
        worker: worker id.
        sort: column of the sortable table, `-` in front for descending.
    """

    job: str | None = None
    worker: str | None = None
    sort: str | None = None

    @property
    def filters(self) -> dict[str, str | None]:
        """The parameters of the queries."""
        return {name: getattr(self, name) or None for name in FILTERS}

    @property
    def chosen(self) -> dict[str, str]:
        """The filters that are set."""
        return {name: value for name, value in self.filters.items() if value}

    def url(self, **changes: str | None) -> str:
        """The query part of the URL that selects this, with `changes`."""
        changed = replace(self, **changes)
        values = {**changed.chosen, **({"sort": changed.sort} if changed.sort else {})}
        return "?" + urlencode(values)

    def sort_url(self, name: str) -> str:
        """The URL that sorts by a column: descending first, since people look for the most."""
        return self.url(sort=name if self.sort == f"-{name}" else f"-{name}")


def page_tiles(release: Release, page: str, selection: Selection) -> list[Tile]:
    """Every report of a page, in order, without those that need a filter which is not set."""
    reports = [report for report in all_reports().values() if report.page == page]
    wanted = [report for report in reports if not report.needs or report.needs in selection.chosen]
    return [report_tile(release, report, selection) for report in wanted]


def report_tile(release: Release, report: Report, selection: Selection) -> Tile:
    """One report with its rows."""
    parameters = {name: value for name, value in selection.filters.items() if name in report.parameters}
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


def job_names(release: Release) -> list[str]:
    """The labelling jobs that the page can be narrowed to."""
    rows = query(release, "select labeling_job_name from dim_labeling_job order by labeling_job_name").to_pylist()
    return [row["labeling_job_name"] for row in rows]
