with source as (

    select * from {{ source('raw', 'cloudwatch_metrics') }}

),

renamed as (

    select
        {{ series_id() }} as series_id,
        unit_uri,
        position,
        loaded_at,
        account_id,
        aws_region,
        namespace,
        metric_name,
        dimensions,
        series_key,
        case lower(statistic)
            when 'min' then 'Minimum'
            when 'max' then 'Maximum'
            when 'avg' then 'Average'
            when 'mean' then 'Average'
            when 'minimum' then 'Minimum'
            when 'maximum' then 'Maximum'
            when 'average' then 'Average'
            when 'sum' then 'Sum'
            when 'samplecount' then 'SampleCount'
            else statistic
        end as statistic,
        period_seconds,
        period_at,
        {{ reporting_date('period_at') }} as event_date,
        metric_value,
        nullif(lower(unit), 'none') as unit
    from source

)

select * from renamed
