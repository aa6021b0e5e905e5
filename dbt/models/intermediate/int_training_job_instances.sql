with jobs as (

    select * from {{ ref('int_training_jobs_described') }}

),

prices as (

    select * from {{ ref('int_prices') }}
    where price_kind = 'instance_hour_usd'

),

items as (

    select
        jobs.training_job_id,
        listed.item
    from jobs
    cross join unnest({{ json_items('jobs.instance_groups_json') }}) as listed (item)

),

instances as (

    select
        training_job_id,
        instance_type,
        coalesce(instance_count, 1) as instance_count
    from jobs
    where instance_type is not null
    union all
    select
        training_job_id,
        {{ json_text('item', 'instance_type') }} as instance_type,
        coalesce(cast({{ json_text('item', 'instance_count') }} as integer), 1) as instance_count
    from items

),

summed as (

    select
        training_job_id,
        instance_type,
        cast(sum(instance_count) as bigint) as instance_count
    from instances
    where instance_type is not null
    group by training_job_id, instance_type

)

select
    summed.training_job_id,
    summed.instance_type,
    summed.instance_count,
    prices.price_usd
from summed
left join prices on summed.instance_type = prices.price_name
