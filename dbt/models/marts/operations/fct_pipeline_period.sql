with metrics as (

    select
        *,
        {{ map_value('dimensions', "'PipelineName'") }} as pipeline_name,
        {{ map_value('dimensions', "'StepName'") }} as step_name,
        replace(replace(metric_name, 'Execution', ''), 'Step', '') as what,
        {{ milliseconds('metric_value', "coalesce(unit, 'milliseconds')") }} / 1000 as metric_seconds
    from {{ ref('fct_metric_period') }}
    where
        metric_group = 'pipeline'
        and (metric_name like 'Execution%' or metric_name like 'Step%')

),

renamed as (

    select
        account_id,
        aws_region,
        case
            when step_name is not null then 'step'
            when pipeline_name is not null then 'pipeline'
            else 'account'
        end as scope,
        pipeline_name,
        step_name,
        what as metric_name,
        statistic,
        period_seconds,
        period_at,
        event_date,
        metric_value,
        metric_seconds
    from metrics

)

select
    {{ resource_id('scope', 'pipeline_name', 'step_name') }} as pipeline_scope_id,
    account_id,
    aws_region,
    scope,
    pipeline_name,
    step_name,
    period_seconds,
    period_at,
    event_date,
    {{ whole(statistic_of('Started', 'Sum')) }} as started_count,
    {{ whole(statistic_of('Succeeded', 'Sum')) }} as succeeded_count,
    {{ whole(statistic_of('Failed', 'Sum')) }} as failed_count,
    {{ whole(statistic_of('Stopped', 'Sum')) }} as stopped_count,
    {{ mean_of('Duration', 'metric_seconds') }} as mean_duration_seconds
from renamed
group by account_id, aws_region, scope, pipeline_name, step_name, period_seconds, period_at, event_date
order by event_date, pipeline_scope_id, period_at, period_seconds
