with metrics as (

    select * from {{ ref('stg_cloudwatch_metrics__cloudwatch_metrics') }}

),

changed_dates as (

    select * from {{ ref('int_changed_period_dates') }}

)

select
    metrics.series_id,
    metrics.unit_uri,
    metrics.position,
    metrics.loaded_at,
    metrics.account_id,
    metrics.aws_region,
    metrics.namespace,
    metrics.metric_name,
    metrics.dimensions,
    metrics.series_key,
    metrics.statistic,
    metrics.period_seconds,
    metrics.period_at,
    metrics.event_date,
    metrics.metric_value,
    metrics.unit
from metrics
inner join changed_dates on metrics.event_date = changed_dates.event_date
