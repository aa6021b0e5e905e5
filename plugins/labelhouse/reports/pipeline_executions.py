"""How executions of pipelines ended, day by day."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_metrics import EXECUTIONS
from labelhouse.reports.encoding import (
    SHOWN_DAYS,
    category_colour,
    cut_days,
    day_axis,
    day_tooltip,
    in_order,
    rows_chart,
    specification,
)
from labelhouse.reports.operations_encoding import OUTCOME_COLOURS, nothing_of


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    drawn = (
        rows_chart()
        .mark_bar(cornerRadius=1)
        .encode(
            x=day_axis(rows),
            y=alt.Y("execution_count:Q", title="executions", axis=alt.Axis(tickMinStep=1, format=",d", tickCount=5)),
            color=category_colour(rows, "outcome", OUTCOME_COLOURS),
            order=alt.Order("place:Q"),
            tooltip=[
                day_tooltip(),
                alt.Tooltip("outcome:N", title="how it ended"),
                alt.Tooltip("execution_count:Q", title="executions", format=",d"),
            ],
        )
    )
    return specification(drawn, 240, rows=in_order(rows, "outcome", OUTCOME_COLOURS))


REPORT = Report(
    name="pipeline_executions",
    page="operations",
    order=80,
    title="Executions of pipelines",
    question="How many executions ended, and how? Of the whole account; of one pipeline where one is chosen.",
    sql=f"""
        with {EXECUTIONS.strip()},
        days as (
            select
                event_date,
                unnest(['succeeded', 'stopped', 'failed']) as outcome,
                unnest([succeeded_count, stopped_count, failed_count]) as execution_count
            from counted_executions
        ),
        span as (
            select min(event_date) as first_date, max(event_date) as last_date from days
        )
        select event_date, outcome, sum(execution_count)::bigint as execution_count, first_date
        from days
        cross join span
        where event_date > last_date - {SHOWN_DAYS}
        group by all
        having sum(execution_count) > 0
        order by event_date, outcome
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("outcome", "How they ended"),
        Field("execution_count", "Executions", "count"),
    ),
    draw=_draw,
    is_wide=True,
    note=lambda rows: cut_days(rows, "execution"),
    empty=nothing_of("execution of a pipeline", "cloudwatch_metrics"),
)
