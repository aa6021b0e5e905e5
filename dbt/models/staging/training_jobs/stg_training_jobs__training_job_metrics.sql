with source as (

    select * from {{ source('raw', 'training_job_metrics') }}

),

renamed as (

    select
        {{ row_id() }} as final_metric_id,
        unit_uri as described_uri,
        metric_name,
        metric_value,
        value_flag,
        metric_at
    from source

)

select * from renamed
