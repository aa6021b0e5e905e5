{#- Text in Unicode's composed form, so that names which look the same are the same. -#}
{% macro composed(text) -%}
    {{ return(adapter.dispatch('composed')(text)) }}
{%- endmacro %}

{% macro default__composed(text) -%}
    normalize({{ text }}, NFC)
{%- endmacro %}

{% macro duckdb__composed(text) -%}
    nfc_normalize({{ text }})
{%- endmacro %}


{#- A name that AWS does not tell apart by case. -#}
{% macro caseless(text) -%}
    {{ composed('lower(' ~ text ~ ')') }}
{%- endmacro %}
