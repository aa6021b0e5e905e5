with source as (

    select * from {{ source('raw', 'annotations') }}

),

renamed as (

    select
        {{ row_id() }} as annotation_id,
        unit_uri as annotation_uri,
        case
            when not is_consolidated and answer_folder is null
                then {{ id_of("unit_uri || '#' || " ~ record_number()) }}
        end as response_id,
        answer_folder,
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        dataset_object_id,
        label_attribute_name,
        is_consolidated,
        iteration_number,
        frame_number,
        sensor_name,
        geometry_type,
        class_id,
        {{ composed('category') }} as category,
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
        lower(mask_color) as mask_color,
        attributes,
        confidence_ratio,
        event_at
    from source

)

select * from renamed
