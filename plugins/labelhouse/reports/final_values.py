"""The final value of each run beside its criterion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_runs import CRITERION, METRIC_FLAGS, RUNS, shown_metric
from labelhouse.reports.encoding import BAD_COLOUR, specification
from labelhouse.reports.time_encoding import utc_axis, utc_tooltip
from labelhouse.reports.training_encoding import (
    criterion_layers,
    legible_text,
    not_a_number,
    series_colour,
    value_axis,
)

if TYPE_CHECKING:
    import altair as alt

#: More than fit beside each other.
SHOWN_RUNS = 500
#: More labels than this would lie upon each other; the rings and the table still say it.
LABELLED_RUNS = 12
#: What is written beside a ring: the first of these that the run has.
_TELLING = ("diverging", "dip", "misses criterion")
#: What a mark knows besides its flags: the rest of a row would only be sent.
_DRAWN = ("run_id", "run_name", "line", "metric_name", "series", "started_at", "final_value", "best_value")


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    values, finals = value_axis(rows, "final_value", room=24), _finals(rows)
    base = alt.Chart(alt.NamedData("finals")).encode(
        x=utc_axis("started_at", "start of the run (UTC)"),
        y=values,
        tooltip=[
            alt.Tooltip("run_name:N", title="run"),
            alt.Tooltip("metric_name:N", title="metric"),
            alt.Tooltip("final_value:Q", title="final", format=".5~g"),
            alt.Tooltip("best_value:Q", title="best", format=".5~g"),
            alt.Tooltip("words:N", title="look at"),
            utc_tooltip("started_at", "started"),
        ],
    )
    colour = series_colour(rows)
    # runs of different accounts or experiments are no series
    thread = base.mark_line(strokeWidth=1, opacity=0.45).encode(
        color=colour, detail=["metric_name:N", "line:N"], order="started_at:T"
    )
    points = base.mark_point(size=45, filled=True, opacity=1, cursor="pointer").encode(color=colour)
    layers = [thread, *criterion_layers(rows, values, "final_value"), points, *_rings(base, finals)]
    return specification(alt.layer(*layers), 300, finals=finals)


def _rings(base: alt.Chart, finals: list[Row]) -> list[alt.Chart]:
    """A red ring around what asks for a look, a cross at the top where a run ended without a number; and why."""
    import altair as alt

    layers = []
    if any(row["final_value"] is None for row in finals):
        lost = base.transform_filter("datum.final_value === null").encode(y=alt.value(5))
        layers.append(not_a_number(lost))
    if any(row["flags"] and row["final_value"] is not None for row in finals):
        rings = base.transform_filter("datum.flags !== null && datum.final_value !== null").mark_point(
            size=170, filled=False, color=BAD_COLOUR, strokeWidth=1.8, opacity=1, cursor="pointer"
        )
        layers.append(rings)
    for y, is_lost in ((None, False), (alt.value(5), True)):
        if any(row["label"] and (row["final_value"] is None) == is_lost for row in finals):
            which = f"datum.label !== null && datum.final_value {'===' if is_lost else '!=='} null"
            labels = base.transform_filter(which).encode(text="label:N", **({"y": y} if y else {}))
            layers += legible_text(labels, BAD_COLOUR, baseline="top", dy=11, align=alt.expr("datum.align"))
    return layers


def _finals(rows: list[Row]) -> list[Row]:
    """The rows as marks know them. A run is labelled once, and towards the middle of the plot."""
    first, last = rows[0]["started_at"], rows[-1]["started_at"]
    flagged = {row["run_id"] for row in rows if row["flags"]}
    labelled: set[str] = set()
    found = []
    for row in reversed(rows):  # validation before train
        flags = (row["flags"] or "").split("; ")
        is_labelled = bool(row["flags"]) and row["run_id"] not in labelled and len(flagged) <= LABELLED_RUNS
        labelled |= {row["run_id"]} if is_labelled else set()
        place = (row["started_at"] - first) / (last - first) if last > first else 0.5
        found.append(
            {name: row[name] for name in _DRAWN}
            | {
                "flags": row["flags"],
                "words": (row["flags"] or "nothing").replace("; ", ", "),
                "label": next((flag for flag in _TELLING if flag in flags), flags[0]) if is_labelled else None,
                "align": "left" if place < 0.1 else "right" if place > 0.9 else "center",
            }
        )
    return found[::-1]


def _note(rows: list[Row]) -> str | None:
    if not rows or rows[0]["run_count"] <= SHOWN_RUNS:
        return None
    return f"The newest {SHOWN_RUNS:,} of {rows[0]['run_count']:,} runs."


REPORT = Report(
    name="final_values",
    page="training",
    order=30,
    title="Final value of each run",
    question="Do the runs end where they should? The dashed line is the criterion; a red ring asks for a look, "
    "a red cross marks a run that ended without a number.",
    is_wide=True,
    sql=f"""
        with {RUNS.strip()},
        {shown_metric("runs").strip()},
        finals as (
            select
                *,
                dense_rank() over (order by run_started_at desc, run_id) as run_rank
            from (
                select *, min(started_at) over (partition by run_id) as run_started_at
                from fct_run_metric
                join runs using (run_id)
                where (select metric from shown_metric) in (metric_name, metric_base_name)
            )
        )
        select
            run_id,
            run_name,
            concat_ws('/', coalesce(account_id, ''), coalesce(aws_region, ''), coalesce(experiment_name, '')) as line,
            metric_name,
            coalesce(dataset_split, metric_name) as series,
            started_at,
            final_value,
            best_value,
            {CRITERION.strip()} as criterion,
            meets_criterion,
            minimum_value,
            maximum_value,
            {METRIC_FLAGS.strip()} as flags,
            (select metric from shown_metric) as shown_metric,
            max(run_rank) over () as run_count
        from finals
        qualify run_rank <= {SHOWN_RUNS}
        order by run_rank desc, metric_name
    """,
    fields=(
        Field("run_id", "Run", "run"),
        Field("metric_name", "Metric"),
        Field("started_at", "Started", "time"),
        Field("final_value", "Final", "number"),
        Field("best_value", "Best", "number"),
        Field("criterion", "Criterion"),
        Field("meets_criterion", "Met", "boolean"),
        Field("flags", "Look at", "flags"),
    ),
    draw=_draw,
    note=_note,
    empty="No run of this selection has this metric.",
)
