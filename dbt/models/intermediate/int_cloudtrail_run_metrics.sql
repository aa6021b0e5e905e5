with points as (

    select * from {{ ref('stg_cloudtrail__training_metrics') }}

)

select
    run_id,
    metric_name,
    max(run_name) as run_name,
    max(account_id) as account_id,
    max(aws_region) as aws_region,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at
from points
group by run_id, metric_name
