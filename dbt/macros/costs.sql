{#- The price lists as rows. They come from outside: names and prices are escaped literals, prices become numbers. -#}
{% macro prices() -%}
    {%- for price_kind, found in fromjson(var('prices')).items() %}
        {%- for price_name, price in found.items() %}
    select
        {{ text_literal(price_kind) }} as price_kind,
        {{ text_literal(price_name) }} as price_name,
        cast({{ text_literal(price | string) }} as decimal(18, 6)) as price_usd
    union all
        {%- endfor %}
    {%- endfor %}
    select
        cast(null as varchar) as price_kind,
        cast(null as varchar) as price_name,
        cast(null as decimal(18, 6)) as price_usd
    where false
{%- endmacro %}


{#- What seconds cost by an hourly price, to the millionth of a dollar: rounded once, so that sums are exact. -#}
{% macro cost_of_seconds(seconds, price_per_hour_usd) -%}
    cast({{ seconds }} * {{ price_per_hour_usd }} / 3600 as decimal(18, 6))
{%- endmacro %}


{#- How much more is a doubled bill: four fifths, so that one is seen before the whole of a window has the new level. -#}
{% macro doubled_ratio() -%}
    1.7
{%- endmacro %}


{#- A map of names to texts out of the rows of a group. -#}
{% macro map_of(key, value) -%}
    {{ return(adapter.dispatch('map_of')(key, value)) }}
{%- endmacro %}

{% macro default__map_of(key, value) -%}
    map_agg({{ key }}, {{ value }})
{%- endmacro %}

{% macro duckdb__map_of(key, value) -%}
    map_from_entries(list(row({{ key }}, {{ value }}) order by {{ key }}))
{%- endmacro %}


{#- The items of a JSON list, as a list of JSON texts; of what is no JSON list, none. -#}
{% macro json_items(json) -%}
    {{ return(adapter.dispatch('json_items')(json)) }}
{%- endmacro %}

{% macro default__json_items(json) -%}
    cast(json_parse({{ json }}) as array(json))
{%- endmacro %}

{% macro duckdb__json_items(json) -%}
    case when json_valid({{ json }}) then json_extract({{ json }}, '$[*]') end
{%- endmacro %}


{#- The days from one date to another, both included, as a list. -#}
{% macro days_between(first, last) -%}
    {{ return(adapter.dispatch('days_between')(first, last)) }}
{%- endmacro %}

{% macro default__days_between(first, last) -%}
    sequence({{ first }}, {{ last }}, interval '1' day)
{%- endmacro %}

{% macro duckdb__days_between(first, last) -%}
    generate_series({{ first }}, {{ last }}, interval '1' day)
{%- endmacro %}
