with annotations as (

    select * from {{ ref('stg_labeling_output__annotations') }}
    where is_consolidated

),

objects as (

    select * from {{ ref('int_labeled_objects') }}

),

-- of a line that several jobs labelled, the manifest that was chosen for each job counts
on_manifests as (

    select
        annotations.*,
        objects.label_attribute_name as object_label_attribute_name,
        objects.source_ref,
        objects.task_type,
        objects.class_map,
        objects.is_own_manifest,
        objects.confidence_ratio as object_confidence_ratio,
        objects.is_human_annotated,
        objects.is_adjusted,
        objects.labeled_at
    from annotations
    inner join objects
        on
            annotations.labeling_job_name = objects.labeling_job_name
            and annotations.dataset_object_id = objects.dataset_object_id
            and annotations.annotation_uri = objects.manifest_uri
            and annotations.label_attribute_name = objects.label_attribute_name
    where not objects.is_failed

),

own_objects as (

    select * from objects
    where is_own_manifest

),

-- of which label attribute a file beside the manifest is, the manifest says; it may not have come yet
beside_manifests as (

    select
        annotations.*,
        own_objects.label_attribute_name as object_label_attribute_name,
        own_objects.source_ref,
        own_objects.task_type,
        own_objects.class_map,
        true as is_own_manifest,
        own_objects.confidence_ratio as object_confidence_ratio,
        own_objects.is_human_annotated,
        own_objects.is_adjusted,
        own_objects.labeled_at
    from annotations
    left join own_objects
        on
            annotations.labeling_job_name = own_objects.labeling_job_name
            and annotations.dataset_object_id = own_objects.dataset_object_id
    where annotations.label_attribute_name is null and not coalesce(own_objects.is_failed, false)

),

consolidated as (

    select * from on_manifests
    union all
    select * from beside_manifests

)

select
    annotation_id,
    labeling_job_name,
    dataset_object_id,
    frame_number,
    sensor_name,
    geometry_type,
    class_id,
    category,
    object_id,
    object_name,
    left_px,
    top_px,
    width_px,
    height_px,
    points,
    center_x,
    center_y,
    center_z,
    cuboid_length,
    cuboid_width,
    cuboid_height,
    roll_radians,
    pitch_radians,
    yaw_radians,
    start_offset,
    end_offset,
    mask_ref,
    mask_color,
    attributes,
    confidence_ratio,
    event_at,
    object_label_attribute_name as label_attribute_name,
    source_ref,
    task_type,
    class_map,
    is_own_manifest,
    object_confidence_ratio,
    is_human_annotated,
    is_adjusted,
    labeled_at
from consolidated
