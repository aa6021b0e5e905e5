with points as (

    select * from {{ ref('int_training_points') }}

),

run_metrics as (

    select * from {{ ref('int_run_metrics') }}

),

-- a point that was sent again says nothing new
distinct_points as (

    select
        run_metrics.run_metric_number,
        run_metrics.has_steps,
        points.step,
        points.metric_at,
        points.metric_value,
        points.value_flag,
        min(points.event_at) as first_event_at,
        count(*) as copy_count
    from points
    inner join run_metrics
        on
            points.run_id = run_metrics.run_id
            and points.metric_name = run_metrics.metric_name
    group by
        run_metrics.run_metric_number,
        run_metrics.has_steps,
        points.step,
        points.metric_at,
        points.metric_value,
        points.value_flag

)

select
    run_metric_number,
    step,
    metric_at,
    metric_value,
    value_flag,
    copy_count,
    row_number() over point_order as point_number,
    lag(step) over point_order as previous_step,
    lag(metric_value) over point_order as previous_value
from distinct_points
window point_order as (
    partition by run_metric_number
    order by
        case when has_steps then step end,
        case when not has_steps then metric_at end,
        first_event_at,
        metric_at,
        metric_value,
        value_flag
)
