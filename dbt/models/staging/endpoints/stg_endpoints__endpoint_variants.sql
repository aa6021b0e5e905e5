with source as (

    select * from {{ source('raw', 'endpoint_variants') }}

),

renamed as (

    select
        unit_uri,
        position,
        loaded_at,
        endpoint_name,
        variant_name,
        account_id,
        aws_region,
        instance_type,
        instance_count,
        {{ utc_day('event_at') }} as described_day_at
    from source

)

select * from renamed
