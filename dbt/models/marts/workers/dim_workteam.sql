with teams as (

    select * from {{ ref('stg_workteams__workteams') }}

),

listings as (

    select * from {{ ref('stg_workteams__workteam_jobs') }}

),

jobs as (

    select * from {{ ref('int_labeling_jobs_described') }}

),

tasks as (

    select * from {{ ref('int_tasks') }}

),

newest as (

    select
        *,
        row_number() over (partition by workteam_name order by event_at desc, described_uri desc) as age_rank
    from teams

),

team_jobs as (

    select
        workteam_name,
        labeling_job_name
    from tasks
    union distinct
    select
        workteam_name,
        labeling_job_name
    from jobs
    union distinct
    select
        workteam_name,
        labeling_job_name
    from listings
    union distinct
    select
        workteam_name,
        cast(null as varchar) as labeling_job_name
    from teams

),

job_totals as (

    select
        workteam_name,
        count(labeling_job_name) as labeling_job_count
    from team_jobs
    where workteam_name is not null
    group by workteam_name

),

task_totals as (

    select
        workteam_name,
        max(account_id) as account_id,
        max(aws_region) as aws_region,
        count(distinct worker_id) filter (where worker_id != {{ unknown_worker() }}) as worker_count,
        count(*) filter (where outcome = 'submitted') as submitted_task_count,
        cast(sum(active_seconds) filter (where outcome = 'submitted' and is_measured) as decimal(38, 3))
            as active_seconds,
        cast(sum(elapsed_seconds) filter (where outcome = 'submitted' and is_measured) as decimal(38, 3))
            as elapsed_seconds
    from tasks
    group by workteam_name

),

job_facts as (

    select
        workteam_name,
        max(workforce_type) as workforce_type,
        max(account_id) as account_id,
        max(aws_region) as aws_region
    from jobs
    group by workteam_name

),

seen as (

    select
        workteam_name,
        event_at as seen_at
    from tasks
    union all
    select
        workteam_name,
        event_at as seen_at
    from teams
    union all
    select
        workteam_name,
        created_at as seen_at
    from teams
    union all
    select
        workteam_name,
        created_at as seen_at
    from jobs
    union all
    select
        workteam_name,
        event_at as seen_at
    from listings

),

times as (

    select
        workteam_name,
        min(seen_at) as first_seen_at,
        max(seen_at) as last_seen_at
    from seen
    group by workteam_name

)

select
    job_totals.workteam_name,
    newest.workteam_arn,
    coalesce(newest.account_id, task_totals.account_id, job_facts.account_id) as account_id,
    coalesce(newest.aws_region, task_totals.aws_region, job_facts.aws_region) as aws_region,
    coalesce(newest.workforce_type, job_facts.workforce_type) as workforce_type,
    coalesce(task_totals.worker_count, 0) as worker_count,
    job_totals.labeling_job_count,
    coalesce(task_totals.submitted_task_count, 0) as submitted_task_count,
    task_totals.active_seconds,
    task_totals.elapsed_seconds,
    times.first_seen_at,
    times.last_seen_at
from job_totals
left join newest on job_totals.workteam_name = newest.workteam_name and newest.age_rank = 1
left join task_totals on job_totals.workteam_name = task_totals.workteam_name
left join job_facts on job_totals.workteam_name = job_facts.workteam_name
left join times on job_totals.workteam_name = times.workteam_name
order by job_totals.workteam_name
