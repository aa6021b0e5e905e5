with source as (

    select * from {{ source('raw', 'frames') }}

),

renamed as (

    select
        {{ row_id() }} as frame_id,
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        dataset_object_id,
        is_consolidated,
        frame_number,
        sensor_name,
        frame_name,
        attributes,
        annotation_count,
        event_at
    from source

)

select * from renamed
