"""The share of each worker's answers that agree with the consolidated label, and how sure that is."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import ANSWERS
from labelhouse.reports.encoding import (
    MAIN_COLOUR,
    SHOWN_WORKERS,
    cut_workers,
    lines_height,
    rows_chart,
    specification,
    worker_axis,
    worker_tooltip,
)


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    percent = alt.Axis(format=".0%")
    share = alt.X("agreement_ratio:Q", title="share that agrees", axis=percent, scale=alt.Scale(domain=[0, 1]))
    base = rows_chart().encode(
        y=worker_axis("agreement_rank"),
        tooltip=worker_tooltip(
            alt.Tooltip("agreement_ratio:Q", title="share that agrees", format=".1%"),
            alt.Tooltip("agreeing_answer_count:Q", title="answers that agree", format=",d"),
            alt.Tooltip("comparable_answer_count:Q", title="comparable answers", format=",d"),
            alt.Tooltip("interval_low_ratio:Q", title="95 % interval from", format=".1%"),
            alt.Tooltip("interval_high_ratio:Q", title="to", format=".1%"),
        ),
    )
    interval = base.mark_rule(strokeWidth=5, opacity=0.45, color=MAIN_COLOUR, cursor="pointer").encode(
        x=alt.X("interval_low_ratio:Q", title="share that agrees", axis=percent, scale=alt.Scale(domain=[0, 1])),
        x2="interval_high_ratio:Q",
    )
    point = base.mark_point(size=60, filled=True, opacity=1, color=MAIN_COLOUR, cursor="pointer").encode(x=share)
    return specification(alt.layer(interval, point), lines_height(rows), rows=rows)


REPORT = Report(
    name="agreement_per_worker",
    page="workers",
    order=42,
    title="Agreement per worker",
    question="Whose answers agree with the label that the job settled on? The bar is the 95 % interval: "
    "the fewer answers, the wider.",
    # Wilson's score interval with z = 1.96: unlike the normal one it stays within 0 and 1, and it does not
    # shrink to nothing when all of a few answers agree.
    sql=f"""
        with {ANSWERS.strip()},
        counts as (
            select
                worker_id,
                count(*) as answer_count,
                count(*) filter (where agrees_with_consolidated) as agreeing_answer_count,
                count(agrees_with_consolidated) as comparable_answer_count
            from answers
            group by worker_id
            having count(agrees_with_consolidated) > 0
        ),
        shares as (
            select
                *,
                agreeing_answer_count / comparable_answer_count as agreement_ratio,
                1.96 * 1.96 / comparable_answer_count as spread,
                count(*) over () as worker_count
            from counts
            qualify row_number() over (order by answer_count desc, worker_id) <= {SHOWN_WORKERS}
        ),
        intervals as (
            select
                *,
                (agreement_ratio + spread / 2) / (1 + spread) as centre,
                sqrt(spread * (agreement_ratio * (1 - agreement_ratio) + spread / 4)) / (1 + spread) as half_width
            from shares
        )
        select
            worker_id,
            agreement_ratio,
            greatest(centre - half_width, 0) as interval_low_ratio,
            least(centre + half_width, 1) as interval_high_ratio,
            agreeing_answer_count,
            comparable_answer_count,
            row_number() over (
                order by agreement_ratio desc, comparable_answer_count desc, worker_id
            ) as agreement_rank,
            worker_count
        from intervals
        order by agreement_rank
    """,
    fields=(
        Field("worker_id", "Worker", "worker"),
        Field("agreement_ratio", "Share that agrees", "ratio"),
        Field("interval_low_ratio", "95 % interval from", "ratio"),
        Field("interval_high_ratio", "to", "ratio"),
        Field("agreeing_answer_count", "Answers that agree", "count"),
        Field("comparable_answer_count", "Comparable answers", "count"),
    ),
    draw=_draw,
    note=cut_workers,
    empty="No answer of this selection can be compared with a consolidated label yet.",
)
