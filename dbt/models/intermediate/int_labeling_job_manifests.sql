with entries as (

    select * from {{ ref('stg_labeling_output__manifest_entries') }}

),

answered_jobs as (

    select distinct labeling_job_name from {{ ref('stg_labeling_output__worker_responses') }}

),

candidates as (

    select
        labeling_job_name,
        manifest_uri,
        label_attribute_name,
        manifest_labeling_job_name = labeling_job_name as is_own_manifest,
        max(task_type) as task_type,
        max(labeled_at) as last_labeled_at,
        count(*) as entry_count
    from entries
    group by labeling_job_name, manifest_uri, label_attribute_name, manifest_labeling_job_name

),

ranked as (

    select
        *,
        row_number() over (
            partition by labeling_job_name
            order by
                is_own_manifest desc,
                last_labeled_at desc nulls last,
                entry_count desc,
                manifest_uri asc,
                label_attribute_name asc
        ) as candidate_rank
    from candidates

),

chosen as (

    select
        ranked.labeling_job_name,
        ranked.manifest_uri,
        ranked.label_attribute_name,
        ranked.is_own_manifest,
        ranked.task_type
    from ranked
    left join answered_jobs on ranked.labeling_job_name = answered_jobs.labeling_job_name
    where
        ranked.candidate_rank = 1
        -- a later job's manifest numbers its own lines: they say nothing about the objects of this job's answers
        and (ranked.is_own_manifest or answered_jobs.labeling_job_name is null)

)

select * from chosen
