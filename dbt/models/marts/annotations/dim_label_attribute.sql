with jobs as (

    select
        labeling_job_name,
        label_category_config_json as config,
        row_number() over (
            partition by labeling_job_name
            order by last_modified_at desc nulls last, event_at desc, described_uri desc
        ) as age_rank
    from {{ ref('stg_labeling_jobs__labeling_jobs') }}
    where label_category_config_json is not null

),

newest as (

    select
        labeling_job_name,
        config
    from jobs
    where age_rank = 1

),

categories as (

    select
        labeling_job_name,
        unnest({{ json_list('config', 'labels') }}) as category_json
    from newest

),

-- what is asked of a frame, of every label, and of the labels of one category
asked as (

    select
        labeling_job_name,
        'frame' as attribute_kind,
        cast(null as varchar) as category,
        unnest({{ json_list('config', 'frameAttributes') }}) as attribute_json
    from newest
    union all
    select
        labeling_job_name,
        'label' as attribute_kind,
        cast(null as varchar) as category,
        unnest({{ json_list('config', 'categoryGlobalAttributes') }}) as attribute_json
    from newest
    union all
    select
        labeling_job_name,
        'label' as attribute_kind,
        {{ json_text('category_json', 'label') }} as category,
        unnest({{ json_list('category_json', 'categoryAttributes') }}) as attribute_json
    from categories

),

named as (

    select
        labeling_job_name,
        attribute_kind,
        {{ composed('category') }} as category,
        {{ json_text('attribute_json', 'name') }} as attribute_name,
        {{ json_text('attribute_json', 'type') }} as declared_type,
        {{ json_text('attribute_json', 'enum') }} as allowed_values_json,
        {{ json_text('attribute_json', 'isRequired') }} as is_required
    from asked

),

-- a name asked for twice is one attribute
ranked as (

    select
        *,
        row_number() over (
            partition by labeling_job_name, attribute_kind, category, attribute_name
            order by declared_type asc, allowed_values_json asc, is_required asc
        ) as name_rank
    from named
    where attribute_name is not null

)

select
    {{ id_of("labeling_job_name || '#' || attribute_kind || '#' || coalesce(category, '') || '#' || attribute_name") }}
        as label_attribute_id,
    labeling_job_name,
    attribute_kind,
    category,
    attribute_name,
    case declared_type when 'number' then 'number' else 'text' end as attribute_type,
    allowed_values_json,
    coalesce(is_required = 'true', false) as is_required
from ranked
where name_rank = 1
order by label_attribute_id
