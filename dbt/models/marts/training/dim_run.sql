with measured as (

    select * from {{ ref('int_training_runs_measured') }}

),

registered as (

    select * from {{ ref('int_training_runs_registered') }}

),

job_runs as (

    select * from {{ ref('int_training_job_runs') }}

),

runs as (

    select
        coalesce(measured.run_id, registered.run_id) as run_id,
        coalesce(measured.run_name, registered.run_name) as run_name,
        registered.display_name,
        coalesce(measured.account_id, registered.account_id) as account_id,
        coalesce(measured.aws_region, registered.aws_region) as aws_region,
        measured.resource_type,
        registered.training_job_name,
        registered.run_group,
        registered.experiment_name,
        registered.status,
        registered.created_by,
        registered.started_at,
        registered.completed_at,
        measured.first_point_at,
        measured.last_point_at,
        coalesce(measured.point_count, 0) as point_count,
        coalesce(measured.metric_count, 0) as metric_count
    from measured
    full outer join registered on measured.run_id = registered.run_id
    where measured.run_id is not null or registered.is_registered

),

numbered as (

    select
        run_id,
        row_number() over (
            partition by account_id, aws_region, experiment_name
            order by first_point_at asc, run_id asc
        ) as run_number
    from runs
    where first_point_at is not null

)

select
    runs.run_id,
    runs.run_name,
    runs.display_name,
    runs.account_id,
    runs.aws_region,
    runs.resource_type,
    coalesce(
        runs.training_job_name,
        job_runs.training_job_name,
        case
            when runs.run_name like '%-aws-training-job'
                then left(runs.run_name, length(runs.run_name) - length('-aws-training-job'))
        end
    ) as training_job_name,
    runs.run_group,
    runs.experiment_name,
    runs.status,
    runs.created_by,
    runs.started_at,
    runs.completed_at,
    runs.first_point_at,
    runs.last_point_at,
    {{ seconds_between('runs.first_point_at', 'runs.last_point_at') }} as duration_seconds,
    runs.point_count,
    runs.metric_count,
    numbered.run_number
from runs
left join numbered on runs.run_id = numbered.run_id
left join job_runs on runs.run_id = job_runs.run_id
order by runs.run_id
