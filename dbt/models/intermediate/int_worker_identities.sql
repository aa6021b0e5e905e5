with answers as (

    select * from {{ ref('stg_labeling_output__worker_responses') }}

),

events as (

    select * from {{ ref('stg_worker_activity__worker_events') }}

),

users as (

    select * from {{ ref('stg_workers__workers') }}

),

captured as (

    select
        worker_id,
        worker_pseudonym
    from answers
    union distinct
    select
        worker_id,
        worker_pseudonym
    from events
    union distinct
    select
        worker_pseudonym as worker_id,
        worker_pseudonym
    from users

),

-- where a source has no id, the pseudonym stands in its place
with_both as (

    select
        worker_id,
        worker_pseudonym
    from captured
    where worker_id != worker_pseudonym

),

ids as (

    select
        worker_pseudonym,
        min(worker_id) as worker_id
    from with_both
    group by worker_pseudonym

),

pseudonyms as (

    select
        worker_id,
        min(worker_pseudonym) as worker_pseudonym
    from with_both
    group by worker_id

),

keyed as (

    select
        {{ worker_key() }} as worker_key,
        worker_id,
        worker_pseudonym
    from captured

),

with_pseudonym as (

    select
        keyed.worker_key,
        keyed.worker_id,
        coalesce(keyed.worker_pseudonym, pseudonyms.worker_pseudonym) as worker_pseudonym
    from keyed
    left join pseudonyms on keyed.worker_id = pseudonyms.worker_id

)

select
    with_pseudonym.worker_key,
    coalesce(ids.worker_id, with_pseudonym.worker_id) as worker_id,
    with_pseudonym.worker_pseudonym
from with_pseudonym
left join ids on with_pseudonym.worker_pseudonym = ids.worker_pseudonym
