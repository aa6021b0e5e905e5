"""Cost per month, by kind."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_costs import COSTS, NOTHING
from labelhouse.reports.cost_encoding import KIND_COLOURS, usd_axis
from labelhouse.reports.encoding import category_colour, in_order, rows_chart, specification

#: A bar each: five years.
_SHOWN_MONTHS = 60


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    # as text: a bar's month is a name here, not an instant that a time zone could move
    drawn_rows = [row | {"month": row["cost_month"].strftime("%b %Y"), "at": row["cost_month"]} for row in rows]
    drawn = (
        rows_chart()
        .mark_bar(cornerRadius=1, cursor="pointer")
        .encode(
            x=alt.X(
                "month:O",
                title="month",
                sort=alt.EncodingSortField(field="at", op="min"),
                axis=alt.Axis(labelAngle=0, labelOverlap=True),
                scale=alt.Scale(paddingInner=0.35),
            ),
            y=usd_axis("cost_usd", "cost"),
            color=category_colour(rows, "cost_kind", KIND_COLOURS),
            order=alt.Order("place:Q"),
            tooltip=[
                alt.Tooltip("month:N"),
                alt.Tooltip("cost_kind:N", title="kind"),
                alt.Tooltip("cost_usd:Q", title="cost", format="$,.2f"),
                alt.Tooltip("unpriced_count:Q", title="without a price", format=",d"),
            ],
        )
    )
    return specification(drawn, 260, rows=in_order(drawn_rows, "cost_kind", KIND_COLOURS))


def _note(rows: list[Row]) -> str | None:
    unpriced = sum(row["unpriced_count"] for row in rows)
    if not unpriced:
        return None
    return f"{unpriced:,} costs have no price and count as nothing here: the setting LABELHOUSE_PRICES names prices."


REPORT = Report(
    name="cost_per_month",
    page="cost",
    order=10,
    title="Cost per month",
    question="What did each month cost, and what for? A click on a part shows that kind only.",
    is_wide=True,
    sql=f"""
        with {COSTS.strip()}
        select
            cost_month,
            cost_kind,
            coalesce(sum(cost_usd), 0) as cost_usd,
            count(*) as cost_count,
            count(*) filter (where not is_priced) as unpriced_count
        from costs
        where cost_month > (select max(cost_month) from costs) - interval {_SHOWN_MONTHS} month
        group by cost_month, cost_kind
        order by cost_month, cost_kind
    """,
    fields=(
        Field("cost_month", "Month", "month"),
        Field("cost_kind", "Kind", "kind"),
        Field("cost_usd", "Cost", "usd"),
        Field("cost_count", "Costs", "count"),
        Field("unpriced_count", "without a price", "count"),
    ),
    draw=_draw,
    note=_note,
    empty=NOTHING,
)
