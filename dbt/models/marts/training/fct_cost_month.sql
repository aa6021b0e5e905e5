with costs as (

    select
        *,
        coalesce(account_id, 'unknown') || '/' || coalesce(aws_region, 'unknown')
        || '/' || cost_kind || '/' || coalesce(job_family, resource_name) as series_id,
        coalesce(job_family, resource_name) as subject_name
    from {{ ref('fct_cost') }}

),

newest_time as (

    select {{ reporting_date('as_of') }} as newest_date
    from {{ ref('int_newest_time') }}

),

days as (

    select
        series_id,
        cost_date,
        cost_month,
        sum(cost_usd) as cost_usd
    from costs
    where is_priced
    group by series_id, cost_date, cost_month

),

-- what a week, or four, cost up to each day with a cost, and the same time before
windows as (

    select
        series_id,
        cost_date,
        cost_month,
        min(cost_date) over (partition by series_id) as first_cost_date,
        sum(cost_usd) over last_week as last_week_usd,
        sum(cost_usd) over week_before as week_before_usd,
        least(count(*) over last_week, count(*) over week_before) as week_count,
        sum(cost_usd) over last_weeks as last_weeks_usd,
        sum(cost_usd) over weeks_before as weeks_before_usd,
        least(count(*) over last_weeks, count(*) over weeks_before) as weeks_count
    from days
    window
        last_week as (
            partition by series_id order by cost_date
            range between interval '6' day preceding and current row
        ),
        week_before as (
            partition by series_id order by cost_date
            range between interval '13' day preceding and interval '7' day preceding
        ),
        last_weeks as (
            partition by series_id order by cost_date
            range between interval '27' day preceding and current row
        ),
        weeks_before as (
            partition by series_id order by cost_date
            range between interval '55' day preceding and interval '28' day preceding
        )

),

-- weeks where there is a cost on three days of each or more, else four weeks; both lie after the beginning
chosen as (

    select
        *,
        case
            when week_count >= 3 and first_cost_date <= cost_date - interval '13' day then 7
            when weeks_count >= 3 and first_cost_date <= cost_date - interval '55' day then 28
        end as recent_days
    from windows

),

compared as (

    select
        series_id,
        cost_date,
        cost_month,
        recent_days,
        case recent_days when 7 then last_week_usd when 28 then last_weeks_usd end as recent_cost_usd,
        case recent_days when 7 then week_before_usd when 28 then weeks_before_usd end as recent_previous_cost_usd
    from chosen

),

ranked as (

    select
        *,
        cast(recent_cost_usd as double) / nullif(recent_previous_cost_usd, 0) as recent_ratio,
        row_number() over (partition by series_id, cost_month order by cost_date desc) as age_rank
    from compared

),

doubled as (

    select
        *,
        row_number() over (partition by series_id, cost_month order by cost_date asc) as doubled_rank
    from ranked
    where recent_ratio >= {{ doubled_ratio() }}

),

beginnings as (

    select
        series_id,
        min(cost_date) as first_cost_date
    from costs
    group by series_id

),

months as (

    select
        costs.series_id,
        costs.cost_kind,
        costs.account_id,
        costs.aws_region,
        costs.subject_name,
        costs.cost_month,
        beginnings.first_cost_date,
        count(*) as cost_count,
        count(*) filter (where not costs.is_priced) as unpriced_count,
        sum(costs.quantity) as quantity,
        min(costs.quantity_unit) as quantity_unit,
        sum(costs.cost_usd) as cost_usd
    from costs
    inner join beginnings on costs.series_id = beginnings.series_id
    group by
        costs.series_id,
        costs.cost_kind,
        costs.account_id,
        costs.aws_region,
        costs.subject_name,
        costs.cost_month,
        beginnings.first_cost_date

),

-- a month may have begun before the costs did, and may not be over
daily as (

    select
        months.*,
        greatest(
            {{ dbt.datediff(
                "greatest(months.cost_month, months.first_cost_date)",
                "least(cast(months.cost_month + interval '1' month as date), "
                    ~ "cast(newest_time.newest_date + interval '1' day as date))",
                "day"
            ) }},
            1
        ) as covered_day_count
    from months
    cross join newest_time

),

followed as (

    select
        daily.*,
        previous.cost_usd as previous_cost_usd,
        previous.covered_day_count as previous_day_count,
        (cast(daily.cost_usd as double) / daily.covered_day_count)
        / nullif(cast(previous.cost_usd as double) / previous.covered_day_count, 0) as change_ratio
    from daily
    left join daily as previous
        on
            daily.series_id = previous.series_id
            and daily.cost_month = cast(previous.cost_month + interval '1' month as date)

)

select
    followed.series_id,
    followed.cost_kind,
    followed.account_id,
    followed.aws_region,
    followed.subject_name,
    followed.cost_month,
    followed.cost_count,
    followed.unpriced_count,
    followed.quantity,
    followed.quantity_unit,
    followed.covered_day_count,
    followed.cost_usd,
    followed.previous_cost_usd,
    followed.change_ratio,
    ranked.recent_days as recent_day_count,
    ranked.recent_cost_usd,
    ranked.recent_previous_cost_usd,
    ranked.recent_ratio,
    doubled.cost_date as doubled_date,
    coalesce(
        doubled.cost_date is not null
        or (
            followed.change_ratio >= {{ doubled_ratio() }}
            and followed.previous_day_count >= 14
            and followed.covered_day_count >= 7
        ),
        false
    ) as is_doubled,
    case
        when doubled.cost_date is not null
            then
                'The ' || doubled.recent_days || ' days to ' || cast(doubled.cost_date as varchar) || ' cost '
                || cast(cast(doubled.recent_cost_usd as decimal(18, 2)) as varchar) || ' US dollars, '
                || cast(cast(doubled.recent_ratio as decimal(18, 1)) as varchar) || ' times as much as the '
                || doubled.recent_days || ' days before.'
        when
            followed.change_ratio >= {{ doubled_ratio() }}
            and followed.previous_day_count >= 14
            and followed.covered_day_count >= 7
            then
                'A day cost ' || cast(cast(followed.change_ratio as decimal(18, 1)) as varchar)
                || ' times as much as in the month before.'
        when followed.unpriced_count > 0
            then followed.unpriced_count || ' of ' || followed.cost_count || ' costs have no price in LABELHOUSE_PRICES.'
    end as finding
from followed
left join ranked
    on followed.series_id = ranked.series_id and followed.cost_month = ranked.cost_month and ranked.age_rank = 1
left join doubled
    on followed.series_id = doubled.series_id and followed.cost_month = doubled.cost_month and doubled.doubled_rank = 1
order by followed.cost_month, followed.series_id
