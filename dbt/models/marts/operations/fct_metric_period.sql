with metrics as (

    select * from {{ ref('int_metrics_changed') }}

),

known_metrics as (

    select
        lower(namespace) as namespace,
        metric_name,
        metric_group,
        nullif(lower(unit), 'none') as unit
    from {{ ref('cloudwatch_metric_catalog') }}

),

finest as (

    {{ finest_periods('metrics') }}

),

named as (

    select
        finest.*,
        known_metrics.metric_group as known_group,
        coalesce(finest.unit, known_metrics.unit) as known_unit,
        known_metrics.metric_name is not null as is_catalogued,
        split_part({{ map_value('finest.dimensions', "'Host'") }}, '/', 1) as host_job,
        nullif(split_part({{ map_value('finest.dimensions', "'Host'") }}, '/', 2), '') as host_name,
        {{ map_value('finest.dimensions', "'InferenceComponentName'") }} as component_name
    from finest
    left join known_metrics
        on lower(finest.namespace) = known_metrics.namespace and finest.metric_name = known_metrics.metric_name

)

select
    series_id,
    account_id,
    aws_region,
    namespace,
    metric_name,
    case
        when component_name is not null then 'inference component'
        when known_group is not null then known_group
        else {{ group_of_namespace('namespace') }}
    end as metric_group,
    coalesce(
        component_name,
        {%- for name in [
            'EndpointName', 'LabelingJobName', 'Workteam', 'LabelingJob', 'PipelineName', 'FeatureGroupName',
            'TrainingJobName', 'ProcessingJobName', 'TransformJobName', 'JobName',
        ] %}
        {{ map_value('dimensions', "'" ~ name ~ "'") }},
        {%- endfor %}
        host_job
    ) as resource_name,
    {{ map_value('dimensions', "'VariantName'") }} as variant_name,
    host_name,
    dimensions,
    series_key,
    statistic,
    period_seconds,
    period_at,
    event_date,
    metric_value,
    known_unit as unit,
    is_catalogued
from named
order by event_date, series_id, statistic, period_at, period_seconds
