"""How one prediction, confidence or input is distributed, day by day."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_metrics import DISTRIBUTIONS, PART
from labelhouse.reports.encoding import (
    MAIN_COLOUR,
    SHOWN_DAYS,
    cut_days,
    day_axis,
    day_tooltip,
    rows_chart,
    specification,
)
from labelhouse.reports.feature_shifts import SHIFTS
from labelhouse.reports.operations_encoding import nothing_of

#: Classes, or ranges, that get a line of their own.
_SHOWN = 20


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    drawn = (
        rows_chart()
        .mark_rect(color=MAIN_COLOUR, cursor="pointer", stroke=None)
        .encode(
            x=day_axis(sorted(rows, key=lambda row: row["event_date"])),
            y=alt.Y(
                "part:N",
                sort=alt.EncodingSortField(field="part_rank", op="min"),
                title=rows[0]["feature"],
                axis=alt.Axis(labelLimit=160, ticks=False, domain=False),
                scale=alt.Scale(paddingInner=0.1),
            ),
            opacity=alt.Opacity("share_ratio:Q", scale=alt.Scale(type="sqrt", range=[0.03, 1]), legend=None),
            tooltip=[
                day_tooltip(),
                alt.Tooltip("part:N", title="class or range"),
                alt.Tooltip("share_ratio:Q", title="share", format=".1%"),
                alt.Tooltip("prediction_count:Q", title="predictions", format=",d"),
            ],
        )
    )
    return specification(drawn, max(80, 20 * len({row["part"] for row in rows})), rows=rows)


REPORT = Report(
    name="feature_distribution",
    page="operations",
    order=110,
    title="Distribution of one feature",
    question="How were the values of one prediction or input distributed on each day? The fuller, the more; that which "
    "shifted most, unless one is chosen below.",
    sql=f"""
        with {DISTRIBUTIONS.strip()},
        {SHIFTS.strip()},
        shown_feature as (
            select feature, endpoint_name, variant_name
            from shifts
            order by shift_ratio desc nulls last, feature, endpoint_name, variant_name
            limit 1
        ),
        days as (
            select
                event_date,
                feature,
                coalesce(bin_lower, '-infinity'::double) as bin_lower,
                {PART} as part,
                sum(prediction_count)::bigint as prediction_count
            from distributions
            join shown_feature using (feature, endpoint_name, variant_name)
            group by all
        ),
        span as (
            select min(event_date) as first_date, max(event_date) as last_date from days
        ),
        parts as (
            select
                part,
                -- ranges in the order of numbers, the highest on top; classes by how many there are
                row_number() over (order by min(bin_lower) desc, sum(prediction_count) desc, part) as part_rank,
                row_number() over (order by sum(prediction_count) desc, part) as size_rank
            from days
            group by part
        )
        select
            event_date,
            feature,
            part,
            prediction_count,
            prediction_count / nullif(sum(prediction_count) over (partition by event_date), 0) as share_ratio,
            part_rank,
            first_date
        from days
        join parts using (part)
        cross join span
        where event_date > last_date - {SHOWN_DAYS}
        qualify size_rank <= {_SHOWN}
        order by event_date, part_rank
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("feature", "Feature", "feature"),
        Field("part", "Class or range"),
        Field("prediction_count", "Predictions", "count"),
        Field("share_ratio", "Share", "ratio"),
    ),
    draw=_draw,
    note=lambda rows: cut_days(rows, "prediction"),
    empty=nothing_of("captured prediction", "model_predictions"),
)
