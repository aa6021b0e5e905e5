"""Any metric of CloudWatch over time: a line per series."""

from __future__ import annotations

from typing import Any

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_metrics import PERIODS
from labelhouse.reports.operations_encoding import nothing_of
from labelhouse.reports.thinning import thinned_points, what_was_left_out
from labelhouse.reports.time_encoding import ranked_colour, time_lines, utc_axis, utc_tooltip

#: Lines that leave room for a few points each.
_SHOWN_LINES = 60
#: What a row of the chart knows: the rest would only be sent.
_DRAWN = ("line", "label", "series_key", "series_rank", "period_at", "metric_value")

#: The statistics of a metric, the one that says most first: progress is a count so far, and counts are added up.
_PREFERRED = """
            case
                when metric_group = 'Ground Truth job' then ['Maximum', 'Sum', 'Average']
                when unit = 'Count' then ['Sum', 'Average', 'Maximum']
                else ['Average', 'Sum', 'Maximum']
            end
"""


def _draw(rows: list[Row]) -> dict[str, Any]:
    import altair as alt

    unit = rows[0]["unit"]
    what = f"{rows[0]['metric_name']}, {rows[0]['statistic']}"
    return time_lines(
        [{name: row[name] for name in _DRAWN} for row in rows],
        utc_axis("period_at", "time (UTC)"),
        alt.Y(
            "metric_value:Q",
            title=f"{what} ({unit})" if unit else what,
            scale=alt.Scale(zero=all(row["metric_value"] >= 0 for row in rows)),
            axis=alt.Axis(tickCount=6, format=",~f"),
        ),
        ranked_colour(rows, "label"),
        alt.Tooltip("series_key:N", title="dimensions"),
        alt.Tooltip("metric_value:Q", title=unit or "value", format=",.5~g"),
        utc_tooltip("period_at", "from"),
        detail="line",
        height=300,
    )


REPORT = Report(
    name="metric_periods",
    page="operations",
    order=10,
    title="Metric over time",
    question="How did the chosen metric go, per series? Where none is chosen, the one with the most values is shown; "
    "a click on a line shows that series only.",
    is_wide=True,
    sql=f"""
        with {PERIODS.strip()},
        shown_metric as (
            select namespace, metric_name, statistic, any_value(unit) as unit
            from periods
            group by namespace, metric_name, statistic
            order by
                sum(count(*)) over (partition by namespace, metric_name) desc,
                namespace,
                metric_name,
                coalesce(
                    list_position(any_value({_PREFERRED.strip()}), statistic), 9
                ),
                statistic
            limit 1
        ),
        shown as (
            select periods.*
            from periods
            join shown_metric using (namespace, metric_name, statistic)
        ),
        lines as (
            select
                account_id,
                aws_region,
                series_key,
                row_number() over (order by count(*) desc, series_key, account_id, aws_region) as line,
                concat_ws(
                    ' · ', any_value(resource_name), any_value(variant_name), any_value(host_name)
                ) as name,
                count(*) over () as line_count
            from shown
            group by account_id, aws_region, series_key
        ),
        named as (
            select
                *,
                -- two series of one resource are told apart by their dimensions, of two accounts by these
                case
                    when name <> '' and count(*) over (partition by name) = 1 then name
                    when count(*) over (partition by series_key) = 1 then coalesce(nullif(series_key, ''), 'all')
                    else concat_ws(' ', account_id, aws_region, series_key)
                end as label,
                least(line_count, {_SHOWN_LINES}) as drawn_line_count
            from lines
            where line <= {_SHOWN_LINES}
        ),
        points as (
            select line, period_at, period_seconds, metric_value
            from shown
            join named
                on
                    shown.series_key = named.series_key
                    and shown.account_id is not distinct from named.account_id
                    and shown.aws_region is not distinct from named.aws_region
        ),
        {thinned_points("period_at", "period_seconds").strip()}
        select
            line,
            label,
            series_key,
            line as series_rank,
            namespace,
            metric_name,
            statistic,
            period_at,
            period_seconds,
            metric_value,
            unit,
            line_count,
            drawn_line_count,
            total_count,
            is_thinned
        from drawn_points
        join named using (line)
        cross join shown_metric
        where metric_value is not null
        order by line, period_at, period_seconds, metric_value
    """,
    fields=(
        Field("period_at", "From", "time"),
        Field("period_seconds", "Period", "seconds"),
        Field("metric_name", "Metric", "metric"),
        Field("statistic", "Statistic", "statistic"),
        Field("metric_value", "Value", "number"),
        Field("unit", "Unit"),
        Field("series_key", "Dimensions", "series"),
        Field("namespace", "Namespace"),
    ),
    draw=_draw,
    note=lambda rows: what_was_left_out(rows, "line", order="longest"),
    empty=nothing_of("value of a metric", "cloudwatch_metrics"),
)
