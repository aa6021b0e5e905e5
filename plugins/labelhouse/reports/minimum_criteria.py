"""Which runs meet their criteria."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_runs import CRITERION, OF_CHOSEN_METRIC, RUNS
from labelhouse.reports.encoding import BAD_COLOUR, JOB_COLOURS, category_colour, in_order, rows_chart, specification

_COLOURS = {"met": JOB_COLOURS[2], "missed": BAD_COLOUR}


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    parts = [
        row
        | {"line": f"{row['metric_name']} {row['criterion']}", "result": result, "run_count": row[f"{result}_count"]}
        for row in rows
        for result in _COLOURS
        if row[f"{result}_count"]
    ]
    drawn = (
        rows_chart()
        .mark_bar(cornerRadius=1)
        .encode(
            x=alt.X("run_count:Q", title="runs", axis=alt.Axis(tickMinStep=1, format=",d", tickCount=5)),
            y=alt.Y("line:N", title="criterion", sort=None, axis=alt.Axis(labelLimit=220, ticks=False, domain=False)),
            color=category_colour(parts, "result", _COLOURS),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("line:N", title="criterion"),
                alt.Tooltip("result:N", title="runs that"),
                alt.Tooltip("run_count:Q", title="runs", format=",d"),
                alt.Tooltip("newest_run:N", title="newest run"),
                alt.Tooltip("newest_value:Q", title="its final value", format=".5~g"),
            ],
        )
    )
    return specification(drawn, max(60, 26 * len(rows)), rows=in_order(parts, "result", _COLOURS))


REPORT = Report(
    name="minimum_criteria",
    page="training",
    order=38,
    title="Minimum criteria",
    question="How many runs end where they must, and does the newest? Criteria are set in LABELHOUSE_MINIMUM_CRITERIA.",
    sql=f"""
        with {RUNS.strip()},
        judged as (
            select
                *,
                {CRITERION.strip()} as criterion
            from fct_run_metric
            join runs using (run_id)
            where meets_criterion is not null and {OF_CHOSEN_METRIC}
        )
        select
            metric_name,
            criterion,
            count(*) filter (where meets_criterion) as met_count,
            count(*) filter (where not meets_criterion) as missed_count,
            max_by(run_id, started_at) as run_id,
            max_by(run_name, started_at) as newest_run,
            max_by(final_value, started_at) as newest_value,
            max_by(meets_criterion, started_at) as newest_meets,
            max(started_at) filter (where meets_criterion) as last_met_at
        from judged
        group by metric_name, criterion
        order by metric_name, criterion
    """,
    fields=(
        Field("metric_name", "Metric", "metric"),
        Field("criterion", "Criterion"),
        Field("met_count", "Met", "count"),
        Field("missed_count", "Missed", "count"),
        Field("run_id", "Newest run", "run"),
        Field("newest_value", "ends at", "number"),
        Field("newest_meets", "meets it", "boolean"),
        Field("last_met_at", "Last met by a run of", "time"),
    ),
    draw=_draw,
    empty="No metric of this selection has a criterion: the setting LABELHOUSE_MINIMUM_CRITERIA names what its final "
    "value must reach.",
)
