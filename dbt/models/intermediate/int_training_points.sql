with sent as (

    select * from {{ ref('stg_cloudtrail__training_metrics') }}

),

logged as (

    select * from {{ ref('int_training_log_points') }}

)

select
    event_id,
    point_index,
    run_id,
    run_name,
    account_id,
    aws_region,
    resource_type,
    metric_name,
    step,
    metric_value,
    value_flag,
    metric_at,
    event_at,
    event_date,
    time_flag,
    principal_arn,
    principal_type,
    source_network,
    user_agent,
    'cloudtrail' as metric_source
from sent
union all
select
    event_id,
    point_index,
    run_id,
    run_name,
    account_id,
    aws_region,
    cast(null as varchar) as resource_type,
    metric_name,
    step,
    metric_value,
    value_flag,
    metric_at,
    event_at,
    event_date,
    cast(null as varchar) as time_flag,
    cast(null as varchar) as principal_arn,
    cast(null as varchar) as principal_type,
    cast(null as varchar) as source_network,
    cast(null as varchar) as user_agent,
    'training_log' as metric_source
from logged
