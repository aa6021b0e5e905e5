{#- Enough for the windows of drift checks, and no more than they need. -#}
{%- set days = 45 -%}
{%- set predictions_a_day = 200 -%}

with predictions as (

    select * from {{ ref('stg_model_predictions__model_predictions') }}

),

newest_dates as (

    select
        endpoint_name,
        {{ dbt.dateadd('day', -days, 'max(event_date)') }} as since_date
    from predictions
    group by endpoint_name

),

-- the id is a hash: its order is that of no clock and no caller, and the same in every build
recent as (

    select
        predictions.*,
        row_number() over (
            partition by predictions.endpoint_name, predictions.variant_name, predictions.event_date
            order by predictions.prediction_id
        ) as sample_rank
    from predictions
    inner join newest_dates on predictions.endpoint_name = newest_dates.endpoint_name
    where predictions.event_date > newest_dates.since_date

),

sampled as (

    select * from recent
    where sample_rank <= {{ predictions_a_day }}

),

features as (

    {{ prediction_features('sampled') }}

),

ranked as (

    select
        *,
        dense_rank() over (
            partition by endpoint_name, variant_name, feature_kind
            order by length(feature_name), feature_name
        ) as feature_rank
    from features

)

select
    prediction_id,
    endpoint_name,
    variant_name,
    event_at,
    event_date,
    feature_kind,
    feature_name,
    feature_value,
    category
from ranked
where feature_rank <= {{ most_inputs() }}
order by event_at, prediction_id, feature_kind, feature_name
