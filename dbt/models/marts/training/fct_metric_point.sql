with points as (

    select * from {{ ref('int_training_points') }}

),

metric_names as (

    select * from {{ ref('int_training_metric_names') }}

),

changed_dates as (

    select * from {{ ref('int_changed_metric_dates') }}

)

select
    points.event_id,
    points.point_index,
    points.run_id,
    points.run_name,
    points.account_id,
    points.aws_region,
    points.resource_type,
    points.metric_name,
    metric_names.dataset_split,
    metric_names.metric_base_name,
    points.step,
    points.metric_value,
    points.value_flag,
    points.metric_at,
    points.event_at,
    points.event_date,
    points.time_flag,
    points.principal_arn,
    points.principal_type,
    points.source_network,
    points.user_agent,
    points.metric_source
from points
inner join changed_dates on points.event_date = changed_dates.event_date
inner join metric_names on points.metric_name = metric_names.metric_name
order by points.event_at, points.event_id, points.point_index
