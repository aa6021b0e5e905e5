with source as (

    select * from {{ source('raw', 'manifest_entries') }}

),

renamed as (

    select
        unit_uri as manifest_uri,
        {{ record_number() }} as manifest_line,
        {{ caseless('manifest_labeling_job_name') }} as manifest_labeling_job_name,
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        dataset_object_id,
        source_ref,
        coalesce(source_ref, source_text) as source_key,
        label_attribute_name,
        lower(task_type) as task_type,
        {{ composed('label') }} as label,
        confidence_ratio,
        is_human_annotated,
        is_adjusted,
        is_failed,
        failure_reason,
        labeled_at,
        class_map,
        label_ref
    from source

)

select * from renamed
