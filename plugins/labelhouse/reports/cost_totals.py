"""The figures at the top of Cost."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_costs import COSTS, OF_FAMILY, OF_SUBJECT

REPORT = Report(
    name="cost_totals",
    page="cost",
    order=0,
    title="At a glance",
    question="What does it cost, is that more than before, and what has no price?",
    shape="figures",
    is_wide=True,
    sql=f"""
        with {COSTS.strip()},
        newest as (
            select
                max(cost_date) as newest_date,
                max(cost_month) as this_month,
                cast(max(cost_month) - interval 1 month as date) as last_month
            from costs
        ),
        months as (
            select
                newest_date,
                this_month,
                last_month,
                coalesce(sum(cost_usd) filter (where cost_month = this_month), 0) as this_month_usd,
                coalesce(sum(cost_usd) filter (where cost_month = last_month), 0) as last_month_usd,
                -- up to the same day: a month that has begun is compared with as much of the one before
                coalesce(sum(cost_usd) filter (
                    where cost_month = last_month and day(cost_date) <= day(newest_date)
                ), 0) as same_days_usd,
                count(*) filter (where not is_priced) as unpriced_count,
                count(*) as cost_count
            from costs
            cross join newest
            group by all
        ),
        doubled as (
            select count(*) filter (where is_doubled) as doubled_count
            from fct_cost_month
            where {OF_SUBJECT}
        ),
        broken as (
            select
                count(*) filter (where is_silent) as silent_count,
                count(*) filter (where is_failing) as failing_count,
                count(*) filter (where is_silent or is_failing) as broken_count
            from fct_model_health
            where {OF_FAMILY}
        )
        select
            coalesce(months.this_month_usd, 0) as this_month_usd,
            coalesce(strftime(newest_date, 'until %-d %B %Y'), 'no cost is loaded') as newest_day,
            last_month_usd,
            strftime(last_month, '%B %Y') as last_month_name,
            (this_month_usd - same_days_usd) / nullif(same_days_usd, 0) as change_ratio,
            coalesce(unpriced_count, 0) as unpriced_count,
            coalesce(cost_count, 0) as cost_count,
            doubled_count,
            broken_count,
            silent_count,
            failing_count
        from doubled
        cross join broken
        left join months on true
    """,
    fields=(
        Field("this_month_usd", "this month", "usd", "{newest_day}"),
        Field("last_month_usd", "the month before", "usd", "{last_month_name}, the whole of it", unknown="no cost"),
        Field("change_ratio", "change", "change", "to the same days of the month before", unknown="nothing to compare"),
        Field(
            "unpriced_count",
            "costs without a price",
            "count",
            "of {cost_count:,}: see LABELHOUSE_PRICES",
            is_alarm=True,
        ),
        Field("doubled_count", "bills doubled", "count", "of a family, endpoint or job in a month", is_alarm=True),
        Field(
            "broken_count",
            "models silent or failing",
            "count",
            "silent: {silent_count:,} · failing: {failing_count:,}",
            is_alarm=True,
        ),
    ),
)
