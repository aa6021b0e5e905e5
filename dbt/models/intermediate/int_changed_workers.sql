with changed_days as (

    select * from {{ source('changed', 'days') }}

),

answers as (

    select * from {{ ref('stg_labeling_output__worker_responses') }}

),

events as (

    select * from {{ ref('stg_worker_activity__worker_events') }}

),

identities as (

    select * from {{ ref('int_worker_identities') }}

),

captured as (

    select
        {{ worker_key() }} as worker_key,
        {{ utc_day('event_at') }} as day_start_at
    from answers
    where worker_id != worker_pseudonym
    union distinct
    select
        {{ worker_key() }} as worker_key,
        {{ utc_day('event_at') }} as day_start_at
    from events
    where worker_id != worker_pseudonym

),

-- an id and a pseudonym that were together on any other day are nothing new
new_keys as (

    select captured.worker_key
    from captured
    left join changed_days on captured.day_start_at = changed_days.day_start_at
    group by captured.worker_key
    having count(changed_days.day_start_at) = count(*)

),

new_workers as (

    select distinct identities.worker_id
    from identities
    inner join new_keys on identities.worker_key = new_keys.worker_key

)

select identities.worker_key
from identities
inner join new_workers on identities.worker_id = new_workers.worker_id
