with points as (

    select * from {{ ref('int_training_points') }}

)

select
    row_number() over (order by run_id, metric_name) as run_metric_number,
    run_id,
    metric_name,
    count(*) = count(step) as has_steps,
    max(metric_source) as metric_source
from points
group by run_id, metric_name
