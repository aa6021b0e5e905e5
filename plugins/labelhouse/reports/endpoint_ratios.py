"""Errors of endpoints, and how often a model was loaded already."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_metrics import LATENCIES, stretches
from labelhouse.reports.encoding import BAD_COLOUR, JOB_COLOURS, category_colour
from labelhouse.reports.operations_encoding import nothing_of, stretch_tooltips
from labelhouse.reports.time_encoding import time_lines, utc_axis

_COLOURS = {"cache hits": JOB_COLOURS[2], "4xx errors": JOB_COLOURS[1], "5xx errors": BAD_COLOUR}


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    return time_lines(
        rows,
        utc_axis("stretch_at", "time (UTC)"),
        alt.Y("ratio:Q", title="of the calls", axis=alt.Axis(format="~%", tickCount=6)),
        category_colour(rows, "series", _COLOURS),
        alt.Tooltip("series:N", title="what"),
        alt.Tooltip("ratio:Q", title="of the calls", format=".2~%"),
        alt.Tooltip("call_count:Q", title="calls", format=",d"),
        *stretch_tooltips(),
        detail="series",
    )


REPORT = Report(
    name="endpoint_ratios",
    page="operations",
    order=40,
    title="Errors and cache hits",
    question="Which share of the calls failed, and for which was the model loaded already (multi-model endpoints)?",
    sql=f"""
        with {LATENCIES.strip()},
        {stretches("latencies").strip()},
        parts as (
            select
                stretch_at,
                stretch_end_at,
                unnest([invocation_count, invocation_count, cache_lookup_count]) as call_count,
                unnest(['4xx errors', '5xx errors', 'cache hits']) as series,
                unnest([error_4xx_ratio, error_5xx_ratio, hit_ratio]) as ratio
            from stretched
        )
        select
            stretch_at,
            stretch_end_at,
            series,
            coalesce(
                sum(ratio * call_count) / nullif(sum(call_count) filter (where ratio >= 0), 0), avg(ratio)
            ) as ratio,
            sum(call_count)::bigint as call_count
        from parts
        where ratio is not null
        group by all
        order by stretch_at, series
    """,
    fields=(
        Field("stretch_at", "From", "time"),
        Field("stretch_end_at", "Until", "time"),
        Field("series", "What"),
        Field("ratio", "Of the calls", "ratio"),
        Field("call_count", "Calls", "count"),
    ),
    draw=_draw,
    empty=nothing_of("call of an endpoint", "cloudwatch_metrics"),
)
