with annotations as (

    select
        labeling_job_name,
        dataset_object_id,
        count(*) as annotation_count
    from {{ ref('int_consolidated_annotations') }}
    group by labeling_job_name, dataset_object_id

),

-- the sensors of a frame see the same moment
frames as (

    select
        labeling_job_name,
        dataset_object_id,
        count(distinct coalesce(frame_number, -1)) as frame_count
    from {{ ref('int_consolidated_frames') }}
    group by labeling_job_name, dataset_object_id

)

select
    coalesce(annotations.labeling_job_name, frames.labeling_job_name) as labeling_job_name,
    coalesce(annotations.dataset_object_id, frames.dataset_object_id) as dataset_object_id,
    coalesce(annotations.annotation_count, 0) as annotation_count,
    coalesce(frames.frame_count, 0) as frame_count
from annotations
full outer join frames
    on
        annotations.labeling_job_name = frames.labeling_job_name
        and annotations.dataset_object_id = frames.dataset_object_id
