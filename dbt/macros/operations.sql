{#- One id for a CloudWatch series: its account, Region, namespace, metric and dimensions. -#}
{% macro series_id() -%}
    {{ id_of("concat_ws('/', coalesce(account_id, 'unknown'), coalesce(aws_region, 'unknown'), namespace, metric_name, series_key)") }}
{%- endmacro %}


{#- Seconds since 1970, as a number. -#}
{% macro epoch_seconds(timestamp) -%}
    {{ return(adapter.dispatch('epoch_seconds')(timestamp)) }}
{%- endmacro %}

{% macro default__epoch_seconds(timestamp) -%}
    extract(epoch from {{ timestamp }})
{%- endmacro %}


{#- Which one of the periods of a length it is, counted from 1970. -#}
{% macro period_number(timestamp, period_seconds) -%}
    floor({{ epoch_seconds(timestamp) }} / {{ period_seconds }})
{%- endmacro %}


{#-
Of rows with a series, statistic and period those that count, as a query to select from: the newest copy of each, and a
coarser period only where no finer one of the same series and statistic begins in it. A finer period stands for all of
the coarser one, whose rest had no data: adding both up would count the same calls twice.
-#}
{% macro finest_periods(rows) -%}
    select copies.*
    from (
        select
            *,
            row_number() over (
                partition by series_id, statistic, period_seconds, period_at
                order by loaded_at desc, unit_uri, position
            ) as copy_rank
        from {{ rows }}
    ) as copies
    left join (
        select distinct
            finer.series_id,
            finer.statistic,
            coarser.period_seconds,
            {{ period_number('finer.period_at', 'coarser.period_seconds') }} as period_number
        from {{ rows }} as finer
        inner join (select distinct period_seconds from {{ rows }}) as coarser
            on finer.period_seconds < coarser.period_seconds
    ) as covered
        on
            copies.series_id = covered.series_id
            and copies.statistic = covered.statistic
            and copies.period_seconds = covered.period_seconds
            and {{ period_number('copies.period_at', 'copies.period_seconds') }} = covered.period_number
    where copies.copy_rank = 1 and covered.series_id is null
{%- endmacro %}


{#- One of the statistics of a metric, of rows that are grouped by period. -#}
{% macro statistic_of(metric_name, statistic, value='metric_value') -%}
    max(case when metric_name = '{{ metric_name }}' and statistic = '{{ statistic }}' then {{ value }} end)
{%- endmacro %}


{#- The mean of a metric: its Average, else its Sum over its SampleCount. -#}
{% macro mean_of(metric_name, value='metric_value') -%}
    coalesce(
        {{ statistic_of(metric_name, 'Average', value) }},
        {{ statistic_of(metric_name, 'Sum', value) }} / nullif({{ statistic_of(metric_name, 'SampleCount') }}, 0)
    )
{%- endmacro %}


{#- A duration in the unit that CloudWatch has it in, straightened to milliseconds. -#}
{% macro milliseconds(value, unit) -%}
    {{ value }} * case {{ unit }} when 'microseconds' then 0.001 when 'milliseconds' then 1 when 'seconds' then 1000 end
{%- endmacro %}


{#- A count that CloudWatch has as a number with a fraction. -#}
{% macro whole(number) -%}
    cast(round({{ number }}) as bigint)
{%- endmacro %}


{#- The smallest of 1, 2 and 5 times a power of ten that is no less than a positive number. -#}
{% macro nice_number(number) -%}
    power(10, floor(log10({{ number }}))) * case
        when {{ number }} <= power(10, floor(log10({{ number }}))) then 1
        when {{ number }} <= 2 * power(10, floor(log10({{ number }}))) then 2
        when {{ number }} <= 5 * power(10, floor(log10({{ number }}))) then 5
        else 10
    end
{%- endmacro %}


{#- Text as a finite number; NULL where it is none. -#}
{% macro number_in(text) -%}
    {{ return(adapter.dispatch('number_in')(text)) }}
{%- endmacro %}

{% macro default__number_in(text) -%}
    {{ finite('try_cast(' ~ text ~ ' as double)') }}
{%- endmacro %}


{#- The entries of a map, one row each, as `entry.key` and `entry.value`. -#}
{% macro entries_of(map) -%}
    {{ return(adapter.dispatch('entries_of')(map)) }}
{%- endmacro %}

{% macro default__entries_of(map) -%}
    explode(map_entries({{ map }}))
{%- endmacro %}

{% macro duckdb__entries_of(map) -%}
    unnest(map_entries({{ map }}))
{%- endmacro %}


{#- What a metric is about that the catalogue does not hold: its namespace tells. -#}
{% macro group_of_namespace(namespace) -%}
    {%- set groups = {
        '/aws/sagemaker/endpoints': 'endpoint',
        'aws/sagemaker/endpoints': 'endpoint',
        'aws/sagemaker': 'endpoint',
        '/aws/sagemaker/inferencecomponents': 'inference component',
        '/aws/sagemaker/trainingjobs': 'training job',
        '/aws/sagemaker/processingjobs': 'processing job',
        '/aws/sagemaker/transformjobs': 'transform job',
        '/aws/sagemaker/inferencerecommendationsjobs': 'inference recommender',
        'aws/sagemaker/labelingjobs': 'Ground Truth job',
        'aws/sagemaker/workteam': 'Ground Truth work team',
        'aws/sagemaker/featurestore': 'feature store',
        'aws/sagemaker/modelbuildingpipeline': 'pipeline',
    } -%}
    case lower({{ namespace }})
        {%- for name, group in groups.items() %}
        when '{{ name }}' then '{{ group }}'
        {%- endfor %}
        else 'other'
    end
{%- endmacro %}


{#- The share of calls that a metric of 1 or 0 a call counts: its mean, else its Sum over the calls. -#}
{% macro error_ratio(metric_name) -%}
    coalesce(
        {{ mean_of(metric_name) }},
        {{ statistic_of(metric_name, 'Sum') }} / nullif({{ statistic_of('Invocations', 'Sum') }}, 0)
    )
{%- endmacro %}


{#- One id for what CloudWatch measures: its account, Region and names, of which some may not be there. -#}
{% macro resource_id() -%}
    {%- set parts = ["coalesce(account_id, 'unknown')", "coalesce(aws_region, 'unknown')"] -%}
    {%- for name in varargs -%}
        {%- do parts.append("coalesce(" ~ name ~ ", '')") -%}
    {%- endfor -%}
    {{ id_of("concat_ws('/', " ~ parts | join(', ') ~ ")") }}
{%- endmacro %}


{#- Text that is longer is no category: what people wrote, or a document. -#}
{% macro longest_category() -%}
    64
{%- endmacro %}


{#- So many inputs of an endpoint are looked at: of the others, such as the pixels of a picture, no one tells a thing. -#}
{% macro most_inputs() -%}
    100
{%- endmacro %}


{#-
What predictions say and what they were made from, one row per prediction and feature, as a query: a number has a value,
everything else a category.
-#}
{% macro prediction_features(rows) -%}
    {%- set features = {
        'prediction_label': ('prediction', 'cast(null as double)', 'prediction_label'),
        'prediction_value': ('prediction', 'prediction_value', 'cast(null as varchar)'),
        'confidence_ratio': ('confidence', 'confidence_ratio', 'cast(null as varchar)'),
    } -%}
    {%- for name, (kind, number, text) in features.items() %}
    select
        prediction_id,
        endpoint_name,
        variant_name,
        event_at,
        event_date,
        '{{ kind }}' as feature_kind,
        '{{ name }}' as feature_name,
        {{ number }} as feature_value,
        {% if name == 'prediction_label' %}{{ category_of(text) }}{% else %}{{ text }}{% endif %} as category
    from {{ rows }}
    where {{ name }} is not null
    union all
    {%- endfor %}
    select
        prediction_id,
        endpoint_name,
        variant_name,
        event_at,
        event_date,
        'input' as feature_kind,
        entry.key as feature_name,
        {{ number_in('entry.value') }} as feature_value,
        case when {{ number_in('entry.value') }} is null then {{ category_of('entry.value') }} end as category
    from (
        select
            prediction_id,
            endpoint_name,
            variant_name,
            event_at,
            event_date,
            {{ entries_of('inputs') }} as entry
        from {{ rows }}
        where inputs is not null
    ) as inputs
{%- endmacro %}

{% macro category_of(text) -%}
    case
        when {{ text }} is null or trim({{ text }}) = '' then '(missing)'
        when length({{ text }}) > {{ longest_category() }} then '(long text)'
        else {{ text }}
    end
{%- endmacro %}


{#- The edge of a bin: below 1 a quotient, so that it is the decimal that people expect. -#}
{% macro bin_edge(number) -%}
    case
        when bin_width is null then {{ number }}
        when bin_width < 1 then ({{ number }}) / round(1 / bin_width)
        else ({{ number }}) * bin_width
    end
{%- endmacro %}
