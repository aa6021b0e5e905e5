with labels as (

    select * from {{ ref('int_labeled_objects') }}

),

entries as (

    select * from {{ ref('stg_labeling_output__manifest_entries') }}

),

jobs as (

    select * from {{ ref('int_labeling_jobs_described') }}

),

-- an object that a manifest holds twice is told apart by which of its lines it is
objects as (

    select
        labels.labeling_job_name,
        labels.dataset_object_id,
        labels.manifest_uri,
        labels.manifest_line,
        labels.is_own_manifest,
        labels.source_key,
        labels.task_type,
        labels.label,
        labels.is_adjusted,
        labels.is_failed,
        labels.labeled_at,
        coalesce(labels.task_type = 'groundtruth/label-verification', false) as is_verification,
        labels.is_adjusted is not null or coalesce(jobs.level in ('second', 'audit'), false) as is_adjustment,
        row_number() over (
            partition by labels.labeling_job_name, labels.source_key
            order by length(labels.manifest_line), labels.manifest_line
        ) as occurrence
    from labels
    left join jobs on labels.labeling_job_name = jobs.labeling_job_name

),

reviews as (

    select * from objects
    where not is_failed and (is_adjustment or is_verification)

),

-- what a review had before it: the labels of other jobs on its own line
on_its_line as (

    select
        reviews.labeling_job_name as review_job_name,
        reviews.dataset_object_id as review_object_id,
        reviews.is_verification,
        objects.labeling_job_name,
        objects.dataset_object_id,
        objects.labeled_at
    from reviews
    inner join entries
        on
            reviews.manifest_uri = entries.manifest_uri
            and reviews.manifest_line = entries.manifest_line
            and reviews.labeling_job_name != entries.labeling_job_name
    inner join objects
        on
            entries.labeling_job_name = objects.labeling_job_name
            and reviews.source_key = objects.source_key
            and reviews.occurrence = objects.occurrence
    where
        not entries.is_failed
        and not objects.is_failed
        and coalesce(entries.labeled_at <= reviews.labeled_at, reviews.is_own_manifest)
        and case
            when reviews.is_verification then not objects.is_verification
            else entries.task_type = reviews.task_type
        end

),

-- an adjustment that writes under the name of what it adjusts leaves nothing of it on its line
elsewhere as (

    select
        reviews.labeling_job_name as review_job_name,
        reviews.dataset_object_id as review_object_id,
        reviews.is_verification,
        objects.labeling_job_name,
        objects.dataset_object_id,
        objects.labeled_at
    from reviews
    left join on_its_line
        on
            reviews.labeling_job_name = on_its_line.review_job_name
            and reviews.dataset_object_id = on_its_line.review_object_id
    inner join objects
        on
            reviews.source_key = objects.source_key
            and reviews.occurrence = objects.occurrence
            and reviews.task_type = objects.task_type
            and reviews.labeling_job_name != objects.labeling_job_name
            and reviews.labeled_at > objects.labeled_at
    where
        reviews.is_adjusted is not null
        and not reviews.is_verification
        and not objects.is_failed
        and on_its_line.review_job_name is null

),

newest_elsewhere as (

    select
        *,
        row_number() over (
            partition by review_job_name, review_object_id
            order by labeled_at desc, labeling_job_name asc
        ) as age_rank
    from elsewhere

),

-- a verification says whether the newest label before it is good, an adjustment replaces all of its kind
reviewed as (

    select distinct
        *,
        dense_rank() over (
            partition by review_job_name, review_object_id
            order by labeled_at desc nulls last, labeling_job_name asc
        ) as age_rank
    from on_its_line

),

found as (

    select * from reviewed
    where not is_verification or age_rank = 1
    union all
    select * from newest_elsewhere
    where age_rank = 1

)

select
    found.labeling_job_name,
    found.dataset_object_id,
    found.labeled_at,
    found.review_job_name,
    found.review_object_id,
    found.is_verification,
    case when found.is_verification then lower(reviews.label) end as verification_result,
    reviews.labeled_at as reviewed_at
from found
inner join reviews
    on
        found.review_job_name = reviews.labeling_job_name
        and found.review_object_id = reviews.dataset_object_id
