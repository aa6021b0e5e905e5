{#- The date of a UTC timestamp in the time zone that people report in. -#}
{% macro reporting_date(timestamp) -%}
    {%- set time_zone = dbt.string_literal(dbt.escape_single_quotes(var('reporting_time_zone'))) -%}
    {{ return(adapter.dispatch('date_in_zone')(timestamp, time_zone)) }}
{%- endmacro %}

{% macro default__date_in_zone(timestamp, time_zone) -%}
    cast(({{ timestamp }}) at time zone {{ time_zone }} as date)
{%- endmacro %}


{#- Seconds from one timestamp to another, negative where the other is earlier. -#}
{% macro seconds_between(start, end) -%}
    {{ dbt.datediff(start, end, 'millisecond') }} / 1000.0
{%- endmacro %}


{#- Seconds as people say them: `3 days`, `12 hours`, `40 minutes`. -#}
{% macro spoken_duration(seconds) -%}
    case
        when {{ seconds }} >= 172800 then cast(cast(round({{ seconds }} / 86400) as bigint) as varchar) || ' days'
        when {{ seconds }} >= 7200 then cast(cast(round({{ seconds }} / 3600) as bigint) as varchar) || ' hours'
        else cast(cast(round({{ seconds }} / 60) as bigint) as varchar) || ' minutes'
    end
{%- endmacro %}
