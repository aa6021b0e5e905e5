with labeled as (

    select * from {{ ref('int_labeled_objects') }}

),

manifests as (

    select * from {{ ref('int_labeling_job_manifests') }}

),

responses as (

    select * from {{ ref('int_worker_responses_compared') }}

),

lineage as (

    select * from {{ ref('int_label_lineage') }}

),

label_counts as (

    select * from {{ ref('int_label_counts') }}

),

answers_by_label as (

    select
        labeling_job_name,
        dataset_object_id,
        label,
        count(*) as answer_count,
        count(*) filter (where agrees_with_consolidated) as agreeing_answer_count
    from responses
    group by labeling_job_name, dataset_object_id, label

),

-- the files of a job's labels may come before the lines of its manifest that name them
known as (

    select
        labeling_job_name,
        dataset_object_id
    from answers_by_label
    union distinct
    select
        labeling_job_name,
        dataset_object_id
    from label_counts

),

answered as (

    select
        labeling_job_name,
        dataset_object_id,
        sum(answer_count) as answer_count,
        sum(agreeing_answer_count) as agreeing_answer_count
    from answers_by_label
    group by labeling_job_name, dataset_object_id

),

ranked_labels as (

    select
        labeling_job_name,
        dataset_object_id,
        label,
        rank() over (partition by labeling_job_name, dataset_object_id order by answer_count desc) as label_rank
    from answers_by_label
    where label is not null

),

-- two labels at the top are a tie: nobody won
pluralities as (

    select
        labeling_job_name,
        dataset_object_id,
        min(label) as own_label
    from ranked_labels
    where label_rank = 1
    group by labeling_job_name, dataset_object_id
    having count(*) = 1

),

objects as (

    select
        coalesce(labeled.labeling_job_name, known.labeling_job_name) as labeling_job_name,
        coalesce(labeled.dataset_object_id, known.dataset_object_id) as dataset_object_id,
        labeled.source_ref,
        labeled.label_attribute_name,
        labeled.label as consolidated_label,
        labeled.confidence_ratio,
        labeled.is_human_annotated,
        labeled.is_adjusted,
        coalesce(labeled.is_failed, false) as is_failed,
        labeled.failure_reason,
        labeled.labeled_at,
        labeled.class_map,
        labeled.label_ref
    from labeled
    full outer join known
        on
            labeled.labeling_job_name = known.labeling_job_name
            and labeled.dataset_object_id = known.dataset_object_id

)

select
    objects.labeling_job_name,
    objects.dataset_object_id,
    objects.source_ref,
    objects.label_attribute_name,
    manifests.task_type,
    objects.consolidated_label,
    pluralities.own_label,
    objects.confidence_ratio,
    objects.is_human_annotated,
    objects.is_adjusted,
    objects.is_failed,
    objects.failure_reason,
    objects.labeled_at,
    {{ reporting_date('objects.labeled_at') }} as labeled_date,
    cast(coalesce(answered.answer_count, 0) as bigint) as answer_count,
    cast(coalesce(answered.agreeing_answer_count, 0) as bigint) as agreeing_answer_count,
    lineage.labeled_by_job_name,
    lineage.adjusted_by_job_name,
    lineage.adjusted_at,
    lineage.verified_by_job_name,
    lineage.verification_result,
    lineage.verified_at,
    coalesce(lineage.is_current, true) as is_current,
    coalesce(label_counts.annotation_count, 0) as annotation_count,
    coalesce(label_counts.frame_count, 0) as frame_count,
    objects.class_map,
    objects.label_ref
from objects
left join answered
    on
        objects.labeling_job_name = answered.labeling_job_name
        and objects.dataset_object_id = answered.dataset_object_id
left join lineage
    on
        objects.labeling_job_name = lineage.labeling_job_name
        and objects.dataset_object_id = lineage.dataset_object_id
left join label_counts
    on
        objects.labeling_job_name = label_counts.labeling_job_name
        and objects.dataset_object_id = label_counts.dataset_object_id
left join manifests on objects.labeling_job_name = manifests.labeling_job_name
left join pluralities
    on
        objects.labeling_job_name = pluralities.labeling_job_name
        and objects.dataset_object_id = pluralities.dataset_object_id
order by objects.labeling_job_name, objects.dataset_object_id
