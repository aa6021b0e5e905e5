"""Where the time of an endpoint's calls goes: in the model, in SageMaker, on the network."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_metrics import LATENCIES, stretches
from labelhouse.reports.encoding import category_colour, in_order, rows_chart, specification
from labelhouse.reports.operations_encoding import PART_COLOURS, nothing_of, stretch_axis, stretch_tooltips


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    x, x2 = stretch_axis()
    drawn = (
        rows_chart()
        .mark_rect(stroke=None)
        .encode(
            x=x,
            x2=x2,
            y=alt.Y("from_ms:Q", title="mean of a call (ms)", axis=alt.Axis(tickCount=6, format=",~f")),
            y2="until_ms:Q",
            color=category_colour(rows, "part", PART_COLOURS),
            tooltip=[
                alt.Tooltip("part:N", title="part"),
                alt.Tooltip("latency_ms:Q", title="ms", format=",.4~g"),
                alt.Tooltip("call_count:Q", title="calls", format=",d"),
                *stretch_tooltips(),
            ],
        )
    )
    return specification(drawn, 280, rows=_stacked(rows))


def _stacked(rows: list[Row]) -> list[Row]:
    """The rows with what lies below each part of a stretch: Vega-Lite stacks bars of a category only."""
    below: dict[Any, float] = {}
    found = []
    for row in sorted(in_order(rows, "part", PART_COLOURS), key=lambda row: row["place"]):
        start = below.get(row["stretch_at"], 0.0)
        below[row["stretch_at"]] = start + max(row["latency_ms"], 0.0)
        found.append(row | {"from_ms": start, "until_ms": below[row["stretch_at"]]})
    return found


def _note(rows: list[Row]) -> str | None:
    if rows and not any(row["part"] == "network" for row in rows):
        return "The network's part is known where a client writes ClientLatency to CloudWatch: none does here."
    return None


REPORT = Report(
    name="endpoint_latency",
    page="operations",
    order=30,
    title="Latency of endpoints",
    question="Where does the time of a call go: in the model, in SageMaker around it, or on the network? The mean over "
    "calls, of the chosen endpoint or of all.",
    is_wide=True,
    sql=f"""
        with {LATENCIES.strip()},
        {stretches("latencies").strip()},
        parts as (
            select
                stretch_at,
                stretch_end_at,
                invocation_count,
                unnest(['model', 'overhead', 'network']) as part,
                unnest([model_latency_ms, overhead_latency_ms, network_latency_ms]) as latency_ms
            from stretched
        )
        select
            stretch_at,
            stretch_end_at,
            part,
            -- where calls are not counted, each period counts the same
            coalesce(
                sum(latency_ms * invocation_count) / nullif(sum(invocation_count) filter (where latency_ms >= 0), 0),
                avg(latency_ms)
            ) as latency_ms,
            sum(invocation_count)::bigint as call_count
        from parts
        where latency_ms is not null
        group by all
        order by stretch_at, part
    """,
    fields=(
        Field("stretch_at", "From", "time"),
        Field("stretch_end_at", "Until", "time"),
        Field("part", "Part"),
        Field("latency_ms", "Mean (ms)", "number"),
        Field("call_count", "Calls", "count"),
    ),
    draw=_draw,
    note=_note,
    empty=nothing_of("latency of an endpoint", "cloudwatch_metrics"),
)
