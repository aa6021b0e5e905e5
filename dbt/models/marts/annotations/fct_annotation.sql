with annotations as (

    select * from {{ ref('int_consolidated_annotations') }}

),

lineage as (

    select * from {{ ref('int_label_lineage') }}

),

mask_areas as (

    select * from {{ ref('stg_labeling_output__mask_areas') }}

),

areas as (

    select
        labeling_job_name,
        dataset_object_id,
        coalesce(mask_color, class_id) as area_key,
        cast(sum(area_count) as bigint) as area_count
    from mask_areas
    group by labeling_job_name, dataset_object_id, coalesce(mask_color, class_id)

),

-- the whole of a file is on each of its rows
totals as (

    select
        labeling_job_name,
        dataset_object_id,
        max(total_count) as total_count
    from mask_areas
    group by labeling_job_name, dataset_object_id

),

described as (

    select
        annotations.annotation_id,
        annotations.labeling_job_name,
        annotations.label_attribute_name,
        annotations.task_type,
        annotations.dataset_object_id,
        annotations.source_ref,
        annotations.frame_number,
        annotations.sensor_name,
        annotations.geometry_type,
        annotations.class_id,
        coalesce(
            annotations.category, {{ composed(map_value('annotations.class_map', 'annotations.class_id')) }}
        ) as category,
        annotations.object_id,
        annotations.object_name,
        annotations.left_px,
        annotations.top_px,
        annotations.width_px,
        annotations.height_px,
        annotations.points,
        annotations.center_x,
        annotations.center_y,
        annotations.center_z,
        annotations.cuboid_length,
        annotations.cuboid_width,
        annotations.cuboid_height,
        annotations.roll_radians,
        annotations.pitch_radians,
        annotations.yaw_radians as captured_yaw_radians,
        annotations.start_offset,
        annotations.end_offset,
        annotations.mask_ref,
        annotations.mask_color,
        annotations.attributes,
        coalesce(annotations.confidence_ratio, annotations.object_confidence_ratio) as confidence_ratio,
        annotations.is_human_annotated,
        annotations.is_adjusted,
        coalesce(annotations.labeled_at, annotations.event_at) as labeled_at,
        -- a later job's manifest numbers its own lines: they say nothing about the files of this job
        case
            when annotations.is_own_manifest and annotations.geometry_type = 'mask' then annotations.mask_color
            when annotations.is_own_manifest and annotations.geometry_type = 'point_class' then annotations.class_id
        end as area_key,
        case
            when annotations.is_own_manifest and annotations.geometry_type in ('mask', 'point_class')
                then annotations.dataset_object_id
        end as area_object_id
    from annotations

)

select
    described.annotation_id,
    described.labeling_job_name,
    described.label_attribute_name,
    described.task_type,
    described.dataset_object_id,
    described.source_ref,
    described.frame_number,
    described.sensor_name,
    described.geometry_type,
    described.class_id,
    described.category,
    described.object_id,
    described.object_name,
    described.left_px,
    described.top_px,
    described.width_px,
    described.height_px,
    described.points,
    described.center_x,
    described.center_y,
    described.center_z,
    described.cuboid_length,
    described.cuboid_width,
    described.cuboid_height,
    described.roll_radians,
    described.pitch_radians,
    {{ straightened_yaw('described.captured_yaw_radians', 'described.labeled_at') }} as yaw_radians,
    described.start_offset,
    described.end_offset,
    described.mask_ref,
    described.mask_color,
    -- of a file that was read, a class that is not in it has no part
    case when totals.total_count is not null then coalesce(areas.area_count, 0) end as area_count,
    case
        when totals.total_count > 0 then coalesce(areas.area_count, 0) / cast(totals.total_count as double)
    end as area_ratio,
    described.attributes,
    described.confidence_ratio,
    described.is_human_annotated,
    described.is_adjusted,
    coalesce(lineage.is_current, true) as is_current,
    described.labeled_at,
    {{ reporting_date('described.labeled_at') }} as labeled_date
from described
left join lineage
    on
        described.labeling_job_name = lineage.labeling_job_name
        and described.dataset_object_id = lineage.dataset_object_id
left join areas
    on
        described.labeling_job_name = areas.labeling_job_name
        and described.area_object_id = areas.dataset_object_id
        and described.area_key = areas.area_key
left join totals
    on
        described.labeling_job_name = totals.labeling_job_name
        and described.area_object_id = totals.dataset_object_id
order by
    described.labeling_job_name, described.dataset_object_id, described.frame_number, described.annotation_id
