with points as (

    select * from {{ ref('stg_cloudtrail__training_metrics') }}

)

select
    row_number() over (order by run_id, metric_name) as run_metric_number,
    run_id,
    metric_name,
    count(*) = count(step) as has_steps
from points
group by run_id, metric_name
