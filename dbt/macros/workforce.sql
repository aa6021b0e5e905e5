{#- Joins a row to its line in int_worker_identities: the identity that the row itself has, of both kinds. -#}
{% macro worker_key() -%}
    worker_id || '/' || coalesce(worker_pseudonym, '')
{%- endmacro %}


{#- A worker id without the `<kind>.<region>.` that some sources put before it. -#}
{% macro bare_worker_id(worker_id) -%}
    {{ return(adapter.dispatch('bare_worker_id')(worker_id)) }}
{%- endmacro %}

{% macro default__bare_worker_id(worker_id) -%}
    regexp_replace({{ worker_id }}, '^(public|private|vendor)[.][a-z0-9-]+[.]', '')
{%- endmacro %}


{#- One name for all labelling jobs that a source does not name. -#}
{% macro unknown_job() -%}
    '(not captured)'
{%- endmacro %}


{#- Where a task without a limit of its own, or a measured time, ends: a day, in seconds. -#}
{% macro longest_task_seconds() -%}
    86400
{%- endmacro %}


{#- The UTC day, or the second, that a timestamp lies in. -#}
{% macro utc_day(timestamp) -%}
    {{ dbt.date_trunc('day', timestamp) }}
{%- endmacro %}

{% macro whole_second(timestamp) -%}
    {{ dbt.date_trunc('second', timestamp) }}
{%- endmacro %}


{#- Exact seconds from one timestamp to another, to the millisecond. -#}
{% macro exact_seconds_between(start, end) -%}
    cast({{ seconds_between(start, end) }} as decimal(18, 3))
{%- endmacro %}


{#- A quantile of numbers, between two of them where none lies there. -#}
{% macro quantile(number, fraction) -%}
    {{ return(adapter.dispatch('quantile')(number, fraction)) }}
{%- endmacro %}

{% macro default__quantile(number, fraction) -%}
    percentile_cont({{ fraction }}) within group (order by {{ number }})
{%- endmacro %}

{% macro duckdb__quantile(number, fraction) -%}
    quantile_cont(cast({{ number }} as double), {{ fraction }})
{%- endmacro %}


{#- What is labelled, from the type of the task in any of AWS's spellings, else from the form of the answers. -#}
{% macro modality(task_type, crowd_element) -%}
    case
        {{ modality_named_by(task_type) }}
        {{ modality_named_by(crowd_element) }}
        else 'other'
    end
{%- endmacro %}

{#- A point cloud can be tracked as well: it is asked for before video. An underscore stands for a hyphen too. -#}
{% macro modality_named_by(name) -%}
    {%- set words = {
        'point_cloud': ['%pointcloud%', '%point_cloud%'],
        'video': ['%video%', '%tracking%'],
        'text': ['%text%', '%entity%', '%entities%', 'crowd-classifier', 'crowd-classifier-multi-select'],
        'image': [
            '%image%', '%box%', '%object-detection%', '%segmentation%', '%polygon%', '%polyline%', '%keypoint%',
        ],
    } -%}
    {%- for modality, patterns in words.items() %}
        {%- for pattern in patterns %}
        when lower({{ name }}) like '{{ pattern }}' then '{{ modality }}'
        {%- endfor %}
    {%- endfor %}
{%- endmacro %}


{#- How many labels an answer holds; NULL where its form is not known. -#}
{% macro label_count(answer_json) -%}
    {{ return(adapter.dispatch('label_count')(answer_json)) }}
{%- endmacro %}

{#- Elsewhere only what every engine can do: a single class is one label. -#}
{% macro default__label_count(answer_json) -%}
    case when label is not null then 1 end
{%- endmacro %}

{% macro duckdb__label_count(answer_json) -%}
    {%- set lists = ['labels', 'boundingBoxes', 'polygons', 'polylines', 'keypoints', 'entities', 'instances'] -%}
    case when json_valid({{ answer_json }}) then (
        {#- one pass over the document finds what is in it: most answers have one of these -#}
        case
            when len(json_extract({{ answer_json }}, '$.answerContent.*.label')) > 0
                then len(json_extract({{ answer_json }}, '$.answerContent.*.label'))
            {%- for list in lists %}
            when len(json_extract({{ answer_json }}, '$.answerContent.*.{{ list }}')) > 0
                then len(json_extract({{ answer_json }}, '$.answerContent.*.{{ list }}[*]'))
            {%- endfor %}
            when len(json_extract({{ answer_json }}, '$.answerContent.*.labelMappings')) > 0
                then len(json_extract({{ answer_json }}, '$.answerContent.*.labelMappings.*'))
            when len(json_extract({{ answer_json }}, '$.answerContent.*.frameData.entries[*].annotations')) > 0
                then len(json_extract({{ answer_json }}, '$.answerContent.*.frameData.entries[*].annotations[*]'))
        end
    ) end
{%- endmacro %}


{#- What the first rule that fits a job's name says; rules come from outside and are escaped literals here. -#}
{% macro job_name_says(field, name) -%}
    {%- set rules = fromjson(var('job_name_rules')) -%}
    {%- if rules | length == 0 -%}
    cast(null as varchar)
    {%- else -%}
    case
        {%- for rule in rules %}
        when {{ name_matches(name, text_literal(rule['pattern'])) }}
            then {{ says(field, name, rule) }}
        {%- endfor %}
    end
    {%- endif -%}
{%- endmacro %}

{% macro says(field, name, rule) -%}
    {%- set value = rule.get(field) -%}
    {%- if value is none -%}
    cast(null as varchar)
    {%- elif field == 'batch' -%}
    {#- the whole name becomes the replacement, in which the pattern's groups keep their numbers -#}
    {{ name_replaced(name, text_literal('(?s)^.*?(?:' ~ rule['pattern'] ~ ').*$'), text_literal(value)) }}
    {%- else -%}
    {{ text_literal(value) }}
    {%- endif -%}
{%- endmacro %}

{% macro text_literal(text) -%}
    {{ return(dbt.string_literal(dbt.escape_single_quotes(text))) }}
{%- endmacro %}

{% macro name_matches(name, pattern) -%}
    {{ return(adapter.dispatch('name_matches')(name, pattern)) }}
{%- endmacro %}

{% macro default__name_matches(name, pattern) -%}
    regexp_like({{ name }}, {{ pattern }})
{%- endmacro %}

{% macro duckdb__name_matches(name, pattern) -%}
    regexp_matches({{ name }}, {{ pattern }})
{%- endmacro %}

{% macro name_replaced(name, pattern, replacement) -%}
    regexp_replace({{ name }}, {{ pattern }}, {{ replacement }})
{%- endmacro %}
