"""Hyper-parameters against the metric: a line per run across the parameters that differ."""

from __future__ import annotations

import math
from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_runs import ALL_RUNS, shown_metric
from labelhouse.reports.encoding import OTHER_COLOUR, specification

#: Axes that can be told apart, and lines.
_SHOWN_PARAMETERS = 8
_SHOWN_RUNS = 300
#: Classes on an axis; the rarer ones share the lowest place.
_SHOWN_CLASSES = 8
_OTHERS = "(others)"
#: From the lowest value of the metric to the highest.
_SHADES = ["#b98a00", "#2e77d0"]
#: Numbers further apart than this are placed by their logarithm.
_WIDE_RANGE = 50


def _places(texts: list[str | None]) -> tuple[list[float | None], list[tuple[float, str]]]:
    """Where values lie on an axis from 0 to 1, and its ticks: numbers by their size, others side by side."""
    known = [text for text in texts if text is not None]
    numbers = [_number(text) for text in known]
    if known and all(number is not None for number in numbers):
        return _number_places(texts, [number for number in numbers if number is not None])
    by_count = sorted(set(known), key=lambda text: (-known.count(text), text))
    classes = sorted(by_count[:_SHOWN_CLASSES]) + ([_OTHERS] if len(by_count) > _SHOWN_CLASSES else [])
    at = {name: place / max(len(classes) - 1, 1) for place, name in enumerate(reversed(classes))}
    places = [None if text is None else at.get(text, at.get(_OTHERS)) for text in texts]
    return places, [(place, name) for name, place in at.items()]


def _number_places(texts: list[str | None], numbers: list[float]) -> tuple[list[float | None], list[tuple[float, str]]]:
    low, high = min(numbers), max(numbers)
    is_wide = low > 0 and high / low > _WIDE_RANGE
    scale = math.log10 if is_wide else float
    first, length = scale(low), (scale(high) - scale(low)) or 1.0
    places = [None if text is None else (scale(float(text)) - first) / length for text in texts]
    middle = math.sqrt(low) * math.sqrt(high) if is_wide else low + (high - low) / 2
    ticks = [(0.0, f"{low:.4g}"), (0.5, f"{middle:.3g}"), (1.0, f"{high:.4g}")]
    return places, ticks


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    names = list(dict.fromkeys(row["parameter"] for row in rows))
    metric = f"→ {rows[0]['metric_name']}"
    points, ticks = [], []
    for name in names:
        own = [row for row in rows if row["parameter"] == name]
        places, marks = _places([row["parameter_value"] for row in own])
        ticks += [{"axis": name, "place": place, "text": text} for place, text in marks]
        points += [_point(row, name, place) for row, place in zip(own, places, strict=True) if place is not None]
    runs = {row["run_id"]: row for row in rows}
    places, marks = _places([repr(float(row["final_value"])) for row in runs.values()])
    ticks += [{"axis": metric, "place": place, "text": text} for place, text in marks]
    points += [_point(row, metric, place) for row, place in zip(runs.values(), places, strict=True)]
    axis = alt.X(
        "axis:N",
        sort=[*names, metric],
        title="parameter, and the metric",
        axis=alt.Axis(labelAngle=0, labelLimit=130, domain=False, ticks=False, labelPadding=12),
        scale=alt.Scale(padding=0.35),
    )
    y = alt.Y("place:Q", title="value", axis=None, scale=alt.Scale(domain=[0, 1], nice=False))
    rules = alt.Chart(alt.NamedData("axes")).mark_rule(color=OTHER_COLOUR, opacity=0.5).encode(x=axis)
    lines = (
        alt.Chart(alt.NamedData("points"))
        .mark_line(strokeWidth=1.6, cursor="pointer")
        .encode(
            x=axis,
            y=y,
            detail="run_id:N",
            color=alt.Color(
                "final_value:Q",
                scale=alt.Scale(range=_SHADES, interpolate="lab"),
                legend=alt.Legend(orient="top", title=None, gradientLength=160, format=".4~g", offset=16),
            ),
            opacity=alt.Opacity("strength:Q", scale=None, legend=None),
            order="place_in_order:Q",
            tooltip=[
                alt.Tooltip("run_name:N", title="run"),
                alt.Tooltip("final_value:Q", title=rows[0]["metric_name"], format=".5~g"),
            ],
        )
    )
    words = alt.Chart(alt.NamedData("ticks")).encode(
        x=axis,
        y=y,
        text="text:N",
        tooltip=[alt.Tooltip("axis:N", title="parameter"), alt.Tooltip("text:N", title="value")],
    )
    labels = [
        words.mark_text(align="left", dx=6, fontSize=11, limit=110, style="halo"),
        words.mark_text(align="left", dx=6, fontSize=11, limit=110),
    ]
    order = {name: place for place, name in enumerate([*names, metric])}
    for point in points:
        point["place_in_order"] = order[point["axis"]]
    axes = [{"axis": name} for name in order]
    return specification(alt.layer(rules, lines, *labels), 320, points=points, ticks=ticks, axes=axes)


def _point(row: Row, axis: str, place: float | None) -> Row:
    """One place of a run's line; runs that are not picked are faint."""
    known = {name: row[name] for name in ("run_id", "run_name", "final_value")}
    return known | {"axis": axis, "place": place, "strength": 0.75 if row["is_chosen"] else 0.12}


def _note(rows: list[Row]) -> str | None:
    if not rows:
        return None
    parts = []
    if rows[0]["run_count"] > _SHOWN_RUNS:
        parts.append(f"The newest {_SHOWN_RUNS:,} of {rows[0]['run_count']:,} runs.")
    if rows[0]["parameter_count"] > _SHOWN_PARAMETERS:
        parts.append(
            f"The {_SHOWN_PARAMETERS} parameters that most runs have, of {rows[0]['parameter_count']:,} that differ."
        )
    return " ".join(parts) or None


REPORT = Report(
    name="hyper_parameters",
    page="training",
    order=39,
    title="Hyper-parameters and the metric",
    question="Which parameters go with a good end? A line is a run, from its parameters to its final value; those are "
    "shown in which the runs differ. Picked runs stand out among the others.",
    is_wide=True,
    sql=f"""
        with {ALL_RUNS.strip()},
        {shown_metric("all_runs").strip()},
        outcomes as (
            select run_id, metric_name, final_value
            from fct_run_metric
            join all_runs using (run_id)
            where (select metric from shown_metric) in (metric_name, metric_base_name) and final_value is not null
            qualify row_number() over (
                partition by run_id order by coalesce(dataset_split, '') = 'validation' desc, metric_name
            ) = 1
        ),
        newest as (
            select
                run_id,
                run_name,
                coalesce(first_point_at, started_at) as run_started_at,
                metric_name,
                final_value,
                hyper_parameters,
                count(*) over () as run_count
            from dim_run
            join outcomes using (run_id)
            where hyper_parameters is not null and cardinality(hyper_parameters) > 0
            qualify row_number() over (order by run_started_at desc, run_id) <= {_SHOWN_RUNS}
        ),
        given as (
            select * exclude (hyper_parameters, entry), entry.key as parameter, entry.value as parameter_value
            from (select *, unnest(map_entries(hyper_parameters)) as entry from newest)
        ),
        parameters as (
            select
                parameter,
                row_number() over (order by count(*) desc, count(distinct parameter_value), parameter) as place,
                count(*) over () as parameter_count
            from given
            group by parameter
            having count(distinct parameter_value) > 1
        )
        select
            run_id,
            run_name,
            $run is null or list_contains($run, run_id) as is_chosen,
            run_started_at as started_at,
            parameter,
            parameter_value,
            metric_name,
            final_value,
            run_count,
            parameter_count
        from given
        join parameters using (parameter)
        where place <= {_SHOWN_PARAMETERS}
        order by place, run_started_at, run_id
    """,
    fields=(
        Field("run_id", "Run", "run"),
        Field("started_at", "Started", "time"),
        Field("parameter", "Parameter", "parameter"),
        Field("parameter_value", "Value"),
        Field("metric_name", "Metric", "metric"),
        Field("final_value", "Final", "number"),
    ),
    draw=_draw,
    note=_note,
    empty="No two runs of this selection differ in a hyper-parameter that is known.",
)
