with jobs as (

    select * from {{ ref('stg_labeling_jobs__labeling_jobs') }}

),

states as (

    select * from {{ ref('stg_labeling_job_states__labeling_job_states') }}

),

listings as (

    select * from {{ ref('stg_workteams__workteam_jobs') }}

),

manifests as (

    select * from {{ ref('int_labeling_job_manifests') }}

),

tasks as (

    select * from {{ ref('int_log_tasks') }}

),

answers as (

    select * from {{ ref('stg_labeling_output__worker_responses') }}

),

labels as (

    select * from {{ ref('int_label_counts') }}

),

newest as (

    select
        *,
        row_number() over (
            partition by labeling_job_name
            order by last_modified_at desc nulls last, event_at desc, described_uri desc
        ) as age_rank
    from jobs

),

newest_states as (

    select
        *,
        row_number() over (partition by labeling_job_name order by changed_at desc, event_id desc) as age_rank
    from states

),

newest_listings as (

    select
        *,
        row_number() over (partition by labeling_job_name order by event_at desc, listing_id desc) as age_rank
    from listings

),

logged as (

    select
        labeling_job_name,
        max(workteam_name) as workteam_name,
        max(account_id) as account_id,
        max(aws_region) as aws_region
    from tasks
    group by labeling_job_name

),

answered as (

    select
        labeling_job_name,
        min(crowd_element) as crowd_element
    from answers
    group by labeling_job_name

),

names as (

    select labeling_job_name from jobs
    union distinct
    select labeling_job_name from states
    where labeling_job_name is not null
    union distinct
    select labeling_job_name from listings
    where labeling_job_name is not null
    union distinct
    select labeling_job_name from manifests
    union distinct
    select labeling_job_name from logged
    union distinct
    select labeling_job_name from answered
    union distinct
    select labeling_job_name from labels

)

select
    names.labeling_job_name,
    coalesce(newest.account_id, newest_states.account_id, logged.account_id, newest_listings.account_id) as account_id,
    coalesce(newest.aws_region, newest_states.aws_region, logged.aws_region, newest_listings.aws_region) as aws_region,
    coalesce(newest.workteam_name, logged.workteam_name) as workteam_name,
    newest_listings.workteam_name as listing_workteam_name,
    newest.workforce_type,
    case
        when newest.last_modified_at >= newest_states.changed_at then newest.status
        else coalesce(newest_states.status, newest.status)
    end as status,
    coalesce(manifests.task_type, lower(newest.task_type)) as task_type,
    coalesce(manifests.label_attribute_name, newest.label_attribute_name) as label_attribute_name,
    {{ modality('coalesce(newest.task_type, manifests.task_type)', 'answered.crowd_element') }} as modality,
    {{ job_name_says('batch', 'names.labeling_job_name') }} as batch_name,
    {{ job_name_says('level', 'names.labeling_job_name') }} as level,
    newest.price_per_task_usd,
    coalesce(newest.workers_per_object_count, newest_listings.workers_per_object_count) as workers_per_object_count,
    newest.task_time_limit_seconds,
    newest.total_labeled_count,
    coalesce(newest.human_labeled_count, newest_listings.human_labeled_count) as human_labeled_count,
    newest.machine_labeled_count,
    newest.failed_count,
    newest.unlabeled_count,
    coalesce(newest.created_at, newest_listings.created_at) as created_at,
    newest.last_modified_at
from names
left join newest on names.labeling_job_name = newest.labeling_job_name and newest.age_rank = 1
left join newest_states on names.labeling_job_name = newest_states.labeling_job_name and newest_states.age_rank = 1
left join newest_listings
    on names.labeling_job_name = newest_listings.labeling_job_name and newest_listings.age_rank = 1
left join manifests on names.labeling_job_name = manifests.labeling_job_name
left join logged on names.labeling_job_name = logged.labeling_job_name
left join answered on names.labeling_job_name = answered.labeling_job_name
