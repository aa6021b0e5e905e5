"""What endpoints predict, day by day."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_metrics import PART, of_resource
from labelhouse.reports.encoding import (
    JOB_COLOURS,
    SHOWN_DAYS,
    cut_days,
    day_axis,
    day_tooltip,
    rows_chart,
    specification,
)
from labelhouse.reports.operations_encoding import nothing_of
from labelhouse.reports.time_encoding import ranked_colour

_SHOWN = len(JOB_COLOURS)
_OTHERS = "(others)"


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    drawn = (
        rows_chart()
        .mark_bar(cornerRadius=1)
        .encode(
            x=day_axis(rows),
            y=alt.Y("share_ratio:Q", stack="zero", title="of the predictions", axis=alt.Axis(format="%", tickCount=5)),
            color=ranked_colour(rows, "series"),
            order=alt.Order("series_rank:Q"),
            tooltip=[
                day_tooltip(),
                alt.Tooltip("series:N", title="predicted"),
                alt.Tooltip("share_ratio:Q", title="share", format=".1%"),
                alt.Tooltip("prediction_count:Q", title="predictions", format=",d"),
            ],
        )
    )
    return specification(drawn, 240, rows=rows)


REPORT = Report(
    name="prediction_shares",
    page="operations",
    order=100,
    title="Predictions per day",
    question="What do the endpoints predict, and does it change? Classes, or ranges of a number, as shares of a day.",
    sql=f"""
        with days as (
            select
                event_date,
                {PART} as series,
                sum(prediction_count)::bigint as prediction_count
            from fct_prediction_distribution
            where
                feature_kind = 'prediction'
                and {of_resource("fct_prediction_distribution", "endpoint_name")}
            group by all
        ),
        span as (
            select min(event_date) as first_date, max(event_date) as last_date from days
        ),
        ranks as (
            select
                series, row_number() over (order by sum(prediction_count) desc, series) as series_rank
            from days
            group by series
        ),
        shown as (
            select
                event_date,
                if(series_rank > {_SHOWN}, '{_OTHERS}', series) as series,
                least(series_rank, {_SHOWN + 1}) as series_rank,
                sum(prediction_count)::bigint as prediction_count,
                first_date
            from days
            join ranks using (series)
            cross join span
            where event_date > last_date - {SHOWN_DAYS}
            group by all
        )
        select
            *,
            prediction_count / nullif(sum(prediction_count) over (partition by event_date), 0) as share_ratio
        from shown
        order by event_date, series_rank
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("series", "Predicted"),
        Field("prediction_count", "Predictions", "count"),
        Field("share_ratio", "Share", "ratio"),
    ),
    draw=_draw,
    note=lambda rows: cut_days(rows, "prediction"),
    empty=nothing_of("captured prediction", "model_predictions"),
)
