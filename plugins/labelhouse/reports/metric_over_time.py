"""A metric over time: one rise per run, and the gaps between the runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_runs import RUNS, shown_metric
from labelhouse.reports.encoding import chart, specification
from labelhouse.reports.thinning import thinned, what_was_left_out
from labelhouse.reports.time_encoding import utc_axis, utc_tooltip
from labelhouse.reports.training_encoding import (
    criterion_layers,
    not_a_number,
    points_and_lines,
    points_chart,
    series_colour,
    value_axis,
)

if TYPE_CHECKING:
    import altair as alt


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    tooltip = [
        alt.Tooltip("run_name:N", title="run"),
        alt.Tooltip("metric_name:N", title="metric"),
        alt.Tooltip("metric_value:Q", title="value", format=".5~g"),
        alt.Tooltip("step:Q", title="step", format=",d"),
        utc_tooltip("metric_at", "time"),
    ]
    values = value_axis(rows)
    numbers = [row for row in rows if row["metric_value"] is not None]
    base = points_chart().encode(
        x=utc_axis("metric_at", "time (UTC)"),
        y=values,
        color=series_colour(rows),
        # a line per metric and run: nothing is drawn where nothing was trained
        detail="line:N",
        order="metric_at:T",
        tooltip=tooltip,
    )
    # the wheel alone scrolls the page; a pinch on a touchpad comes as the wheel with Ctrl
    zoom = alt.selection_interval(bind="scales", encodings=["x"], zoom="wheel![event.ctrlKey || event.metaKey]")
    line = base.mark_line(strokeWidth=1.5, cursor="pointer", strokeJoin="round")
    points = base.mark_point(size=30, filled=True, opacity=0.01, cursor="pointer")
    layers = [line, *criterion_layers(rows, values), points, *_not_numbers(rows)]
    return specification(alt.layer(*layers).add_params(zoom), 340, **points_and_lines(numbers))


def _not_numbers(rows: list[Row]) -> list[alt.Chart]:
    """A cross at the top where a run's values stop being numbers."""
    import altair as alt

    columns = ("run_id", "run_name", "metric_name", "metric_at", "nan_count")
    marked = [{name: row[name] for name in columns} for row in rows if row["nan_count"]]
    if not marked:
        return []
    return [
        not_a_number(chart(marked)).encode(
            x=utc_axis("metric_at", "time (UTC)"),
            y=alt.value(5),
            tooltip=[
                alt.Tooltip("run_name:N", title="run"),
                alt.Tooltip("metric_name:N", title="metric"),
                alt.Tooltip("nan_count:Q", title="values that are no numbers", format=",d"),
                utc_tooltip("metric_at", "first"),
            ],
        )
    ]


REPORT = Report(
    name="metric_over_time",
    page="training",
    order=10,
    title="Metric over time",
    question="How did each run rise, and how long was it until the next? A line is one run; a red cross marks where "
    "its values stop being numbers. Ctrl and the wheel zoom, a click shows that run only.",
    is_wide=True,
    sql=f"""
        with {RUNS.strip()},
        {shown_metric("runs").strip()},
        lines as (
            select run_id, metric_name, started_at
            from fct_run_metric
            join runs using (run_id)
            where (select metric from shown_metric) in (metric_name, metric_base_name)
        ),
        {thinned("metric_at").strip()}
        select
            run_id,
            metrics.run_name,
            metric_name,
            coalesce(metrics.dataset_split, metric_name) as series,
            metric_at,
            step,
            metric_value,
            drawn_points.nan_count,
            minimum_value,
            maximum_value,
            (select metric from shown_metric) as shown_metric,
            run_count,
            drawn_run_count,
            total_count,
            is_thinned
        from drawn_points
        join drawn_lines using (line)
        join fct_run_metric as metrics using (run_id, metric_name)
        order by run_rank, metric_name, metric_at, step, metric_value
    """,
    fields=(
        Field("run_id", "Run", "run"),
        Field("metric_name", "Metric"),
        Field("metric_at", "Time", "time"),
        Field("step", "Step", "count"),
        Field("metric_value", "Value", "number"),
    ),
    draw=_draw,
    note=what_was_left_out,
    empty="This selection has no points.",
)
