with responses as (

    select * from {{ ref('int_worker_responses_compared') }}

),

changed_dates as (

    select * from {{ ref('int_changed_event_dates') }}

)

select
    responses.response_id,
    responses.labeling_job_name,
    responses.iteration_number,
    responses.dataset_object_id,
    responses.source_ref,
    responses.worker_id,
    responses.worker_pseudonym,
    responses.workforce_type,
    responses.identity_provider,
    responses.label,
    responses.label_count,
    responses.answer_json,
    responses.consolidated_label,
    responses.agrees_with_consolidated,
    responses.accepted_at,
    responses.submitted_at,
    responses.time_spent_seconds,
    responses.event_at,
    responses.event_date
from responses
inner join changed_dates on responses.event_date = changed_dates.event_date
order by responses.event_at, responses.response_id
