with tasks as (

    select * from {{ ref('int_tasks') }}

),

changed_dates as (

    select * from {{ ref('int_changed_task_dates') }}

)

select
    tasks.worker_id,
    max(tasks.worker_pseudonym) as worker_pseudonym,
    tasks.labeling_job_name,
    max(tasks.workteam_name) as workteam_name,
    max(tasks.modality) as modality,
    tasks.event_date,
    count(*) filter (where tasks.outcome = 'submitted') as submitted_task_count,
    count(*) filter (where tasks.outcome = 'returned') as returned_task_count,
    count(*) filter (where tasks.outcome = 'declined') as declined_task_count,
    count(*) filter (where tasks.outcome = 'abandoned') as abandoned_task_count,
    count(*) filter (where not tasks.is_measured) as excluded_task_count,
    cast(sum(tasks.elapsed_seconds) filter (where tasks.outcome = 'submitted' and tasks.is_measured) as decimal(38, 3))
        as elapsed_seconds,
    cast(sum(tasks.active_seconds) filter (where tasks.outcome = 'submitted' and tasks.is_measured) as decimal(38, 3))
        as active_seconds,
    cast(sum(tasks.idle_seconds) filter (where tasks.outcome = 'submitted' and tasks.is_measured) as decimal(38, 3))
        as idle_seconds,
    count(tasks.response_id) as answer_count,
    cast(sum(tasks.label_count) as bigint) as label_count,
    min(tasks.event_at) as first_event_at,
    max(tasks.event_at) as last_event_at
from tasks
inner join changed_dates on tasks.event_date = changed_dates.event_date
group by tasks.worker_id, tasks.labeling_job_name, tasks.event_date
order by tasks.event_date, tasks.labeling_job_name, tasks.worker_id
