with source as (

    select * from {{ source('raw', 'labeling_jobs') }}

),

renamed as (

    select
        unit_uri as described_uri,
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        account_id,
        aws_region,
        status,
        workteam_name,
        workforce_type,
        label_attribute_name,
        task_type,
        price_per_task_usd,
        workers_per_object_count,
        task_time_limit_seconds,
        total_labeled_count,
        human_labeled_count,
        machine_labeled_count,
        failed_count,
        unlabeled_count,
        created_at,
        last_modified_at,
        event_at,
        -- every job makes a folder of its own there
        rtrim(output_uri, '/') || '/' || labeling_job_name || '/' as output_folder_uri
    from source

)

select * from renamed
