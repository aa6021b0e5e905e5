"""What became of the tasks that each worker took."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import TASKS
from labelhouse.reports.encoding import (
    OUTCOME_COLOURS,
    SHOWN_WORKERS,
    category_colour,
    cut_workers,
    in_order,
    worker_bars,
)


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    return worker_bars(
        in_order(rows, "outcome", OUTCOME_COLOURS),
        alt.X("task_count:Q", title="tasks", axis=alt.Axis(tickMinStep=1, tickCount=8, format=",d")),
        category_colour(rows, "outcome", OUTCOME_COLOURS),
        alt.Tooltip("outcome:N", title="outcome"),
        alt.Tooltip("task_count:Q", title="tasks", format=",d"),
        alt.Tooltip("share_ratio:Q", title="of all that the worker took", format=".1%"),
    )


REPORT = Report(
    name="outcomes_per_worker",
    page="workers",
    order=50,
    title="Outcome of the tasks",
    question="Who submits, returns or declines the tasks that they take, and who leaves them until they expire?",
    sql=f"""
        with {TASKS.strip()},
        outcomes as (
            select worker_id, outcome, count(*) as task_count from tasks group by worker_id, outcome
        ),
        workers as (
            select
                worker_id,
                sum(task_count) as worker_task_count,
                row_number() over (order by sum(task_count) desc, worker_id) as worker_rank,
                count(*) over () as worker_count
            from outcomes
            group by worker_id
        )
        select
            worker_id,
            outcome,
            task_count,
            task_count / worker_task_count as share_ratio,
            worker_rank,
            worker_count
        from outcomes
        join workers using (worker_id)
        where worker_rank <= {SHOWN_WORKERS}
        order by worker_rank, outcome
    """,
    fields=(
        Field("worker_id", "Worker", "worker"),
        Field("outcome", "Outcome"),
        Field("task_count", "Tasks", "count"),
        Field("share_ratio", "Share", "ratio"),
    ),
    draw=_draw,
    note=lambda rows: cut_workers(rows, "tasks"),
    empty="No tasks in this selection.",
)
