with metrics as (

    select
        *,
        {{ milliseconds('metric_value', 'unit') }} as metric_ms
    from {{ ref('fct_metric_period') }}

),

endpoints as (

    select * from metrics
    where
        resource_name = {{ map_value('dimensions', "'EndpointName'") }}
        and variant_name is not null
        and metric_name in (
            'Invocations', 'ModelLatency', 'OverheadLatency', 'Invocation4XXErrors', 'Invocation5XXErrors',
            'InvocationModelErrors', 'ModelCacheHit'
        )

),

-- Inference Recommender tells of an endpoint and no variant
clients as (

    select
        account_id,
        aws_region,
        {{ map_value('dimensions', "'EndpointName'") }} as endpoint_name,
        variant_name,
        period_seconds,
        period_at,
        {{ mean_of('ClientLatency', 'metric_ms') }} as client_latency_ms
    from metrics
    where metric_name = 'ClientLatency' and {{ map_value('dimensions', "'EndpointName'") }} is not null
    group by account_id, aws_region, endpoint_name, variant_name, period_seconds, period_at

),

variants as (

    select
        account_id,
        aws_region,
        resource_name as endpoint_name,
        variant_name,
        period_seconds,
        period_at,
        event_date,
        {{ whole(statistic_of('Invocations', 'Sum')) }} as invocation_count,
        {{ mean_of('ModelLatency', 'metric_ms') }} as model_latency_ms,
        {{ statistic_of('ModelLatency', 'Maximum', 'metric_ms') }} as max_model_latency_ms,
        {{ mean_of('OverheadLatency', 'metric_ms') }} as overhead_latency_ms,
        {{ error_ratio('Invocation4XXErrors') }} as error_4xx_ratio,
        {{ error_ratio('Invocation5XXErrors') }} as error_5xx_ratio,
        {{ error_ratio('InvocationModelErrors') }} as model_error_ratio,
        {{ mean_of('ModelCacheHit') }} as hit_ratio,
        {{ whole(statistic_of('ModelCacheHit', 'SampleCount')) }} as cache_lookup_count
    from endpoints
    group by account_id, aws_region, resource_name, variant_name, period_seconds, period_at, event_date

),

counted as (

    select
        *,
        count(*) over (
            partition by account_id, aws_region, endpoint_name, period_seconds, period_at
        ) as variant_count
    from variants

),

with_client as (

    select
        counted.*,
        clients.client_latency_ms
    from counted
    left join clients
        on
            counted.account_id is not distinct from clients.account_id
            and counted.aws_region is not distinct from clients.aws_region
            and counted.endpoint_name = clients.endpoint_name
            and counted.period_seconds = clients.period_seconds
            and counted.period_at = clients.period_at
            -- that of the whole endpoint is a variant's only where it has no other
            and (
                counted.variant_name = clients.variant_name
                or (clients.variant_name is null and counted.variant_count = 1)
            )
    qualify row_number() over (
        partition by
            counted.account_id,
            counted.aws_region,
            counted.endpoint_name,
            counted.variant_name,
            counted.period_seconds,
            counted.period_at
        order by clients.variant_name nulls last
    ) = 1

)

select
    {{ resource_id('endpoint_name', 'variant_name') }} as endpoint_variant_id,
    account_id,
    aws_region,
    endpoint_name,
    variant_name,
    period_seconds,
    period_at,
    event_date,
    invocation_count,
    model_latency_ms,
    max_model_latency_ms,
    overhead_latency_ms,
    client_latency_ms,
    client_latency_ms - model_latency_ms - overhead_latency_ms as network_latency_ms,
    error_4xx_ratio,
    error_5xx_ratio,
    model_error_ratio,
    hit_ratio,
    cache_lookup_count
from with_client
order by event_date, endpoint_variant_id, period_at, period_seconds
