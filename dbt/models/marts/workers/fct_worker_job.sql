with responses as (

    select * from {{ ref('int_worker_responses_compared') }}

),

totals as (

    select
        labeling_job_name,
        worker_id,
        max(worker_pseudonym) as worker_pseudonym,
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

)

select
    labeling_job_name,
    worker_id,
    worker_pseudonym,
    workforce_type,
    answer_count,
    dataset_object_count,
    comparable_answer_count,
    agreeing_answer_count,
    cast(agreeing_answer_count as double) / nullif(comparable_answer_count, 0) as agreement_ratio,
    time_spent_seconds,
    first_answer_at,
    last_answer_at
from totals
order by labeling_job_name, worker_id
