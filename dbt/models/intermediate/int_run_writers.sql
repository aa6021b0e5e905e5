with points as (

    select * from {{ ref('stg_cloudtrail__training_metrics') }}

),

measured as (

    select * from {{ ref('int_training_runs_measured') }}

),

runs as (

    select * from {{ ref('dim_run') }}

),

-- without the call that made the run: a day before the first of its points arrived
bounds as (

    select
        runs.run_id,
        runs.completed_at,
        coalesce(runs.started_at, measured.first_event_at) as began_at,
        coalesce(runs.started_at - interval '300' second, measured.first_event_at - interval '86400' second)
            as lower_bound_at,
        runs.completed_at + interval '300' second as upper_bound_at,
        runs.completed_at + interval '60' second as written_until_at
    from runs
    inner join measured on runs.run_id = measured.run_id

),

compared as (

    select
        points.*,
        bounds.completed_at,
        case when points.metric_at < bounds.lower_bound_at then bounds.began_at else bounds.completed_at end
            as nearest_bound_at,
        coalesce(points.event_at > bounds.written_until_at, false) as is_late,
        coalesce(points.metric_at < bounds.lower_bound_at or points.metric_at > bounds.upper_bound_at, false)
            as is_outside
    from points
    inner join bounds on points.run_id = bounds.run_id

)

select
    run_id,
    account_id,
    writer_id,
    principal_arn,
    source_network,
    user_agent,
    count(*) as point_count,
    max(completed_at) as completed_at,
    min(event_at) as first_event_at,
    max(event_at) as last_event_at,
    count(*) filter (where is_late) as late_count,
    min(event_at) filter (where is_late) as first_late_at,
    count(*) filter (where is_outside) as outside_count,
    min(event_at) filter (where is_outside) as first_outside_event_at,
    max(event_at) filter (where is_outside) as last_outside_event_at,
    min(nearest_bound_at) filter (where is_outside) as outside_reference_at,
    min(metric_at) filter (where is_outside) as first_outside_at
from compared
group by run_id, account_id, writer_id, principal_arn, source_network, user_agent
