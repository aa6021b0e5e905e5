with points as (

    select * from {{ ref('stg_cloudtrail__training_metrics') }}

),

-- a point that was sent again says nothing new
distinct_points as (

    select
        run_id,
        metric_name,
        step,
        metric_at,
        metric_value,
        value_flag,
        min(event_at) as first_event_at,
        min(event_id) as first_event_id,
        min(point_index) as first_point_index,
        count(*) as copy_count
    from points
    group by run_id, metric_name, step, metric_at, metric_value, value_flag

),

counts as (

    select
        run_id,
        metric_name,
        count(*) = count(step) as has_steps
    from distinct_points
    group by run_id, metric_name

),

numbered as (

    select
        distinct_points.run_id,
        distinct_points.metric_name,
        counts.has_steps,
        distinct_points.step,
        distinct_points.metric_at,
        distinct_points.metric_value,
        distinct_points.value_flag,
        distinct_points.copy_count,
        row_number() over point_order as point_number,
        lag(distinct_points.step) over point_order as previous_step,
        lag(distinct_points.metric_value) over point_order as previous_value
    from distinct_points
    inner join counts
        on
            distinct_points.run_id = counts.run_id
            and distinct_points.metric_name = counts.metric_name
    window point_order as (
        partition by distinct_points.run_id, distinct_points.metric_name
        order by
            case when counts.has_steps then distinct_points.step end,
            case when not counts.has_steps then distinct_points.metric_at end,
            distinct_points.first_event_at,
            distinct_points.first_event_id,
            distinct_points.first_point_index
    )

)

select * from numbered
