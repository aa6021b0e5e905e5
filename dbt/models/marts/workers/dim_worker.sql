with responses as (

    select * from {{ ref('int_worker_responses_compared') }}

),

tasks as (

    select * from {{ ref('int_tasks') }}

),

identities as (

    select * from {{ ref('int_worker_identities') }}

),

memberships as (

    select * from {{ ref('int_pool_memberships') }}

),

answer_totals as (

    select
        worker_id,
        max(workforce_type) as workforce_type,
        max(identity_provider) as identity_provider,
        count(*) as answer_count,
        min(event_at) as first_answer_at,
        max(event_at) as last_answer_at
    from responses
    group by worker_id

),

task_totals as (

    select
        worker_id,
        count(distinct labeling_job_name) as labeling_job_count,
        count(*) as task_count,
        min(event_at) as first_event_at,
        max(event_at) as last_event_at
    from tasks
    group by worker_id

),

workers as (

    select
        worker_id,
        max(worker_pseudonym) as worker_pseudonym
    from identities
    group by worker_id

),

-- who is in any pool is there; a worker has as a rule one
pools as (

    select
        workers.worker_id,
        min(memberships.joined_at) as joined_at,
        case when count(memberships.left_at) = count(*) then max(memberships.left_at) end as left_at
    from workers
    inner join memberships on workers.worker_pseudonym = memberships.worker_pseudonym
    group by workers.worker_id

),

newest as (

    select
        workers.worker_id,
        memberships.identity_provider,
        memberships.user_status,
        memberships.is_enabled,
        row_number() over (
            partition by workers.worker_id
            order by memberships.last_listed_at desc, memberships.user_pool_id asc
        ) as age_rank
    from workers
    inner join memberships on workers.worker_pseudonym = memberships.worker_pseudonym

)

select
    workers.worker_id,
    workers.worker_pseudonym,
    coalesce(answer_totals.workforce_type, case when pools.worker_id is not null then 'private' end) as workforce_type,
    coalesce(newest.identity_provider, answer_totals.identity_provider) as identity_provider,
    newest.user_status,
    newest.is_enabled,
    {{ reporting_date('pools.joined_at') }} as joined_date,
    {{ reporting_date('pools.left_at') }} as left_date,
    coalesce(task_totals.labeling_job_count, 0) as labeling_job_count,
    coalesce(answer_totals.answer_count, 0) as answer_count,
    coalesce(task_totals.task_count, 0) as task_count,
    answer_totals.first_answer_at,
    answer_totals.last_answer_at,
    task_totals.first_event_at,
    task_totals.last_event_at
from workers
left join answer_totals on workers.worker_id = answer_totals.worker_id
left join task_totals on workers.worker_id = task_totals.worker_id
left join pools on workers.worker_id = pools.worker_id
left join newest on workers.worker_id = newest.worker_id and newest.age_rank = 1
order by workers.worker_id
