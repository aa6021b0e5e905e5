with responses as (

    select * from {{ ref('stg_labeling_output__worker_responses') }}

)

select
    worker_id,
    max(worker_pseudonym) as worker_pseudonym,
    max(workforce_type) as workforce_type,
    max(identity_provider) as identity_provider,
    count(distinct labeling_job_name) as labeling_job_count,
    count(*) as answer_count,
    min(event_at) as first_answer_at,
    max(event_at) as last_answer_at
from responses
group by worker_id
order by worker_id
