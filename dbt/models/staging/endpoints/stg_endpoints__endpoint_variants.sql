with source as (

    select * from {{ source('raw', 'endpoint_variants') }}

),

renamed as (

    select
        {{ row_id() }} as described_variant_id,
        endpoint_name,
        variant_name,
        account_id,
        aws_region,
        endpoint_config_name,
        status,
        model_name,
        instance_type,
        instance_count,
        is_serverless,
        created_at,
        last_modified_at,
        event_at
    from source

)

select * from renamed
