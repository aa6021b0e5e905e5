with logged as (

    select * from {{ ref('int_log_tasks') }}

),

answers as (

    select * from {{ ref('int_worker_responses_compared') }}

),

matches as (

    select * from {{ ref('int_task_answers') }}

),

jobs as (

    select * from {{ ref('int_labeling_jobs_described') }}

),

days as (

    select * from {{ ref('int_workforce_days') }}

),

-- as much time as is known to have passed
newest as (

    select max(last_event_at) as as_of from days

),

both_sides as (

    select
        coalesce(logged.task_id, {{ id_of("'answer/' || answers.response_id") }}) as task_id,
        coalesce(logged.labeling_job_name, answers.labeling_job_name) as labeling_job_name,
        coalesce(logged.worker_id, answers.worker_id) as worker_id,
        coalesce(logged.worker_pseudonym, answers.worker_pseudonym) as worker_pseudonym,
        answers.workforce_type,
        logged.workteam_name,
        logged.account_id,
        logged.aws_region,
        logged.job_type,
        case when answers.response_id is not null then 'submitted' else logged.outcome end as outcome,
        -- an answer has milliseconds, the log whole seconds
        coalesce(answers.accepted_at, logged.accepted_at) as accepted_at,
        coalesce(answers.submitted_at, logged.ended_at) as ended_at,
        answers.time_spent_seconds as active_seconds,
        answers.dataset_object_id,
        answers.response_id,
        answers.label_count,
        logged.task_id is not null as has_log,
        answers.response_id is not null as has_answer,
        coalesce(answers.event_at, logged.ended_at, logged.accepted_at) as event_at
    from logged
    left join matches on logged.task_id = matches.task_id
    full outer join answers on matches.response_id = answers.response_id

),

described as (

    select
        both_sides.*,
        jobs.workteam_name as job_workteam_name,
        jobs.account_id as job_account_id,
        jobs.aws_region as job_aws_region,
        jobs.modality,
        jobs.batch_name,
        jobs.level,
        coalesce(jobs.task_time_limit_seconds, {{ longest_task_seconds() }}) as task_time_limit_seconds,
        {{ exact_seconds_between('both_sides.accepted_at', 'both_sides.ended_at') }} as elapsed_seconds,
        {{ seconds_between('both_sides.accepted_at', 'newest.as_of') }} as age_seconds
    from both_sides
    inner join jobs on both_sides.labeling_job_name = jobs.labeling_job_name
    cross join newest

),

judged as (

    select
        *,
        case
            when elapsed_seconds < 0 or active_seconds < 0 then 'negative'
            when
                elapsed_seconds > {{ longest_task_seconds() }} or active_seconds > {{ longest_task_seconds() }}
                then 'over_24_hours'
        end as exclusion_reason
    from described

)

select
    task_id,
    labeling_job_name,
    worker_id,
    worker_pseudonym,
    workforce_type,
    coalesce(workteam_name, job_workteam_name) as workteam_name,
    coalesce(account_id, job_account_id) as account_id,
    coalesce(aws_region, job_aws_region) as aws_region,
    modality,
    batch_name,
    level,
    job_type,
    case
        when outcome is not null then outcome
        when age_seconds > task_time_limit_seconds then 'abandoned'
        else 'open'
    end as outcome,
    accepted_at,
    ended_at,
    elapsed_seconds,
    active_seconds,
    case
        when elapsed_seconds > active_seconds then cast(elapsed_seconds - active_seconds as decimal(18, 3))
        when elapsed_seconds is not null and active_seconds is not null then cast(0 as decimal(18, 3))
    end as idle_seconds,
    dataset_object_id,
    response_id,
    label_count,
    has_log,
    has_answer,
    exclusion_reason is null as is_measured,
    exclusion_reason,
    task_time_limit_seconds,
    event_at,
    {{ reporting_date('event_at') }} as event_date
from judged
