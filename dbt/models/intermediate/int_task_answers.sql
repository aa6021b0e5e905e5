with tasks as (

    select * from {{ ref('int_log_tasks') }}

),

answers as (

    select * from {{ ref('int_worker_responses_compared') }}

),

-- the log has whole seconds; of a worker who was not captured, nobody knows whether it is the same
logged as (

    select
        task_id,
        labeling_job_name,
        worker_id,
        {{ whole_second('ended_at') }} as submitted_second_at,
        row_number() over (
            partition by labeling_job_name, worker_id, {{ whole_second('ended_at') }}
            order by accepted_at asc nulls last, task_id asc
        ) as task_number
    from tasks
    where outcome = 'submitted' and worker_id != {{ unknown_worker() }}

),

answered as (

    select
        response_id,
        labeling_job_name,
        worker_id,
        {{ whole_second('submitted_at') }} as submitted_second_at,
        row_number() over (
            partition by labeling_job_name, worker_id, {{ whole_second('submitted_at') }}
            order by accepted_at asc nulls last, submitted_at asc, response_id asc
        ) as task_number
    from answers
    where submitted_at is not null and worker_id != {{ unknown_worker() }}

)

select
    logged.task_id,
    answered.response_id
from logged
inner join answered
    on
        logged.labeling_job_name = answered.labeling_job_name
        and logged.worker_id = answered.worker_id
        and logged.submitted_second_at = answered.submitted_second_at
        and logged.task_number = answered.task_number
