with entries as (

    select * from {{ ref('stg_labeling_output__manifest_entries') }}

),

manifests as (

    select * from {{ ref('int_labeling_job_manifests') }}

),

joined as (

    select
        entries.labeling_job_name,
        entries.dataset_object_id,
        entries.manifest_uri,
        entries.manifest_line,
        manifests.is_own_manifest,
        entries.source_ref,
        entries.source_key,
        entries.label_attribute_name,
        manifests.task_type,
        entries.label,
        entries.confidence_ratio,
        entries.is_human_annotated,
        entries.is_adjusted,
        entries.is_failed,
        entries.failure_reason,
        entries.labeled_at,
        entries.class_map,
        entries.label_ref
    from entries
    inner join manifests
        on
            entries.labeling_job_name = manifests.labeling_job_name
            and entries.manifest_uri = manifests.manifest_uri
            and entries.label_attribute_name = manifests.label_attribute_name

)

select * from joined
