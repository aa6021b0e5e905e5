{#- The value that a map has for a key; NULL where it has none. -#}
{% macro map_value(map, key) -%}
    {{ return(adapter.dispatch('map_value')(map, key)) }}
{%- endmacro %}

{% macro default__map_value(map, key) -%}
    element_at({{ map }}, {{ key }})
{%- endmacro %}

{% macro duckdb__map_value(map, key) -%}
    {{ map }}[{{ key }}]
{%- endmacro %}


{#- The number of the record that a row was read from: the line of a manifest, an answer of a file. -#}
{% macro record_number() -%}
    split_part(position, '/', 1)
{%- endmacro %}


{#- Yaw as it is counted today: cuboids made before that second turn the other way round. -#}
{% macro straightened_yaw(yaw_radians, labeled_at) -%}
    case
        when {{ labeled_at }} < cast('2022-09-02 19:02:17+00' as timestamp with time zone) then pi() - {{ yaw_radians }}
        else {{ yaw_radians }}
    end
{%- endmacro %}


{#- A list of JSON values at a path of a JSON text; empty where there is none. -#}
{% macro json_list(json, path) -%}
    {{ return(adapter.dispatch('json_list')(json, path)) }}
{%- endmacro %}

{% macro default__json_list(json, path) -%}
    json_query({{ json }}, 'lax $.{{ path }}[*]' with array wrapper)
{%- endmacro %}

{% macro duckdb__json_list(json, path) -%}
    case when json_valid({{ json }}) then json_extract({{ json }}, '$.{{ path }}[*]') end
{%- endmacro %}
