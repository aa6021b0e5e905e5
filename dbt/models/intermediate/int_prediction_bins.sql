with predictions as (

    select * from {{ ref('stg_model_predictions__model_predictions') }}

),

first_dates as (

    select
        endpoint_name,
        min(event_date) as event_date
    from predictions
    group by endpoint_name

),

baseline as (

    select predictions.*
    from predictions
    inner join first_dates
        on
            predictions.endpoint_name = first_dates.endpoint_name
            and predictions.event_date = first_dates.event_date

),

features as (

    {{ prediction_features('baseline') }}

),

spreads as (

    select
        endpoint_name,
        feature_kind,
        feature_name,
        {{ quantile('feature_value', 0.01) }} as low_value,
        {{ quantile('feature_value', 0.99) }} as high_value
    from features
    where feature_value is not null and feature_kind != 'confidence'
    group by endpoint_name, feature_kind, feature_name

),

steps as (

    select
        *,
        case
            when high_value > low_value then {{ finite('high_value - low_value') }} / 20
            when high_value != 0 then abs(high_value) / 20
            else 0.05
        end as step
    from spreads

),

widths as (

    select
        endpoint_name,
        feature_kind,
        feature_name,
        low_value,
        high_value,
        {{ nice_number('step') }} as bin_width
    from steps
    where step > 1e-300

)

select
    endpoint_name,
    feature_kind,
    feature_name,
    bin_width,
    floor(low_value / bin_width) - 20 as first_bin,
    floor(high_value / bin_width) + 20 as last_bin
from widths
