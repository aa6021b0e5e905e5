with frames as (

    select * from {{ ref('int_consolidated_frames') }}

),

lineage as (

    select * from {{ ref('int_label_lineage') }}

)

select
    frames.frame_id,
    frames.labeling_job_name,
    frames.label_attribute_name,
    frames.task_type,
    frames.dataset_object_id,
    frames.source_ref,
    frames.frame_number,
    frames.sensor_name,
    frames.frame_name,
    frames.attributes,
    frames.annotation_count,
    coalesce(lineage.is_current, true) as is_current,
    frames.labeled_at,
    {{ reporting_date('frames.labeled_at') }} as labeled_date
from frames
left join lineage
    on
        frames.labeling_job_name = lineage.labeling_job_name
        and frames.dataset_object_id = lineage.dataset_object_id
order by frames.labeling_job_name, frames.dataset_object_id, frames.frame_number, frames.frame_id
