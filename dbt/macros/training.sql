{#- One id for a run in every table: its account, Region and trial component. -#}
{% macro run_id(trial_component_name) -%}
    coalesce(account_id, 'unknown') || '/' || coalesce(aws_region, 'unknown') || '/' || {{ trial_component_name }}
{%- endmacro %}


{#- One id for what writes: a role, whatever its session is called, else the caller as it is. -#}
{% macro writer_identity() -%}
    case
        when principal_arn like '%:assumed-role/%'
            then split_part(principal_arn, '/', 1) || '/' || split_part(principal_arn, '/', 2)
        else coalesce(principal_arn, principal_type, '(not captured)')
    end
{%- endmacro %}


{#- A number, NULL where sums over very large values left the range of numbers. -#}
{% macro finite(number) -%}
    case when abs({{ number }}) <= 1.7976931348623157e308 then {{ number }} end
{%- endmacro %}


{#- The text at a path such as `status.primaryStatus` of a JSON object; NULL where it is not there, or is no JSON. -#}
{% macro json_text(json, path) -%}
    {{ return(adapter.dispatch('json_text')(json, path)) }}
{%- endmacro %}

{% macro default__json_text(json, path) -%}
    json_value({{ json }}, 'lax $.{{ path }}')
{%- endmacro %}

{% macro duckdb__json_text(json, path) -%}
    case when json_valid({{ json }}) then json_extract_string({{ json }}, '$.{{ path }}') end
{%- endmacro %}


{#- The minimum criteria as rows. They come from outside: names are escaped literals, bounds are made numbers here. -#}
{% macro minimum_criteria() -%}
    {%- for metric_name, criterion in fromjson(var('minimum_criteria')).items() %}
    select
        {{ dbt.string_literal(dbt.escape_single_quotes(metric_name)) }} as metric_name,
        {{ bound(criterion.get('at_least')) }} as minimum_value,
        {{ bound(criterion.get('at_most')) }} as maximum_value
    union all
    {%- endfor %}
    select
        cast(null as varchar) as metric_name,
        cast(null as double) as minimum_value,
        cast(null as double) as maximum_value
    where false
{%- endmacro %}

{% macro bound(number) -%}
    cast({{ 'null' if number is none else number | float }} as double)
{%- endmacro %}


{#- The value that all rows of a group share; NULL where they have several. -#}
{% macro the_only(column) -%}
    case when min({{ column }}) = max({{ column }}) then min({{ column }}) end
{%- endmacro %}


{#- A total order in which writers of runs came. -#}
{% macro arrival() -%}
    first_event_at, run_id, writer_id, source_network
{%- endmacro %}


{#- The name of a training job or run without what tells one time from the next: a time stamp as SDKs write it, or the
    random parts that a pipeline adds; where there is neither, a number at its end. In lower case. -#}
{% macro unstamped(name) -%}
    {%- set pipeline = name_replaced(caseless(name), "'^pipelines-[0-9a-z]{12}-(.+)-[0-9a-z]{10}$'", "'\\1'") -%}
    {%- set stamp = "[0-9]{4}-[0-9]{2}-[0-9]{2}([-t_][0-9]{2}[-:]?[0-9]{2}([-:]?[0-9]{2}(-[0-9]{1,6})?)?)?"
        ~ "|[0-9]{8}([-t_]?[0-9]{4,6}z?)?|[0-9]{6}-[0-9]{4}|[0-9]{10,13}(-[0-9a-f]{4})?" -%}
    {%- set stamped = "'[-_.](" ~ stamp ~ ")$'" -%}
    case
        when {{ name_matches(pipeline, stamped) }} then {{ name_replaced(pipeline, stamped, "''") }}
        else {{ name_replaced(pipeline, "'[-_.][0-9]+$'", "''") }}
    end
{%- endmacro %}


{#- The short name of a training's algorithm: its own, else that of its image, without registry and tag. -#}
{% macro algorithm_of(algorithm_name, training_image) -%}
    coalesce(
        {{ name_replaced(algorithm_name, "'^.*/'", "''") }},
        {{ name_replaced(name_replaced(training_image, "'^.*/'", "''"), "'[:@].*$'", "''") }}
    )
{%- endmacro %}
