"""A metric over the training step: picked runs laid over each other."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_runs import RUNS, shown_metric
from labelhouse.reports.encoding import JOB_COLOURS, OTHER_COLOUR, specification
from labelhouse.reports.thinning import thinned, what_was_left_out
from labelhouse.reports.time_encoding import line_legend, utc_tooltip
from labelhouse.reports.training_encoding import (
    COLOURED_RUNS,
    criterion_layers,
    points_and_lines,
    points_chart,
    series_names,
    value_axis,
)

#: Runs that share grey. No run is called that: AWS allows no spaces.
_OTHER_RUNS = "older runs"
#: Dashes of the series: what is validated is solid, what is trained on is dashed.
_DASHES = {"validation": [1, 0], "train": [5, 3], "test": [2, 2]}


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    rows = [row | {"colour_run": row["run_id"] if row["run_rank"] <= COLOURED_RUNS else _OTHER_RUNS} for row in rows]
    # the newest run comes last, so that it lies on top, and first in the legend
    coloured = list(dict.fromkeys(row["run_id"] for row in reversed(rows) if row["run_rank"] <= COLOURED_RUNS))
    has_others = rows[0]["colour_run"] == _OTHER_RUNS
    names = series_names(rows)
    dash = alt.StrokeDash(
        "series:N",
        scale=alt.Scale(domain=names, range=[_DASHES.get(name, [1, 0]) for name in names]),
        legend=line_legend() if len(names) > 1 else None,
    )
    colour = alt.Color(
        "colour_run:N",
        scale=alt.Scale(
            domain=[*coloured, *([_OTHER_RUNS] if has_others else [])],
            range=[*JOB_COLOURS[: len(coloured)], *([OTHER_COLOUR] if has_others else [])],
        ),
        legend=line_legend(
            orient="bottom",
            offset=10,
            columns=2,
            labelLimit=420,
            # the id of a run is account/region/name
            labelExpr="length(split(datum.label, '/')) > 2 ? split(datum.label, '/')[2] : datum.label",
        ),
    )
    values = value_axis(rows)
    base = points_chart("colour_run").encode(
        x=alt.X(
            "step:Q",
            title="step",
            axis=alt.Axis(format=",d", tickMinStep=1, tickCount=10, grid=False),
            scale=alt.Scale(nice=False),
        ),
        y=values,
        color=colour,
        detail="line:N",
        order="step:Q",
        tooltip=[
            alt.Tooltip("run_name:N", title="run"),
            alt.Tooltip("metric_name:N", title="metric"),
            alt.Tooltip("metric_value:Q", title="value", format=".5~g"),
            alt.Tooltip("step:Q", title="step", format=",d"),
            utc_tooltip("metric_at", "time"),
        ],
    )
    line = base.mark_line(strokeWidth=1.7, strokeJoin="round").encode(strokeDash=dash)
    points = base.mark_point(size=30, filled=True, opacity=0.01)
    layers = [line, *criterion_layers(rows, values, colour=OTHER_COLOUR), points]
    return specification(alt.layer(*layers), 340, **points_and_lines(rows, colour_run="colour_run"))


REPORT = Report(
    name="metric_over_step",
    page="training",
    order=20,
    title="Picked runs over the step",
    question="Which of the picked runs learns faster, and where does it end? Whenever they ran, they start together.",
    is_wide=True,
    needs="run",
    sql=f"""
        with {RUNS.strip()},
        {shown_metric("runs").strip()},
        lines as (
            select run_id, metric_name, started_at
            from fct_run_metric
            join runs using (run_id)
            where (select metric from shown_metric) in (metric_name, metric_base_name) and $run is not null
        ),
        {thinned("step").strip()}
        select
            run_id,
            metrics.run_name,
            metric_name,
            coalesce(metrics.dataset_split, metric_name) as series,
            step,
            metric_at,
            metric_value,
            minimum_value,
            maximum_value,
            (select metric from shown_metric) as shown_metric,
            run_rank,
            run_count,
            drawn_run_count,
            total_count,
            is_thinned
        from drawn_points
        join drawn_lines using (line)
        join fct_run_metric as metrics using (run_id, metric_name)
        where metric_value is not null
        order by run_rank desc, metric_name, step, metric_at, metric_value
    """,
    fields=(
        Field("run_id", "Run", "run"),
        Field("metric_name", "Metric"),
        Field("step", "Step", "count"),
        Field("metric_at", "Time", "time"),
        Field("metric_value", "Value", "number"),
    ),
    draw=_draw,
    note=what_was_left_out,
    empty="The points of the picked runs name no step.",
)
