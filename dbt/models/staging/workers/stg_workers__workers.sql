with source as (

    select * from {{ source('raw', 'workers') }}

),

renamed as (

    select
        {{ row_id() }} as listing_id,
        worker_pseudonym,
        user_pool_id,
        identity_provider,
        user_status,
        is_enabled,
        created_at,
        event_at
    from source

)

select * from renamed
