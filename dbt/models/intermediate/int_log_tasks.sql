with captured as (

    select
        *,
        {{ worker_key() }} as worker_key
    from {{ ref('stg_worker_activity__worker_events') }}

),

identities as (

    select * from {{ ref('int_worker_identities') }}

),

events as (

    select
        captured.activity_id,
        captured.labeling_job_name,
        identities.worker_id,
        identities.worker_pseudonym,
        captured.workteam_name,
        captured.account_id,
        captured.aws_region,
        captured.job_type,
        captured.event_type,
        -- an event of another kind closes the task if it says when
        case
            when captured.event_kind in ('submitted', 'returned', 'declined') then captured.event_kind
            when captured.event_kind = 'accepted' then null
            when captured.submitted_at is not null then 'submitted'
            when captured.returned_at is not null then 'returned'
            when captured.declined_at is not null then 'declined'
        end as outcome,
        case
            when captured.event_kind = 'accepted' then coalesce(captured.accepted_at, captured.event_at)
            else captured.accepted_at
        end as accepted_at,
        captured.submitted_at,
        captured.returned_at,
        captured.declined_at,
        captured.event_at
    from captured
    inner join identities on captured.worker_key = identities.worker_key

),

closed as (

    select
        *,
        coalesce(
            case outcome
                when 'submitted' then submitted_at
                when 'returned' then returned_at
                when 'declined' then declined_at
            end,
            case when outcome is not null then event_at end
        ) as ended_at,
        -- without the time of its acceptance, a closed task is one of its own
        case when accepted_at is null then activity_id else '' end as closed_alone
    from events
    where outcome is not null or accepted_at is not null

),

-- what a worker accepted at one time, and what became of it: the first acceptance is the first that was closed
ranked as (

    select
        *,
        row_number() over (
            partition by
                labeling_job_name,
                worker_id,
                accepted_at,
                closed_alone,
                case when outcome is null then event_type end
            order by ended_at asc nulls last, event_at asc, activity_id asc
        ) as task_number
    from closed

),

tasks as (

    select
        labeling_job_name,
        worker_id,
        accepted_at,
        closed_alone,
        task_number,
        max(worker_pseudonym) as worker_pseudonym,
        max(workteam_name) as workteam_name,
        max(account_id) as account_id,
        max(aws_region) as aws_region,
        max(job_type) as job_type,
        max(outcome) as outcome,
        max(ended_at) as ended_at
    from ranked
    group by labeling_job_name, worker_id, accepted_at, closed_alone, task_number

)

select
    {{ id_of(
        "labeling_job_name || '/' || worker_id || '/' || coalesce(cast(accepted_at as varchar), closed_alone) || '/'"
        ~ " || cast(task_number as varchar)"
    ) }} as task_id,
    labeling_job_name,
    worker_id,
    worker_pseudonym,
    workteam_name,
    account_id,
    aws_region,
    job_type,
    outcome,
    accepted_at,
    ended_at
from tasks
