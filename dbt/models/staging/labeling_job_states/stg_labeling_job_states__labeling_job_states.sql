with source as (

    select * from {{ source('raw', 'labeling_job_states') }}

),

renamed as (

    select
        event_id,
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        account_id,
        aws_region,
        status,
        coalesce(changed_at, event_at) as changed_at
    from source

)

select * from renamed
