with source as (

    select * from {{ source('raw', 'training_log_metrics') }}

),

renamed as (

    select
        log_event_id,
        {{ caseless('training_job_name') }} as training_job_key,
        training_job_name,
        case when unit_uri like 'logs://%' then split_part(unit_uri, '/', 3) end as aws_region,
        log_stream_name,
        host_name,
        metric_name,
        metric_value,
        value_flag,
        step,
        step_name,
        coalesce(metric_at, event_at) as metric_at,
        definition,
        event_at,
        {{ reporting_date('event_at') }} as event_date
    from source

)

select * from renamed
