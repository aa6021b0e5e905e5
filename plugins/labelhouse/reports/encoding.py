"""How the charts of this house look: the same workers, jobs and colours in each of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from labelhouse.reports import Row
from labelhouse.reports.chosen_work import UNKNOWN_MODALITY

if TYPE_CHECKING:
    import altair as alt

#: Colours that people with any kind of colour blindness tell apart, legible on white and on black.
#: The hues are those of Okabe and Ito, darkened where they fade on white.
JOB_COLOURS = ("#2e77d0", "#d9690f", "#0f9d78", "#c5649d", "#b98a00", "#38a3c4", "#7a67c7")
OTHER_COLOUR = "#8b919d"
MAIN_COLOUR = JOB_COLOURS[0]
BAD_COLOUR = "#d64545"
#: What is labelled, and what becomes of a task: in the order of legends and stacks.
MODALITY_COLOURS = {
    "image": JOB_COLOURS[0],
    "video": JOB_COLOURS[1],
    "text": JOB_COLOURS[2],
    "point_cloud": JOB_COLOURS[3],
    "other": JOB_COLOURS[6],
    UNKNOWN_MODALITY: OTHER_COLOUR,
}
OUTCOME_COLOURS = {
    "submitted": JOB_COLOURS[2],
    "returned": JOB_COLOURS[4],
    "declined": JOB_COLOURS[1],
    "abandoned": BAD_COLOUR,
    "open": OTHER_COLOUR,
}
#: The name under which the smaller jobs are added up. No job is called that: AWS allows no spaces.
OTHER_JOBS = "other jobs"

#: Every job's place by size among those of the chosen work team and modality, whatever else is selected: a job keeps
#: its colour. A CTE.
JOB_RANKS = f"""
        jobs as (
            select
                labeling_job_name,
                row_number() over (order by sum(answer_count) desc, labeling_job_name) as job_rank
            from fct_worker_job
            where
                ($team is null or workteam_name = $team)
                and ($modality is null or coalesce(modality, '{UNKNOWN_MODALITY}') = $modality)
            group by labeling_job_name
        )
"""

#: More bars than this cannot be read on one screen.
SHOWN_WORKERS = 25
SHOWN_JOBS = len(JOB_COLOURS)
#: As many rows as people look through; the marts hold the rest.
SHOWN_ROWS = 1000
#: A bar per day of more than a year is thinner than a pixel.
SHOWN_DAYS = 366
#: A bar per day of fewer days than this is a wall.
LEAST_DAYS = 14

# Ids are up to 100 characters and differ at the start, behind `private.eu-west-1.`: the tooltip and the table hold them
# whole. Names are mostly shorter.
_BARE_ID = "replace(datum.label, /^(public|private|vendor)[.][a-z0-9-]+[.]/, '')"
_SHORT_ID = f"""
    test(/^[A-Za-z0-9_-]{{25,}}$/, {_BARE_ID}) ? slice({_BARE_ID}, 0, 12) + '…'
    : length({_BARE_ID}) > 24 ? slice({_BARE_ID}, 0, 22) + '…' : {_BARE_ID}
"""


def chart(rows: list[Row]) -> alt.Chart:
    """A chart on a few `rows`, to be encoded."""
    import altair as alt

    return alt.Chart(alt.InlineData(values=[_json_row(row) for row in rows]))


def rows_chart() -> alt.Chart:
    """A chart on the rows that its `specification` is given as `rows`, to be encoded."""
    import altair as alt

    return alt.Chart(alt.NamedData("rows"))


def specification(drawn: Any, height: int, **datasets: list[Row]) -> dict[str, Any]:
    """The Vega-Lite of an Altair chart: as wide as its tile, its plot `height` pixels high.

    `datasets` are rows that its parts name (`alt.NamedData`) instead of holding them: Altair copies and validates
    what a chart holds, again and again, and takes a second for thousands of rows.
    """
    import altair as alt

    sized = drawn.properties(
        width="container",
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )
    found: dict[str, Any] = sized.to_dict()
    if datasets:
        named = {name: [_json_row(row) for row in rows] for name, rows in datasets.items()}
        found["datasets"] = found.get("datasets", {}) | named
    return found


def lines_height(rows: list[Row]) -> int:
    """The height of a plot with one line per worker, in pixels."""
    return 22 * len({row["worker_id"] for row in rows})


def worker_axis(order: str) -> alt.Y:
    """One line per worker, sorted by the column `order`."""
    import altair as alt

    return alt.Y(
        "worker:N",
        sort=alt.EncodingSortField(field=order, op="min"),
        title="worker",
        axis=alt.Axis(labelExpr=_SHORT_ID, labelLimit=160, ticks=False, domain=False),
    )


def job_colour(rows: list[Row]) -> alt.Color:
    """A colour per job by its rank; jobs beyond the palette share grey."""
    import altair as alt

    ranks = {row["labeling_job_name"]: row["job_rank"] for row in rows}
    jobs = sorted(ranks, key=lambda job: ranks[job])
    colours = [(*JOB_COLOURS, OTHER_COLOUR)[ranks[job] - 1] for job in jobs]
    scale = alt.Scale(domain=jobs, range=colours)
    if len(jobs) == 1:
        return alt.Color("labeling_job_name:N", scale=scale, legend=None)
    legend = _legend()
    return alt.Color("labeling_job_name:N", scale=scale, legend=legend)


def category_colour(rows: list[Row], column: str, colours: Mapping[str, str]) -> alt.Color:
    """A fixed colour per category of `column`, in the order of `colours`; unknown ones share grey."""
    import altair as alt

    present = {row[column] for row in rows}
    names = [name for name in colours if name in present] + sorted(present - set(colours))
    scale = alt.Scale(domain=names, range=[colours.get(name, OTHER_COLOUR) for name in names])
    legend = _legend(labelExpr="replace(datum.label, '_', ' ')")
    return alt.Color(f"{column}:N", scale=scale, legend=legend)


def _legend(**options: Any) -> alt.Legend:
    """A legend above the plot; the page's script breaks its lines where the plot is narrow."""
    import altair as alt

    return alt.Legend(orient="top", title=None, labelLimit=200, symbolType="square", offset=24, **options)


def in_order(rows: list[Row], column: str, colours: Mapping[str, str]) -> list[Row]:
    """`rows` with the place of their category in stacks, as `place`."""
    places = {name: place for place, name in enumerate(colours)}
    return [row | {"place": places.get(row[column], len(places))} for row in rows]


def worker_tooltip(*others: alt.Tooltip) -> list[alt.Tooltip]:
    """The worker's name where it is known, the whole id, then `others`."""
    import altair as alt

    return [alt.Tooltip("worker:N", title="worker"), alt.Tooltip("worker_id:N", title="id"), *others]


def worker_bars(
    rows: list[Row], x: alt.X, color: alt.Color, *tooltip: alt.Tooltip, order: str = "place"
) -> dict[str, Any]:
    """The specification of one stacked bar per worker, in the order of `worker_rank`.

    `order` is the column that sorts the parts of a bar: see `in_order`.
    """
    import altair as alt

    drawn = (
        rows_chart()
        .mark_bar(cursor="pointer", cornerRadius=1)
        .encode(
            x=x,
            y=worker_axis("worker_rank"),
            color=color,
            order=alt.Order(f"{order}:Q"),
            tooltip=worker_tooltip(*tooltip),
        )
    )
    return specification(drawn, lines_height(rows), rows=rows)


def cut_workers(rows: list[Row], most: str = "answers") -> str | None:
    """Says so when a chart shows fewer workers than there are (`worker_count` of its rows): those with the `most`."""
    if not rows or rows[0]["worker_count"] <= SHOWN_WORKERS:
        return None
    return f"The {SHOWN_WORKERS} workers with the most {most}, of {rows[0]['worker_count']:,}."


def day_axis(rows: list[Row]) -> alt.X:
    """The days of `rows` (`event_date`, ascending), a fortnight at least."""
    import altair as alt

    end = rows[-1]["event_date"] + timedelta(days=1)
    first = min(rows[0]["event_date"], end - timedelta(days=LEAST_DAYS))
    return alt.X(
        DAY,
        title="day",
        axis=alt.Axis(format="%d %b %Y", labelOverlap=True, labelBound=True, grid=False),
        scale=alt.Scale(domain=[_utc(first), _utc(end)]),
    )


def day_tooltip() -> alt.Tooltip:
    """The day in words."""
    import altair as alt

    return alt.Tooltip(DAY, title="day", format="%A, %d %B %Y")


#: Dates, not instants: read and shown as UTC, so that no reader's time zone moves them.
DAY = "utcyearmonthdate(event_date):T"


def cut_days(rows: list[Row], what: str) -> str | None:
    """Says so when a chart shows fewer days than there are (`first_date` of its rows, that of the first `what`)."""
    if not rows or rows[0]["first_date"] > rows[-1]["event_date"] - timedelta(days=SHOWN_DAYS):
        return None
    return f"The last {SHOWN_DAYS} days; the first {what} is of {rows[0]['first_date']}."


def cut_newest(rows: list[Row], what: str) -> str | None:
    """Says so when a table shows fewer rows than there are (`<what>_count` of its rows): the newest."""
    if not rows or rows[0][f"{what}_count"] <= len(rows):
        return None
    return f"The newest {len(rows):,} of {rows[0][f'{what}_count']:,} {what}s."


def _utc(day: date) -> dict[str, int | bool]:
    return {"year": day.year, "month": day.month, "date": day.day, "utc": True}


def _json_row(row: Row) -> Row:
    values = {name: _json_value(value) for name, value in row.items()}
    if "worker_id" in values:  # what stands on the axes: the name of whom readers may know by it
        values["worker"] = values.get("worker_name") or values["worker_id"]
    return values


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
