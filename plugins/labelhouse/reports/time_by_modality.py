"""Total time per modality."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import TASKS
from labelhouse.reports.durations import unit_for, with_durations
from labelhouse.reports.encoding import MODALITY_COLOURS, category_colour, rows_chart, specification


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    unit = unit_for(max(row["total_seconds"] for row in rows))
    drawn = with_durations(rows, unit, "total_seconds", "mean_seconds", "median_seconds")
    # room for the words behind the longest bar
    scale = alt.Scale(domain=[0, max(row["total_seconds_in_unit"] for row in drawn) * 1.25 or 1], nice=False)
    x = alt.X("total_seconds_in_unit:Q", title=unit.name, scale=scale, axis=alt.Axis(tickCount=6, format=",.2~f"))
    y = alt.Y(
        "modality:N",
        sort=alt.EncodingSortField(field="total_seconds", op="max", order="descending"),
        title="modality",
        axis=alt.Axis(labelExpr="replace(datum.label, '_', ' ')", ticks=False, domain=False),
        scale=alt.Scale(paddingInner=0.4, paddingOuter=0.2),
    )
    base = rows_chart().encode(
        x=x,
        y=y,
        tooltip=[
            alt.Tooltip("modality:N", title="modality"),
            alt.Tooltip("total_seconds_in_words:N", title="time"),
            alt.Tooltip("timed_task_count:Q", title="tasks", format=",d"),
            alt.Tooltip("worker_count:Q", title="workers", format=",d"),
            alt.Tooltip("mean_seconds_in_words:N", title="mean per task"),
            alt.Tooltip("median_seconds_in_words:N", title="median per task"),
        ],
    )
    colour = category_colour(rows, "modality", MODALITY_COLOURS)
    colour["legend"] = None  # the axis names them
    bars = base.mark_bar(cursor="pointer", cornerRadius=1).encode(color=colour)
    words = base.mark_text(align="left", dx=6, fontSize=11, style="label").encode(text="total_seconds_in_words:N")
    return specification(alt.layer(bars, words), max(60, 40 * len(rows)), rows=drawn)


REPORT = Report(
    name="time_by_modality",
    page="workers",
    order=20,
    title="Total time by modality",
    question="How much of the time went into images, videos, text and point clouds?",
    sql=f"""
        with {TASKS.strip()}
        select
            modality,
            sum(task_seconds) as total_seconds,
            count(*) as timed_task_count,
            count(distinct worker_id) as worker_count,
            avg(task_seconds) as mean_seconds,
            median(task_seconds) as median_seconds
        from tasks
        where task_seconds is not null
        group by modality
        order by total_seconds desc, modality
    """,
    fields=(
        Field("modality", "Modality", "modality"),
        Field("total_seconds", "Time", "seconds"),
        Field("timed_task_count", "Tasks", "count"),
        Field("worker_count", "Workers", "count"),
        Field("mean_seconds", "Mean per task", "seconds"),
        Field("median_seconds", "Median per task", "seconds"),
    ),
    draw=_draw,
    empty="No time is captured for this selection.",
)
