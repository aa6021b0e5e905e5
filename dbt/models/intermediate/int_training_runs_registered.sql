-- calls that took effect
with events as (

    select
        *,
        account_id || '/' || aws_region as place
    from {{ ref('stg_cloudtrail__management_events') }}
    where
        event_source = 'sagemaker.amazonaws.com'
        and error_code is null
        and event_name in (
            'CreateTrialComponent',
            'UpdateTrialComponent',
            'AssociateTrialComponent',
            'CreateTrial',
            'CreateTrainingJob',
            'StopTrainingJob'
        )

),

-- AWS makes a trial component of its own for every training job
named as (

    select
        *,
        case
            when event_name in ('CreateTrainingJob', 'StopTrainingJob')
                then {{ caseless('training_job_name') }} || '-aws-training-job'
            else trial_component_name
        end as run_name,
        case when event_name = 'StopTrainingJob' then 'Stopping' else primary_status end as status
    from events
    where event_name != 'CreateTrial'

),

calls as (

    select
        *,
        {{ run_id('run_name') }} as run_id,
        status in ('Completed', 'Failed', 'Stopped') as is_final,
        event_name in ('CreateTrialComponent', 'CreateTrainingJob') as is_creation
    from named
    where run_name is not null

),

trials as (

    select
        place,
        trial_name,
        max(experiment_name) as experiment_name
    from events
    where trial_name is not null and experiment_name is not null
    group by place, trial_name

),

-- the newest call says the state; within a second, the final one
statuses as (

    select
        run_id,
        status,
        row_number() over (partition by run_id order by event_at desc, is_final desc, event_id desc) as status_rank
    from calls
    where status is not null

),

groups as (

    select
        run_id,
        trial_name,
        row_number() over (partition by run_id order by event_at desc, event_id desc) as group_rank
    from calls
    where trial_name is not null

),

creators as (

    select
        run_id,
        principal_arn,
        row_number() over (partition by run_id order by event_at asc, event_id asc) as creator_rank
    from calls
    where is_creation

),

totals as (

    select
        run_id,
        max(run_name) as run_name,
        max(account_id) as account_id,
        max(aws_region) as aws_region,
        max(place) as place,
        max(display_name) as display_name,
        max(training_job_name) as training_job_name,
        max(experiment_name) as experiment_name,
        min(event_at) filter (where is_creation) as started_at,
        max(event_at) filter (where not is_final) as last_open_at,
        -- a training job's own trial component is a run when points are written to it
        count(trial_component_name) > 0 as is_registered
    from calls
    group by run_id

),

-- saved again after its end, a run is as complete as it was before
completions as (

    select
        calls.run_id,
        min(calls.event_at) as completed_at
    from calls
    inner join totals on calls.run_id = totals.run_id
    where
        calls.is_final
        and (totals.last_open_at is null or calls.event_at >= totals.last_open_at)
    group by calls.run_id

)

select
    totals.run_id,
    totals.run_name,
    totals.account_id,
    totals.aws_region,
    totals.display_name,
    totals.training_job_name,
    groups.trial_name as run_group,
    coalesce(totals.experiment_name, trials.experiment_name) as experiment_name,
    statuses.status,
    creators.principal_arn as created_by,
    totals.started_at,
    completions.completed_at,
    totals.is_registered
from totals
left join statuses on totals.run_id = statuses.run_id and statuses.status_rank = 1
left join groups on totals.run_id = groups.run_id and groups.group_rank = 1
left join creators on totals.run_id = creators.run_id and creators.creator_rank = 1
left join completions on totals.run_id = completions.run_id
left join trials on totals.place = trials.place and groups.trial_name = trials.trial_name
