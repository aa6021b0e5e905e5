with source as (

    select * from {{ source('raw', 'training_metrics') }}

),

renamed as (

    select
        event_id,
        point_index,
        {{ run_id(caseless('trial_component_name')) }} as run_id,
        {{ caseless('trial_component_name') }} as run_name,
        account_id,
        aws_region,
        resource_type,
        metric_name,
        step,
        metric_value,
        value_flag,
        metric_at,
        event_at,
        {{ reporting_date('event_at') }} as event_date,
        time_flag,
        principal_arn,
        principal_type,
        {{ writer_identity() }} as writer_id,
        source_network,
        user_agent
    from source

)

select * from renamed
