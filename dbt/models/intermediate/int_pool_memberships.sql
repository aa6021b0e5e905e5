with users as (

    select * from {{ ref('stg_workers__workers') }}

),

-- a listing is loaded whole or not at all: who is not on it has left
listings as (

    select
        user_pool_id,
        event_at,
        lead(event_at) over (partition by user_pool_id order by event_at) as next_listing_at
    from users
    group by user_pool_id, event_at

),

ranked as (

    select
        *,
        row_number() over (
            partition by user_pool_id, worker_pseudonym
            order by event_at desc, listing_id desc
        ) as age_rank,
        min(created_at) over (partition by user_pool_id, worker_pseudonym) as first_created_at,
        min(event_at) over (partition by user_pool_id, worker_pseudonym) as first_listed_at
    from users

)

select
    coalesce(ranked.user_pool_id, '') as user_pool_id,
    ranked.worker_pseudonym,
    ranked.identity_provider,
    ranked.user_status,
    ranked.is_enabled,
    least(coalesce(ranked.first_created_at, ranked.first_listed_at), ranked.first_listed_at) as joined_at,
    ranked.event_at as last_listed_at,
    listings.next_listing_at as left_at
from ranked
inner join listings
    on
        coalesce(ranked.user_pool_id, '') = coalesce(listings.user_pool_id, '')
        and ranked.event_at = listings.event_at
where ranked.age_rank = 1
