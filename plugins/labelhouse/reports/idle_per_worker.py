"""Active against idle time per worker, where both the log and the answer have a time."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import TASKS
from labelhouse.reports.durations import in_words, unit_for, with_durations
from labelhouse.reports.encoding import (
    MAIN_COLOUR,
    OTHER_COLOUR,
    SHOWN_WORKERS,
    category_colour,
    cut_workers,
    in_order,
    worker_bars,
)

_COLOURS = {"active": MAIN_COLOUR, "idle": OTHER_COLOUR}


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    unit = unit_for(max(row["active_seconds"] + row["idle_seconds"] for row in rows))
    parts = [row | {"part": part, "seconds": row[f"{part}_seconds"]} for row in rows for part in _COLOURS]
    drawn = with_durations(in_order(parts, "part", _COLOURS), unit, "seconds", "active_seconds", "idle_seconds")
    return worker_bars(
        drawn,
        alt.X("seconds_in_unit:Q", title=unit.name, axis=alt.Axis(tickCount=8, format=",.2~f")),
        category_colour(parts, "part", _COLOURS),
        alt.Tooltip("active_seconds_in_words:N", title="active"),
        alt.Tooltip("idle_seconds_in_words:N", title="idle"),
        alt.Tooltip("active_ratio:Q", title="share that is active", format=".1%"),
        alt.Tooltip("compared_task_count:Q", title="tasks", format=",d"),
    )


def _sum(rows: list[Row]) -> str | None:
    if not rows:
        return None
    active, idle = (sum(row[f"{part}_seconds"] for row in rows) for part in _COLOURS)
    shown = f"Together {in_words(active)} active and {in_words(idle)} idle."
    return " ".join(filter(None, (cut_workers(rows, "time"), shown)))


REPORT = Report(
    name="idle_per_worker",
    page="workers",
    order=12,
    title="Active and idle time per worker",
    question="How much of the time that a task was open did its worker work on it? Only submitted tasks that the log "
    "and an answer know.",
    sql=f"""
        with {TASKS.strip()},
        workers as (
            select
                worker_id,
                sum(active_seconds)::double as active_seconds,
                sum(idle_seconds)::double as idle_seconds,
                count(*) as compared_task_count
            from tasks
            where is_submitted and not is_excluded and active_seconds is not null and idle_seconds is not null
            group by worker_id
        )
        select
            *,
            active_seconds / nullif(active_seconds + idle_seconds, 0) as active_ratio,
            row_number() over (order by active_seconds + idle_seconds desc, worker_id) as worker_rank,
            count(*) over () as worker_count
        from workers
        qualify worker_rank <= {SHOWN_WORKERS}
        order by worker_rank
    """,
    fields=(
        Field("worker_id", "Worker", "worker"),
        Field("active_seconds", "Active", "seconds"),
        Field("idle_seconds", "Idle", "seconds"),
        Field("active_ratio", "Share that is active", "ratio"),
        Field("compared_task_count", "Tasks", "count"),
    ),
    draw=_draw,
    note=_sum,
    empty="No submitted task of this selection is known to both the log and an answer with its active time.",
)
