with jobs as (

    select
        *,
        {{ reporting_date('coalesce(training_ended_at, training_started_at, created_at)') }} as cost_date
    from {{ ref('dim_training_job') }}

),

instances as (

    select * from {{ ref('int_training_job_instances') }}

),

endpoint_days as (

    select * from {{ ref('int_endpoint_days') }}

),

work as (

    select * from {{ ref('int_labeling_work') }}

),

instance_prices as (

    select * from {{ ref('int_prices') }}
    where price_kind = 'instance_hour_usd'

),

endpoint_prices as (

    select * from {{ ref('int_prices') }}
    where price_kind = 'endpoint_instance_hour_usd'

),

-- a job without a word about its instances has a bill all the same
training_kinds as (

    select
        'training' as cost_kind,
        jobs.training_job_id,
        jobs.billable_seconds as billed_seconds
    from jobs
    where jobs.billable_seconds > 0
    union all
    select
        'warm_pool' as cost_kind,
        jobs.training_job_id,
        jobs.warm_pool_billable_seconds as billed_seconds
    from jobs
    where jobs.warm_pool_billable_seconds > 0

),

training as (

    select
        training_kinds.cost_kind,
        jobs.training_job_id || '/' || coalesce(instances.instance_type, '') as cost_key,
        jobs.account_id,
        jobs.aws_region,
        jobs.cost_date,
        jobs.training_job_name as resource_name,
        jobs.job_family,
        jobs.run_id,
        jobs.labeling_job_name,
        cast(null as varchar) as workteam_name,
        cast(null as varchar) as worker_id,
        instances.instance_type,
        cast(training_kinds.billed_seconds * coalesce(instances.instance_count, 1) as decimal(18, 3)) as quantity,
        'billable seconds' as quantity_unit,
        instances.price_usd as unit_price_usd
    from training_kinds
    inner join jobs on training_kinds.training_job_id = jobs.training_job_id
    left join instances on training_kinds.training_job_id = instances.training_job_id

),

endpoints as (

    select
        'endpoint' as cost_kind,
        coalesce(endpoint_days.account_id, '') || '/' || coalesce(endpoint_days.aws_region, '')
        || '/' || endpoint_days.endpoint_name || '/' || endpoint_days.variant_name
        || '/' || cast(endpoint_days.day_start_at as varchar) as cost_key,
        endpoint_days.account_id,
        endpoint_days.aws_region,
        cast(endpoint_days.day_start_at as date) as cost_date,
        endpoint_days.endpoint_name as resource_name,
        cast(null as varchar) as job_family,
        cast(null as varchar) as run_id,
        cast(null as varchar) as labeling_job_name,
        cast(null as varchar) as workteam_name,
        cast(null as varchar) as worker_id,
        endpoint_days.instance_type,
        endpoint_days.instance_seconds as quantity,
        'instance seconds' as quantity_unit,
        coalesce(endpoint_prices.price_usd, instance_prices.price_usd) as unit_price_usd
    from endpoint_days
    left join endpoint_prices on endpoint_days.instance_type = endpoint_prices.price_name
    left join instance_prices on endpoint_days.instance_type = instance_prices.price_name

),

tasks as (

    select
        'labeling_task' as cost_kind,
        labeling_job_name || '/' || worker_id || '/' || cast(event_date as varchar) as cost_key,
        account_id,
        aws_region,
        event_date as cost_date,
        labeling_job_name as resource_name,
        cast(null as varchar) as job_family,
        cast(null as varchar) as run_id,
        labeling_job_name,
        workteam_name,
        worker_id,
        cast(null as varchar) as instance_type,
        cast(task_count as decimal(18, 3)) as quantity,
        'tasks' as quantity_unit,
        task_price_usd as unit_price_usd
    from work
    where is_paid_by_task or task_price_usd is not null

),

-- a public worker is paid by the task; where only tasks have a price, time has none to miss
times as (

    select
        'labeling_time' as cost_kind,
        labeling_job_name || '/' || worker_id || '/' || cast(event_date as varchar) as cost_key,
        account_id,
        aws_region,
        event_date as cost_date,
        labeling_job_name as resource_name,
        cast(null as varchar) as job_family,
        cast(null as varchar) as run_id,
        labeling_job_name,
        workteam_name,
        worker_id,
        cast(null as varchar) as instance_type,
        worker_seconds as quantity,
        'worker seconds' as quantity_unit,
        hour_price_usd as unit_price_usd
    from work
    where
        worker_seconds is not null
        and not coalesce(is_paid_by_task, false)
        and (hour_price_usd is not null or task_price_usd is null)

),

costs as (

    select * from training
    union all
    select * from endpoints
    union all
    select * from tasks
    union all
    select * from times

)

select
    {{ id_of("cost_kind || '/' || cost_key") }} as cost_id,
    cost_kind,
    account_id,
    aws_region,
    cost_date,
    cast({{ dbt.date_trunc('month', 'cost_date') }} as date) as cost_month,
    resource_name,
    job_family,
    run_id,
    labeling_job_name,
    workteam_name,
    worker_id,
    instance_type,
    quantity,
    quantity_unit,
    unit_price_usd,
    case
        when quantity_unit = 'tasks' then cast(quantity * unit_price_usd as decimal(18, 6))
        else {{ cost_of_seconds('quantity', 'unit_price_usd') }}
    end as cost_usd,
    unit_price_usd is not null as is_priced
from costs
order by cost_date, cost_kind, cost_id
