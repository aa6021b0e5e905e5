with measured as (

    select * from {{ ref('int_training_runs_measured') }}

),

registered as (

    select * from {{ ref('int_training_runs_registered') }}

),

described as (

    select * from {{ ref('int_training_runs_described') }}

),

job_runs as (

    select * from {{ ref('int_training_job_runs') }}

),

names as (

    select run_id from measured
    union distinct
    select run_id from registered
    where is_registered
    union distinct
    select run_id from described

),

-- a description is newer than the calls, but one from before its end may be older than the last of them
runs as (

    select
        names.run_id,
        coalesce(measured.run_name, registered.run_name, described.run_name) as run_name,
        coalesce(registered.display_name, described.display_name) as display_name,
        coalesce(measured.account_id, registered.account_id, described.account_id) as account_id,
        coalesce(measured.aws_region, registered.aws_region, described.aws_region) as aws_region,
        measured.resource_type,
        coalesce(registered.training_job_name, described.training_job_name) as training_job_name,
        coalesce(registered.run_group, described.run_group) as run_group,
        coalesce(registered.experiment_name, described.experiment_name) as experiment_name,
        case
            when described.status in ('Completed', 'Failed', 'Stopped') then described.status
            else coalesce(registered.status, described.status)
        end as status,
        registered.created_by,
        coalesce(registered.started_at, described.started_at) as started_at,
        coalesce(registered.completed_at, described.completed_at) as completed_at,
        measured.first_point_at,
        measured.last_point_at,
        coalesce(measured.point_count, 0) as point_count,
        coalesce(measured.metric_count, 0) as metric_count,
        described.job_family,
        described.run_seconds,
        described.billable_seconds,
        described.cost_usd,
        described.instance_type,
        described.instance_count,
        described.labeling_job_name,
        described.hyper_parameters
    from names
    left join measured on names.run_id = measured.run_id
    left join registered on names.run_id = registered.run_id
    left join described on names.run_id = described.run_id

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
    numbered.run_number,
    coalesce(
        runs.job_family,
        runs.experiment_name,
        {{ unstamped(name_replaced('runs.run_name', "'-aws-training-job$'", "''")) }}
    ) as job_family,
    runs.run_seconds,
    runs.billable_seconds,
    runs.cost_usd,
    runs.instance_type,
    runs.instance_count,
    runs.labeling_job_name,
    runs.hyper_parameters
from runs
left join numbered on runs.run_id = numbered.run_id
left join job_runs on runs.run_id = job_runs.run_id
order by runs.run_id
