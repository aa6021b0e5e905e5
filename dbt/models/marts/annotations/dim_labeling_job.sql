with jobs as (

    select * from {{ ref('int_labeling_jobs_described') }}

),

objects as (

    select * from {{ ref('fct_dataset_object') }}

),

workers as (

    select * from {{ ref('fct_worker_job') }}

),

object_totals as (

    select
        labeling_job_name,
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
        count(*) filter (where worker_id != {{ unknown_worker() }} and submitted_task_count > 0) as worker_count,
        cast(sum(submitted_task_count) as bigint) as submitted_task_count,
        min(first_answer_at) as first_answer_at,
        max(last_answer_at) as last_answer_at
    from workers
    group by labeling_job_name

)

select
    jobs.labeling_job_name,
    jobs.task_type,
    jobs.label_attribute_name,
    coalesce(object_totals.dataset_object_count, 0) as dataset_object_count,
    coalesce(object_totals.labeled_object_count, 0) as labeled_object_count,
    coalesce(object_totals.failed_object_count, 0) as failed_object_count,
    coalesce(worker_totals.answer_count, 0) as answer_count,
    coalesce(worker_totals.worker_count, 0) as worker_count,
    worker_totals.first_answer_at,
    worker_totals.last_answer_at,
    coalesce(worker_totals.submitted_task_count, 0) as submitted_task_count,
    coalesce(jobs.workteam_name, jobs.listing_workteam_name) as workteam_name,
    jobs.status,
    jobs.modality,
    jobs.batch_name,
    jobs.level,
    jobs.price_per_task_usd,
    jobs.workers_per_object_count,
    jobs.total_labeled_count,
    jobs.human_labeled_count,
    jobs.machine_labeled_count,
    jobs.failed_count,
    jobs.unlabeled_count,
    jobs.created_at,
    jobs.last_modified_at,
    jobs.account_id,
    jobs.aws_region
from jobs
left join object_totals on jobs.labeling_job_name = object_totals.labeling_job_name
left join worker_totals on jobs.labeling_job_name = worker_totals.labeling_job_name
order by jobs.labeling_job_name
