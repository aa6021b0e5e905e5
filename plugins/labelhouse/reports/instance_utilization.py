"""How busy each instance was over time."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_metrics import UTILIZATIONS, stretches
from labelhouse.reports.encoding import BAD_COLOUR, MAIN_COLOUR, rows_chart, specification
from labelhouse.reports.operations_encoding import nothing_of, stretch_axis, stretch_tooltips

#: Lines: an instance's processor, memory or disk each.
_SHOWN_LINES = 24


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    x, x2 = stretch_axis()
    base = rows_chart().encode(
        x=x,
        x2=x2,
        y=alt.Y(
            "line:N",
            sort=alt.EncodingSortField(field="line_rank", op="min"),
            title="instance",
            axis=alt.Axis(labelLimit=300, ticks=False, domain=False),
            scale=alt.Scale(paddingInner=0.15),
        ),
        tooltip=[
            alt.Tooltip("line:N", title="instance"),
            alt.Tooltip("mean_pct:Q", title="mean %", format=",.1f"),
            alt.Tooltip("highest_pct:Q", title="highest %", format=",.1f"),
            alt.Tooltip("normalized_pct:Q", title="of all cores or GPUs, %", format=",.1f"),
            *stretch_tooltips(),
        ],
    )
    shade = alt.Opacity("shade:Q", scale=alt.Scale(domain=[0, 100], range=[0.06, 1], clamp=True), legend=None)
    usual = base.transform_filter("!datum.is_over_100").mark_rect(color=MAIN_COLOUR, stroke=None, cursor="pointer")
    over = base.transform_filter("datum.is_over_100").mark_rect(color=BAD_COLOUR, stroke=None, cursor="pointer")
    drawn = [row | {"shade": min(float(row["highest_pct"]), 100.0)} for row in rows]
    height = max(60, 24 * len({row["line"] for row in rows}))
    return specification(alt.layer(usual.encode(opacity=shade), over), height, rows=drawn)


def _note(rows: list[Row]) -> str | None:
    if not rows or rows[0]["line_count"] <= _SHOWN_LINES:
        return None
    return f"The {_SHOWN_LINES} busiest of {rows[0]['line_count']:,} lines; the table below has every instance."


REPORT = Report(
    name="instance_utilization",
    page="operations",
    order=50,
    title="Utilisation per instance",
    question="How busy were the instances? The fuller a field, the higher the highest value in it; red is over 100 %, "
    "which CloudWatch reports where an instance has several cores or GPUs.",
    is_wide=True,
    sql=f"""
        with {UTILIZATIONS.strip()},
        {stretches("utilizations").strip()},
        measured as (
            select
                resource_name,
                instance,
                stretch_at,
                stretch_end_at,
                unnest(['CPU', 'GPU', 'memory', 'GPU memory', 'disk']) as part,
                unnest([cpu_pct, gpu_pct, memory_pct, gpu_memory_pct, disk_pct]) as pct,
                unnest([cpu_normalized_pct, gpu_normalized_pct, null, null, null]) as normalized_pct
            from stretched
        ),
        lines as (
            select
                instance,
                part,
                row_number() over (order by max(pct) desc, avg(pct) desc, instance, part) as line_rank,
                count(*) over () as line_count
            from measured
            where pct is not null
            group by instance, part
        )
        select
            resource_name,
            instance || ' · ' || part as line,
            stretch_at,
            stretch_end_at,
            avg(pct) as mean_pct,
            max(pct) as highest_pct,
            max(normalized_pct) as normalized_pct,
            max(pct) > 100 as is_over_100,
            line_rank,
            line_count
        from measured
        join lines using (instance, part)
        where pct is not null and line_rank <= {_SHOWN_LINES}
        group by all
        order by line_rank, stretch_at
    """,
    fields=(
        Field("line", "Instance"),
        Field("stretch_at", "From", "time"),
        Field("stretch_end_at", "Until", "time"),
        Field("mean_pct", "Mean", "pct"),
        Field("highest_pct", "Highest", "pct"),
        Field("normalized_pct", "Of all cores or GPUs", "pct"),
        Field("is_over_100", "Over 100 %", "boolean"),
    ),
    draw=_draw,
    note=_note,
    empty=nothing_of("utilisation of an instance", "cloudwatch_metrics"),
)
