with metric_points as (

    select
        run_metrics.run_id,
        run_metrics.metric_name,
        metric_points.step,
        metric_points.previous_step,
        cast(metric_points.step as double) - cast(metric_points.previous_step as double) as step_gap
    from {{ ref('int_run_metric_points') }} as metric_points
    inner join {{ ref('int_run_metrics') }} as run_metrics
        on metric_points.run_metric_number = run_metrics.run_metric_number
    where
        run_metrics.has_steps
        and metric_points.step > metric_points.previous_step

),

points as (

    select * from {{ ref('stg_cloudtrail__training_metrics') }}

),

usual as (

    select
        run_id,
        metric_name,
        max(step_gap) as largest_gap,
        percentile_cont(0.5) within group (order by step_gap) as usual_gap
    from metric_points
    group by run_id, metric_name
    having count(*) >= 4

),

jumps as (

    select
        usual.run_id,
        usual.metric_name,
        usual.usual_gap,
        min(metric_points.step) as step,
        min(metric_points.previous_step) as usual_step
    from usual
    inner join metric_points
        on
            usual.run_id = metric_points.run_id
            and usual.metric_name = metric_points.metric_name
            and usual.largest_gap = metric_points.step_gap
    where usual.largest_gap > 10 * usual.usual_gap
    group by usual.run_id, usual.metric_name, usual.usual_gap

)

select
    jumps.run_id,
    jumps.metric_name,
    {{ the_only('points.principal_arn') }} as principal_arn,
    {{ the_only('points.source_network') }} as source_network,
    {{ the_only('points.user_agent') }} as user_agent,
    min(points.event_at) as first_event_at,
    max(points.event_at) as last_event_at,
    count(*) as point_count,
    jumps.step,
    jumps.usual_step,
    jumps.usual_gap
from jumps
inner join points
    on
        jumps.run_id = points.run_id
        and jumps.metric_name = points.metric_name
        and jumps.step <= points.step
group by jumps.run_id, jumps.metric_name, jumps.step, jumps.usual_step, jumps.usual_gap
