with source as (

    select * from {{ source('raw', 'workteam_jobs') }}

),

renamed as (

    select
        {{ row_id() }} as listing_id,
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        workteam_name,
        account_id,
        aws_region,
        created_at,
        human_labeled_count,
        workers_per_object_count,
        event_at
    from source

)

select * from renamed
