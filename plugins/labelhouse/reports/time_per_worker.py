"""Total time per worker and modality, as a stacked bar."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import TASKS
from labelhouse.reports.durations import unit_for, with_durations
from labelhouse.reports.encoding import (
    MODALITY_COLOURS,
    SHOWN_WORKERS,
    category_colour,
    cut_workers,
    in_order,
    worker_bars,
)


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    unit = unit_for(max(row["worker_seconds"] for row in rows))
    drawn = with_durations(in_order(rows, "modality", MODALITY_COLOURS), unit, "total_seconds", "worker_seconds")
    return worker_bars(
        drawn,
        alt.X("total_seconds_in_unit:Q", title=unit.name, axis=alt.Axis(tickCount=8, format=",.2~f")),
        category_colour(rows, "modality", MODALITY_COLOURS),
        alt.Tooltip("modality:N", title="modality"),
        alt.Tooltip("total_seconds_in_words:N", title="time"),
        alt.Tooltip("timed_task_count:Q", title="tasks", format=",d"),
        alt.Tooltip("worker_seconds_in_words:N", title="with all modalities"),
    )


def _left_out(rows: list[Row]) -> str | None:
    """Fewer workers than there are, and tasks whose times cannot be."""
    if not rows:
        return None
    count = rows[0]["excluded_task_count"]
    words = "task ends before it begins or takes" if count == 1 else "tasks end before they begin or take"
    excluded = f"Not in any time, but counted: {count:,} {words} more than 24 hours."
    return " ".join(filter(None, (cut_workers(rows, "time"), excluded if count else None))) or None


REPORT = Report(
    name="time_per_worker",
    page="workers",
    order=10,
    title="Total time per worker and modality",
    question="How long did each worker label, and what? Submitted tasks: active time where it is captured, else from "
    "acceptance to submission.",
    sql=f"""
        with {TASKS.strip()},
        totals as (
            select worker_id, modality, sum(task_seconds) as total_seconds, count(*) as timed_task_count
            from tasks
            where task_seconds is not null
            group by worker_id, modality
        ),
        workers as (
            select
                worker_id,
                sum(total_seconds) as worker_seconds,
                row_number() over (order by sum(total_seconds) desc, worker_id) as worker_rank,
                count(*) over () as worker_count
            from totals
            group by worker_id
        )
        select
            worker_id,
            modality,
            total_seconds,
            timed_task_count,
            worker_seconds,
            worker_rank,
            worker_count,
            (select count(*) from tasks where is_excluded) as excluded_task_count
        from totals
        join workers using (worker_id)
        where worker_rank <= {SHOWN_WORKERS}
        order by worker_rank, modality
    """,
    fields=(
        Field("worker_id", "Worker", "worker"),
        Field("modality", "Modality", "modality"),
        Field("total_seconds", "Time", "seconds"),
        Field("timed_task_count", "Tasks", "count"),
    ),
    draw=_draw,
    note=_left_out,
    empty="No time is captured for this selection.",
)
