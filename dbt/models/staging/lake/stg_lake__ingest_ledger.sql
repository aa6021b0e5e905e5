with source as (

    select * from {{ source('raw', 'ingest_ledger') }}

),

renamed as (

    select
        source_name,
        unit_uri,
        unit_version,
        loaded_at,
        unit_at
    from source
    where duplicate_of is null

)

select * from renamed
