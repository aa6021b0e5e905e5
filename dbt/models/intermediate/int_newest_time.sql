with times as (

    select max(event_at) as event_at from {{ ref('stg_cloudtrail__management_events') }}
    union all
    select max(last_event_at) as event_at from {{ ref('int_cloudtrail_run_metrics') }}
    union all
    select max(last_modified_at) as event_at from {{ ref('stg_training_jobs__training_jobs') }}
    union all
    select max(last_modified_at) as event_at from {{ ref('stg_trial_components__trial_components') }}
    union all
    select max(event_at) as event_at from {{ ref('stg_endpoints__endpoint_variants') }}
    union all
    select max(period_at) as event_at from {{ source('raw', 'cloudwatch_metrics') }}
    union all
    select max(last_event_at) as event_at from {{ ref('int_workforce_days') }}

)

select max(event_at) as as_of
from times
