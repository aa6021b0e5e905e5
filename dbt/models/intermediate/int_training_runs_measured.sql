with points as (

    select * from {{ ref('int_training_points') }}

)

select
    run_id,
    max(run_name) as run_name,
    max(account_id) as account_id,
    max(aws_region) as aws_region,
    max(resource_type) as resource_type,
    min(metric_at) as first_point_at,
    max(metric_at) as last_point_at,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) as point_count,
    count(distinct metric_name) as metric_count
from points
group by run_id
