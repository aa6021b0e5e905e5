with source as (

    select * from {{ source('raw', 'mask_areas') }}

),

renamed as (

    select
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        dataset_object_id,
        lower(mask_color) as mask_color,
        class_id,
        area_count,
        total_count
    from source

)

select * from renamed
