with variants as (

    select
        *,
        {{ utc_day('event_at') }} as day_start_at
    from {{ ref('stg_endpoints__endpoint_variants') }}

),

newest_time as (

    select * from {{ ref('int_newest_time') }}

),

-- the last that was said on a day
ranked as (

    select
        *,
        row_number() over (
            partition by account_id, aws_region, endpoint_name, variant_name, day_start_at
            order by event_at desc, described_variant_id desc
        ) as age_rank
    from variants

),

-- a day without a description between two of the same endpoint is like the day before
followed as (

    select
        *,
        coalesce(
            lead(day_start_at) over (
                partition by account_id, aws_region, endpoint_name, variant_name, created_at
                order by day_start_at
            ) - interval '1' day,
            day_start_at
        ) as last_day_start_at
    from ranked
    where age_rank = 1

),

days as (

    select
        followed.*,
        cast(each.day_at as timestamp with time zone) as covered_day_at
    from followed
    cross join unnest({{ days_between('followed.day_start_at', 'followed.last_day_start_at') }}) as each (day_at)

),

-- from its creation to the end of the day, or to the newest time that anything is known of
timed as (

    select
        days.*,
        {{ seconds_between(
            "greatest(days.covered_day_at, coalesce(days.created_at, days.covered_day_at))",
            "least(days.covered_day_at + interval '1' day, greatest(newest_time.as_of, days.event_at))"
        ) }} as running_seconds
    from days
    cross join newest_time

)

select
    endpoint_name,
    variant_name,
    account_id,
    aws_region,
    instance_type,
    instance_count,
    covered_day_at as day_start_at,
    cast(greatest(running_seconds, 0) as decimal(18, 3)) as running_seconds,
    cast(greatest(running_seconds, 0) * instance_count as decimal(18, 3)) as instance_seconds
from timed
where instance_type is not null and instance_count > 0 and not coalesce(is_serverless, false)
