{%- set most_categories = 20 -%}

with predictions as (

    select * from {{ ref('stg_model_predictions__model_predictions') }}

),

changed_dates as (

    select * from {{ ref('int_changed_prediction_dates') }}

),

bins as (

    select * from {{ ref('int_prediction_bins') }}

),

changed as (

    select predictions.*
    from predictions
    inner join changed_dates on predictions.event_date = changed_dates.event_date

),

features as (

    {{ prediction_features('changed') }}

),

-- a feature that the first date did not have: half a step of its leading digit
stepped as (

    select
        features.*,
        bins.first_bin,
        bins.last_bin,
        case
            when features.feature_kind = 'confidence' then 0.05
            when bins.bin_width is not null then bins.bin_width
            when features.feature_value != 0 then power(10, floor(log10(abs(features.feature_value)))) / 2
        end as bin_width
    from features
    left join bins
        on
            features.endpoint_name = bins.endpoint_name
            and features.feature_kind = bins.feature_kind
            and features.feature_name = bins.feature_name

),

-- steps below 1 are one over a whole number: multiplied by that, a tenth stays a tenth
numbered as (

    select
        *,
        case
            when feature_value is null then null
            when bin_width is null then 0
            when feature_kind = 'confidence' then greatest(least(floor(feature_value * 20), 19), 0)
            else greatest(
                least(
                    case
                        when bin_width < 1 then floor(feature_value * round(1 / bin_width))
                        else floor(feature_value / bin_width)
                    end,
                    coalesce(last_bin + 1, 1e308)
                ),
                coalesce(first_bin - 1, -1e308)
            )
        end as bin_number
    from stepped

),

counted as (

    select
        endpoint_name,
        variant_name,
        event_date,
        feature_kind,
        feature_name,
        category,
        bin_width,
        bin_number,
        first_bin,
        last_bin,
        count(*) as prediction_count
    from numbered
    group by all

),

ranked as (

    select
        *,
        dense_rank() over (
            partition by endpoint_name, variant_name, event_date, feature_kind
            order by length(feature_name), feature_name
        ) as feature_rank,
        row_number() over (
            partition by
                endpoint_name,
                variant_name,
                event_date,
                feature_kind,
                feature_name,
                category is null
            order by prediction_count desc, category asc
        ) as category_rank
    from counted

),

binned as (

    select
        endpoint_name,
        variant_name,
        event_date,
        feature_kind,
        feature_name,
        case
            when category is not null and category_rank > {{ most_categories }} then 'other'
            else category
        end as category,
        category is not null and category_rank > {{ most_categories }} as is_other,
        case when bin_number >= coalesce(first_bin, bin_number) then {{ bin_edge('bin_number') }} end as bin_lower,
        case
            when bin_width is null then {{ bin_edge('bin_number') }}
            when bin_number <= coalesce(last_bin, bin_number) then {{ bin_edge('bin_number + 1') }}
        end as bin_upper,
        prediction_count
    from ranked
    where feature_rank <= {{ most_inputs() }}

),

summed as (

    select
        endpoint_name,
        variant_name,
        event_date,
        feature_kind,
        feature_name,
        category,
        is_other,
        bin_lower,
        bin_upper,
        {{ whole('sum(prediction_count)') }} as prediction_count
    from binned
    group by all

)

select
    {{ id_of(
        "concat_ws('/', endpoint_name, variant_name, cast(event_date as varchar), feature_kind, feature_name, "
        ~ "coalesce(category, ''), cast(is_other as varchar), coalesce(cast(bin_lower as varchar), ''), "
        ~ "coalesce(cast(bin_upper as varchar), ''))"
    ) }} as distribution_id,
    endpoint_name,
    variant_name,
    event_date,
    feature_kind,
    feature_name,
    category,
    is_other,
    bin_lower,
    bin_upper,
    prediction_count,
    prediction_count / sum(prediction_count) over (
        partition by endpoint_name, variant_name, event_date, feature_kind, feature_name
    ) as share_ratio
from summed
order by
    event_date, endpoint_name, variant_name, feature_kind, feature_name, bin_lower, category, distribution_id
