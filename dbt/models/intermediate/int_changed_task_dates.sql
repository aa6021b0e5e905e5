with changed_days as (

    select * from {{ source('changed', 'days') }}

),

changed_dates as (

    select * from {{ ref('int_changed_event_dates') }}

),

changed_workers as (

    select * from {{ ref('int_changed_workers') }}

),

events as (

    select
        *,
        {{ worker_key() }} as worker_key
    from {{ ref('stg_worker_activity__worker_events') }}

),

tasks as (

    select * from {{ ref('int_tasks') }}

),

days as (

    select * from {{ ref('int_workforce_days') }}

),

-- a task is made of what its job, its log and its answers say: one of these changed
changed_jobs as (

    select {{ caseless('labeling_job_name') }} as labeling_job_name from {{ source('changed', 'worker_responses') }}
    union distinct
    select {{ caseless('labeling_job_name') }} as labeling_job_name from {{ source('changed', 'manifest_entries') }}
    union distinct
    select {{ caseless('labeling_job_name') }} as labeling_job_name from {{ source('changed', 'labeling_jobs') }}
    union distinct
    select {{ caseless('labeling_job_name') }} as labeling_job_name
    from {{ source('changed', 'labeling_job_states') }}
    union distinct
    select coalesce({{ caseless('labeling_job_name') }}, {{ unknown_job() }}) as labeling_job_name
    from {{ source('changed', 'worker_events') }}

),

-- a closed task stood at its acceptance while it was open
changed_times as (

    select
        events.accepted_at,
        events.event_at
    from events
    left join changed_jobs on events.labeling_job_name = changed_jobs.labeling_job_name
    left join changed_workers on events.worker_key = changed_workers.worker_key
    where changed_jobs.labeling_job_name is not null or changed_workers.worker_key is not null

),

-- the last time that the release before this one can have known of is not earlier than this
earlier as (

    select max(days.last_event_at) as as_of
    from days
    left join changed_days on days.day_start_at = changed_days.day_start_at
    where changed_days.day_start_at is null

),

-- open at that time, and maybe abandoned since
never_closed as (

    select tasks.event_date
    from tasks
    cross join earlier
    where
        tasks.outcome in ('open', 'abandoned')
        and (
            earlier.as_of is null
            or {{ seconds_between('tasks.accepted_at', 'earlier.as_of') }} <= tasks.task_time_limit_seconds
        )

),

-- what closed it may have been withdrawn with a changed day: it was at most as far off as the task's time
maybe_reopened as (

    select tasks.event_date
    from tasks
    inner join changed_days
        on
            {{ seconds_between('tasks.accepted_at', 'changed_days.day_start_at') }} > -86400
            and {{ seconds_between('tasks.accepted_at', 'changed_days.day_start_at') }} <= tasks.task_time_limit_seconds
    where tasks.outcome in ('open', 'abandoned')

),

dates as (

    select event_date from changed_dates
    union distinct
    select tasks.event_date
    from tasks
    inner join changed_jobs on tasks.labeling_job_name = changed_jobs.labeling_job_name
    union distinct
    select {{ reporting_date('accepted_at') }} as event_date from changed_times
    union distinct
    select {{ reporting_date('event_at') }} as event_date from changed_times
    union distinct
    select event_date from never_closed
    union distinct
    select event_date from maybe_reopened

)

select event_date from dates
where event_date is not null
order by event_date
