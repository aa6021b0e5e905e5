with metric_points as (

    select * from {{ ref('int_run_metric_points') }}

),

run_metrics as (

    select * from {{ ref('int_run_metrics') }}

),

points as (

    select * from {{ ref('stg_cloudtrail__training_metrics') }}

),

repeated as (

    select
        run_metric_number,
        cast(sum(copy_count) as bigint) as point_count,
        sum(metric_value * copy_count) / nullif(sum(copy_count) filter (where metric_value is not null), 0)
            as average_value,
        avg(metric_value) as average_value_once
    from metric_points
    group by run_metric_number
    having max(copy_count) > 1

),

named as (

    select
        repeated.*,
        run_metrics.run_id,
        run_metrics.metric_name
    from repeated
    inner join run_metrics on repeated.run_metric_number = run_metrics.run_metric_number

),

numbered as (

    select
        points.run_id,
        points.metric_name,
        points.step,
        points.principal_arn,
        points.source_network,
        points.user_agent,
        points.event_at,
        row_number() over (
            partition by
                points.run_id,
                points.metric_name,
                points.step,
                points.metric_at,
                points.metric_value,
                points.value_flag
            order by points.event_at, points.event_id, points.point_index
        ) as copy_number
    from points
    inner join named
        on
            points.run_id = named.run_id
            and points.metric_name = named.metric_name

),

copies as (

    select
        run_id,
        metric_name,
        count(*) as extra_count,
        min(event_at) as first_event_at,
        max(event_at) as last_event_at,
        {{ the_only('step') }} as step,
        {{ the_only('principal_arn') }} as principal_arn,
        {{ the_only('source_network') }} as source_network,
        {{ the_only('user_agent') }} as user_agent
    from numbered
    where copy_number > 1
    group by run_id, metric_name

)

select
    copies.run_id,
    copies.metric_name,
    copies.principal_arn,
    copies.source_network,
    copies.user_agent,
    copies.first_event_at,
    copies.last_event_at,
    copies.step,
    named.point_count,
    copies.extra_count,
    {{ finite('named.average_value') }} as average_value,
    {{ finite('named.average_value_once') }} as average_value_once
from copies
inner join named
    on
        copies.run_id = named.run_id
        and copies.metric_name = named.metric_name
