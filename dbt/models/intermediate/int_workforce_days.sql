with events as (

    select * from {{ ref('stg_worker_activity__worker_events') }}

),

answers as (

    select * from {{ ref('stg_labeling_output__worker_responses') }}

),

teams as (

    select * from {{ ref('stg_workteams__workteams') }}

),

users as (

    select * from {{ ref('stg_workers__workers') }}

),

times as (

    select event_at from events
    where not is_ahead_of_time
    union all
    select event_at from answers
    union all
    select event_at from teams
    union all
    select event_at from users

)

select
    {{ utc_day('event_at') }} as day_start_at,
    max(event_at) as last_event_at
from times
group by {{ utc_day('event_at') }}
