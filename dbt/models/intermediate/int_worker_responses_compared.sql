with captured as (

    select
        *,
        {{ worker_key() }} as worker_key
    from {{ ref('stg_labeling_output__worker_responses') }}

),

identities as (

    select * from {{ ref('int_worker_identities') }}

),

responses as (

    select
        captured.*,
        identities.worker_id as known_worker_id,
        identities.worker_pseudonym as known_worker_pseudonym
    from captured
    inner join identities on captured.worker_key = identities.worker_key

),

objects as (

    select * from {{ ref('int_labeled_objects') }}

),

joined as (

    -- the object index in an answer's path is the line index in the manifest of its job
    select
        responses.response_id,
        responses.labeling_job_name,
        responses.iteration_number,
        responses.dataset_object_id,
        responses.known_worker_id as worker_id,
        responses.known_worker_pseudonym as worker_pseudonym,
        responses.workforce_type,
        responses.identity_provider,
        responses.crowd_element,
        responses.label,
        responses.label_count,
        responses.answer_json,
        responses.answer_folder,
        responses.accepted_at,
        responses.submitted_at,
        responses.time_spent_seconds,
        responses.event_at,
        responses.event_date,
        objects.source_ref,
        objects.label as consolidated_label,
        responses.label = objects.label as agrees_with_consolidated
    from responses
    left join objects
        on
            responses.labeling_job_name = objects.labeling_job_name
            and responses.dataset_object_id = objects.dataset_object_id

)

select * from joined
