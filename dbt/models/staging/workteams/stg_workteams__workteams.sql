with source as (

    select * from {{ source('raw', 'workteams') }}

),

renamed as (

    select
        unit_uri as described_uri,
        workteam_name,
        workteam_arn,
        workforce_type,
        account_id,
        aws_region,
        created_at,
        event_at
    from source

)

select * from renamed
