"""How the charts of this house look: the same workers, jobs and colours in each of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from labelhouse.reports import Row

if TYPE_CHECKING:
    import altair as alt

#: Colours that people with any kind of colour blindness tell apart, legible on white and on black.
#: The hues are those of Okabe and Ito, darkened where they fade on white.
JOB_COLOURS = ("#2e77d0", "#d9690f", "#0f9d78", "#c5649d", "#b98a00", "#38a3c4", "#7a67c7")
OTHER_COLOUR = "#8b919d"
MAIN_COLOUR = JOB_COLOURS[0]
#: The name under which the smaller jobs are added up. No job is called that: AWS allows no spaces.
OTHER_JOBS = "other jobs"

#: Every job's place by size in the whole release, whatever is selected: a job keeps its colour. A CTE.
JOB_RANKS = """
        jobs as (
            select
                labeling_job_name,
                row_number() over (order by sum(answer_count) desc, labeling_job_name) as job_rank
            from fct_worker_job
            group by labeling_job_name
        )
"""

#: More bars than this cannot be read on one screen.
SHOWN_WORKERS = 25
SHOWN_JOBS = len(JOB_COLOURS)

# Ids are up to 100 characters and differ at the start: the tooltip and the table hold them whole.
_SHORT_ID = "length(datum.label) > 14 ? slice(datum.label, 0, 12) + '…' : datum.label"


def chart(rows: list[Row]) -> alt.Chart:
    """A chart on `rows`, to be encoded."""
    import altair as alt

    return alt.Chart(alt.InlineData(values=[_json_row(row) for row in rows]))


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
        "worker_id:N",
        sort=alt.EncodingSortField(field=order, op="min"),
        title="worker",
        axis=alt.Axis(labelExpr=_SHORT_ID, labelLimit=140, ticks=False, domain=False),
    )


def job_colour(rows: list[Row], legend_columns: int = 2) -> alt.Color:
    """A colour per job by its rank; jobs beyond the palette share grey."""
    import altair as alt

    ranks = {row["labeling_job_name"]: row["job_rank"] for row in rows}
    jobs = sorted(ranks, key=lambda job: ranks[job])
    colours = [(*JOB_COLOURS, OTHER_COLOUR)[ranks[job] - 1] for job in jobs]
    scale = alt.Scale(domain=jobs, range=colours)
    if len(jobs) == 1:
        return alt.Color("labeling_job_name:N", scale=scale, legend=None)
    legend = alt.Legend(
        orient="top", title=None, columns=legend_columns, labelLimit=200, symbolType="square", offset=24
    )
    return alt.Color("labeling_job_name:N", scale=scale, legend=legend)


def worker_tooltip(*others: alt.Tooltip) -> list[alt.Tooltip]:
    """The worker's whole id, then `others`."""
    import altair as alt

    return [alt.Tooltip("worker_id:N", title="worker"), *others]


def cut_workers(rows: list[Row]) -> str | None:
    """Says so when a chart shows fewer workers than there are (`worker_count` of its rows)."""
    if not rows or rows[0]["worker_count"] <= SHOWN_WORKERS:
        return None
    return f"The {SHOWN_WORKERS} workers with the most answers, of {rows[0]['worker_count']:,}."


def _json_row(row: Row) -> Row:
    return {name: _json_value(value) for name, value in row.items()}


def _json_value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
