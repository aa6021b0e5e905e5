with source as (

    select * from {{ source('raw', 'worker_responses') }}

),

renamed as (

    select
        {{ row_id() }} as response_id,
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        iteration_number,
        dataset_object_id,
        {{ worker_identity() }} as worker_id,
        worker_pseudonym,
        workforce_type,
        identity_provider,
        crowd_element,
        {{ composed('label') }} as label,
        cast({{ label_count('answer_json') }} as bigint) as label_count,
        answer_json,
        answer_folder,
        accepted_at,
        submitted_at,
        time_spent_seconds,
        event_at,
        coalesce(unit_uri like '%/output.json' or unit_uri like '%/output.json.gz', false) as is_human_loop,
        {{ reporting_date('event_at') }} as event_date
    from source

)

select * from renamed
