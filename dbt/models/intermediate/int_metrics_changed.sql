with metrics as (

    select * from {{ ref('stg_cloudwatch_metrics__cloudwatch_metrics') }}

),

changed_dates as (

    select * from {{ ref('int_changed_period_dates') }}

)

select metrics.*
from metrics
inner join changed_dates on metrics.event_date = changed_dates.event_date
