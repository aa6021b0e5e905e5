"""Labels per day, by category or by job."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_labels import LABELS
from labelhouse.reports.encoding import (
    JOB_COLOURS,
    SHOWN_DAYS,
    cut_days,
    day_axis,
    day_tooltip,
    rows_chart,
    specification,
)
from labelhouse.reports.time_encoding import ranked_colour

#: Categories, or jobs, with a colour of their own.
_SHOWN = len(JOB_COLOURS)
_OTHERS = "(others)"


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    by = "job" if rows[0]["category"] is None and rows[0]["is_by_job"] else "category"
    return specification(
        rows_chart()
        .mark_bar(cornerRadius=1, cursor="pointer" if by == "category" else "default")
        .encode(
            x=day_axis(rows),
            y=alt.Y("label_count:Q", title="labels", axis=alt.Axis(tickMinStep=1, format=",d", tickCount=5)),
            color=ranked_colour(rows, "series"),
            order=alt.Order("series_rank:Q"),
            tooltip=[
                day_tooltip(),
                alt.Tooltip("series:N", title=by),
                alt.Tooltip("label_count:Q", title="labels", format=",d"),
            ],
        ),
        height=240,
        rows=rows,
    )


REPORT = Report(
    name="labels_per_day",
    page="annotations",
    order=50,
    title="Labels per day",
    question="On which days was how much labelled? By category; by labelling job where a category is chosen.",
    sql=f"""
        with {LABELS.strip()},
        days as (
            select
                labeled_date as event_date,
                if($category is null, category, labeling_job_name) as series,
                count(*) as label_count
            from labels
            group by all
        ),
        span as (
            select min(event_date) as first_date, max(event_date) as last_date from days
        ),
        ranks as (
            select series, row_number() over (order by sum(label_count) desc, series) as series_rank
            from days
            group by series
        )
        select
            event_date,
            if(series_rank > {_SHOWN}, '{_OTHERS}', series) as series,
            -- what a click chooses
            if($category is null and series_rank <= {_SHOWN}, series, null) as category,
            $category is not null as is_by_job,
            sum(label_count)::bigint as label_count,
            least(series_rank, {_SHOWN + 1}) as series_rank,
            first_date
        from days
        join ranks using (series)
        cross join span
        where event_date > last_date - {SHOWN_DAYS}
        group by all
        order by event_date, series_rank
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("series", "Category or job"),
        Field("label_count", "Labels", "count"),
    ),
    draw=_draw,
    note=lambda rows: cut_days(rows, "label"),
    empty="No label in this selection.",
)
