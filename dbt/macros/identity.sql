{#- One id for a raw row, the same in every build: its unit and its position there. -#}
{% macro row_id() -%}
    {{ dbt.hash("unit_uri || '#' || position") }}
{%- endmacro %}


{#- One id for what a text names, the same in every build. -#}
{% macro id_of(text) -%}
    {{ dbt.hash(text) }}
{%- endmacro %}


{#- Who answered, in every source: the worker's id, else the pseudonym, else one name for all not captured. -#}
{% macro worker_identity() -%}
    coalesce(worker_id, worker_pseudonym, {{ unknown_worker() }})
{%- endmacro %}

{% macro unknown_worker() -%}
    '(not captured)'
{%- endmacro %}
