with jobs as (

    select
        *,
        row_number() over (partition by run_id order by created_at desc nulls last, training_job_id desc) as age_rank
    from {{ ref('dim_training_job') }}

),

places as (

    select * from {{ ref('int_training_jobs') }}

),

-- the trial component that AWS makes for a job says of the run what the job belongs to
components as (

    select
        components.*,
        coalesce(places.run_id, components.run_id) as described_run_id
    from {{ ref('stg_trial_components__trial_components') }} as components
    left join places on components.training_job_id = places.training_job_id

),

ranked_components as (

    select
        *,
        row_number() over (
            partition by described_run_id
            order by
                case when described_run_id = run_id then 0 else 1 end,
                last_modified_at desc nulls last,
                event_at desc,
                described_uri desc
        ) as age_rank
    from components

),

-- a run that was begun again has several jobs
job_totals as (

    select
        run_id,
        min(created_at) as started_at,
        max(training_ended_at) as completed_at,
        sum(run_seconds) as run_seconds,
        cast(sum(billable_seconds) as bigint) as billable_seconds,
        case when count(cost_usd) = count(billable_seconds) then cast(sum(cost_usd) as decimal(18, 6)) end as cost_usd
    from jobs
    group by run_id

),

names as (

    select run_id from job_totals
    union distinct
    select described_run_id as run_id from components

)

select
    names.run_id,
    split_part(names.run_id, '/', 3) as run_name,
    coalesce(jobs.account_id, components.account_id) as account_id,
    coalesce(jobs.aws_region, components.aws_region) as aws_region,
    components.display_name,
    coalesce(jobs.training_job_name, components.training_job_name) as training_job_name,
    jobs.job_family,
    coalesce(components.run_group, jobs.run_group) as run_group,
    coalesce(components.experiment_name, jobs.experiment_name) as experiment_name,
    coalesce(jobs.status, components.status) as status,
    coalesce(job_totals.started_at, components.started_at, components.created_at) as started_at,
    case
        when coalesce(jobs.status, components.status) in ('Completed', 'Failed', 'Stopped')
            then coalesce(job_totals.completed_at, components.ended_at)
    end as completed_at,
    job_totals.run_seconds,
    job_totals.billable_seconds,
    job_totals.cost_usd,
    jobs.instance_type,
    jobs.instance_count,
    jobs.labeling_job_name,
    coalesce(jobs.hyper_parameters, components.parameters) as hyper_parameters
from names
left join jobs on names.run_id = jobs.run_id and jobs.age_rank = 1
left join job_totals on names.run_id = job_totals.run_id
left join ranked_components as components
    on names.run_id = components.described_run_id and components.age_rank = 1
