with source as (

    select * from {{ source('raw', 'training_log_metrics') }}

),

renamed as (

    select
        log_event_id,
        {{ caseless('training_job_name') }} as training_job_key,
        training_job_name,
        account_id,
        aws_region,
        -- where its log group is; saved logs say nothing of it
        coalesce(account_id, '') || '/' || coalesce(aws_region, '') as logged_place,
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
