"""How late what happened is loaded, day by day."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.durations import unit_for, with_durations
from labelhouse.reports.encoding import SHOWN_DAYS, cut_days, day_axis, day_tooltip
from labelhouse.reports.time_encoding import ranked_colour, time_lines

_COLUMNS = ("median_lateness_seconds", "p95_lateness_seconds")


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    unit = unit_for(max(float(row["p95_lateness_seconds"]) for row in rows))
    return time_lines(
        with_durations(rows, unit, *_COLUMNS),
        day_axis(rows),
        alt.Y(
            "p95_lateness_seconds_in_unit:Q",
            title=f"{unit.name} late, 95 of 100",
            scale=alt.Scale(type="symlog"),
            axis=alt.Axis(tickCount=5, format=",~f"),
        ),
        ranked_colour(rows, "source_name"),
        day_tooltip(),
        alt.Tooltip("source_name:N", title="source"),
        alt.Tooltip("p95_lateness_seconds_in_words:N", title="95 of 100 within"),
        alt.Tooltip("median_lateness_seconds_in_words:N", title="half within"),
        alt.Tooltip("record_count:Q", title="records", format=",d"),
        detail="source_name",
    )


REPORT = Report(
    name="source_lateness",
    page="operations",
    order=130,
    title="Lateness of the sources",
    question="How long after it happened was it loaded? 95 of 100 records of a day were quicker than the line.",
    sql=f"""
        with days as (
            select *
            from fct_source_freshness
            where
                p95_lateness_seconds is not null
                and ($from_date is null or event_date >= $from_date)
                and ($until_date is null or event_date <= $until_date)
        ),
        sources as (
            select source_name, row_number() over (order by sum(record_count) desc, source_name) as series_rank
            from days
            group by source_name
        ),
        span as (
            select min(event_date) as first_date, max(event_date) as last_date from days
        )
        select
            event_date,
            source_name,
            median_lateness_seconds,
            p95_lateness_seconds,
            record_count,
            series_rank,
            first_date
        from days
        join sources using (source_name)
        cross join span
        where event_date > last_date - {SHOWN_DAYS}
        order by event_date, series_rank
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("source_name", "Source"),
        Field("record_count", "Records", "count"),
        Field("median_lateness_seconds", "Half within", "seconds"),
        Field("p95_lateness_seconds", "95 of 100 within", "seconds"),
    ),
    draw=_draw,
    is_wide=True,
    note=lambda rows: cut_days(rows, "record"),
    empty="No record with a time was loaded in this selection. Unpause the DAG of a source and trigger it.",
)
