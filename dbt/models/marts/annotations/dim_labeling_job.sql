with objects as (

    select * from {{ ref('fct_dataset_object') }}

),

workers as (

    select * from {{ ref('fct_worker_job') }}

),

object_totals as (

    select
        labeling_job_name,
        max(task_type) as task_type,
        max(label_attribute_name) as label_attribute_name,
        count(*) as dataset_object_count,
        -- a line of the manifest names its label attribute; an object with answers only has none yet
        count(label_attribute_name) filter (where not is_failed) as labeled_object_count,
        count(*) filter (where is_failed) as failed_object_count
    from objects
    group by labeling_job_name

),

worker_totals as (

    select
        labeling_job_name,
        cast(sum(answer_count) as bigint) as answer_count,
        count(*) filter (where worker_id != {{ unknown_worker() }}) as worker_count,
        min(first_answer_at) as first_answer_at,
        max(last_answer_at) as last_answer_at
    from workers
    group by labeling_job_name

)

select
    object_totals.labeling_job_name,
    object_totals.task_type,
    object_totals.label_attribute_name,
    object_totals.dataset_object_count,
    object_totals.labeled_object_count,
    object_totals.failed_object_count,
    coalesce(worker_totals.answer_count, 0) as answer_count,
    coalesce(worker_totals.worker_count, 0) as worker_count,
    worker_totals.first_answer_at,
    worker_totals.last_answer_at
from object_totals
left join worker_totals on object_totals.labeling_job_name = worker_totals.labeling_job_name
order by object_totals.labeling_job_name
