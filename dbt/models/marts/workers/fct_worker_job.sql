with responses as (

    select * from {{ ref('int_worker_responses_compared') }}

),

tasks as (

    select
        *,
        case when outcome = 'submitted' and is_measured then coalesce(active_seconds, elapsed_seconds) end
            as object_seconds
    from {{ ref('int_tasks') }}

),

answer_totals as (

    select
        labeling_job_name,
        worker_id,
        max(workforce_type) as workforce_type,
        count(*) as answer_count,
        count(distinct dataset_object_id) as dataset_object_count,
        count(agrees_with_consolidated) as comparable_answer_count,
        count(*) filter (where agrees_with_consolidated) as agreeing_answer_count,
        cast(sum(time_spent_seconds) as decimal(38, 3)) as time_spent_seconds,
        min(event_at) as first_answer_at,
        max(event_at) as last_answer_at
    from responses
    group by labeling_job_name, worker_id

),

-- every answer is a submitted task, and there may be more of these
task_totals as (

    select
        labeling_job_name,
        worker_id,
        max(worker_pseudonym) as worker_pseudonym,
        max(workteam_name) as workteam_name,
        max(modality) as modality,
        max(batch_name) as batch_name,
        max(level) as level,
        count(*) filter (where outcome = 'submitted') as submitted_task_count,
        cast(sum(label_count) as bigint) as label_count,
        cast(sum(elapsed_seconds) filter (where outcome = 'submitted' and is_measured) as decimal(38, 3))
            as elapsed_seconds,
        cast(sum(active_seconds) filter (where outcome = 'submitted' and is_measured) as decimal(38, 3))
            as active_seconds,
        cast(sum(object_seconds) as decimal(38, 3)) as sum_seconds,
        min(object_seconds) as min_seconds,
        cast(sum(object_seconds) as double) / nullif(count(object_seconds), 0) as mean_seconds,
        max(object_seconds) as max_seconds,
        {{ quantile('object_seconds', 0.5) }} as median_seconds,
        {{ quantile('object_seconds', 0.95) }} as p95_seconds
    from tasks
    group by labeling_job_name, worker_id

)

select
    task_totals.labeling_job_name,
    task_totals.worker_id,
    task_totals.worker_pseudonym,
    answer_totals.workforce_type,
    coalesce(answer_totals.answer_count, 0) as answer_count,
    coalesce(answer_totals.dataset_object_count, 0) as dataset_object_count,
    coalesce(answer_totals.comparable_answer_count, 0) as comparable_answer_count,
    coalesce(answer_totals.agreeing_answer_count, 0) as agreeing_answer_count,
    cast(answer_totals.agreeing_answer_count as double) / nullif(answer_totals.comparable_answer_count, 0)
        as agreement_ratio,
    answer_totals.time_spent_seconds,
    answer_totals.first_answer_at,
    answer_totals.last_answer_at,
    task_totals.workteam_name,
    task_totals.modality,
    task_totals.batch_name,
    task_totals.level,
    task_totals.submitted_task_count,
    task_totals.label_count,
    task_totals.elapsed_seconds,
    task_totals.active_seconds,
    task_totals.sum_seconds,
    task_totals.min_seconds,
    task_totals.mean_seconds,
    task_totals.max_seconds,
    task_totals.median_seconds,
    task_totals.p95_seconds
from task_totals
left join answer_totals
    on
        task_totals.labeling_job_name = answer_totals.labeling_job_name
        and task_totals.worker_id = answer_totals.worker_id
order by task_totals.labeling_job_name, task_totals.worker_id
