with frames as (

    select * from {{ ref('stg_labeling_output__frames') }}
    where is_consolidated

),

objects as (

    select * from {{ ref('int_labeled_objects') }}
    where is_own_manifest

)

-- the manifest may not have come yet: its sequences are labelled all the same
select
    frames.frame_id,
    frames.labeling_job_name,
    objects.label_attribute_name,
    objects.task_type,
    frames.dataset_object_id,
    objects.source_ref,
    frames.frame_number,
    frames.sensor_name,
    frames.frame_name,
    frames.attributes,
    cast(frames.annotation_count as bigint) as annotation_count,
    coalesce(objects.labeled_at, frames.event_at) as labeled_at
from frames
left join objects
    on
        frames.labeling_job_name = objects.labeling_job_name
        and frames.dataset_object_id = objects.dataset_object_id
where not coalesce(objects.is_failed, false)
