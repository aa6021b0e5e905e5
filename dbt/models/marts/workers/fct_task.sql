with tasks as (

    select * from {{ ref('int_tasks') }}

),

changed_dates as (

    select * from {{ ref('int_changed_task_dates') }}

)

select
    tasks.task_id,
    tasks.labeling_job_name,
    tasks.worker_id,
    tasks.worker_pseudonym,
    tasks.workteam_name,
    tasks.account_id,
    tasks.aws_region,
    tasks.modality,
    tasks.batch_name,
    tasks.level,
    tasks.job_type,
    tasks.outcome,
    tasks.accepted_at,
    tasks.ended_at,
    tasks.elapsed_seconds,
    tasks.active_seconds,
    tasks.idle_seconds,
    tasks.dataset_object_id,
    tasks.response_id,
    tasks.label_count,
    tasks.has_log,
    tasks.has_answer,
    tasks.is_measured,
    tasks.exclusion_reason,
    tasks.event_at,
    tasks.event_date
from tasks
inner join changed_dates on tasks.event_date = changed_dates.event_date
order by tasks.event_at, tasks.task_id
