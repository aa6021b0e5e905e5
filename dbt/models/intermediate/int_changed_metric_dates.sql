with changed_days as (

    select * from {{ source('changed', 'days') }}

),

changed_dates as (

    select * from {{ ref('int_changed_event_dates') }}

),

lines as (

    select * from {{ ref('stg_training_logs__training_log_metrics') }}

),

runs as (

    select * from {{ ref('int_training_log_runs') }}

),

changed_calls as (

    select
        calls.training_job_name,
        calls.trial_component_name,
        calls.account_id,
        calls.aws_region
    from {{ ref('stg_cloudtrail__management_events') }} as calls
    inner join changed_days on {{ utc_day('calls.event_at') }} = changed_days.day_start_at

),

-- which run a job's log belongs to, how its steps are counted, and whether the run sent the metric itself
changed_jobs as (

    select {{ caseless('training_job_name') }} as training_job_key from {{ source('changed', 'training_jobs') }}
    union distinct
    select {{ caseless('training_job_name') }} as training_job_key from {{ source('changed', 'trial_components') }}
    union distinct
    select {{ caseless('training_job_name') }} as training_job_key from {{ source('changed', 'training_log_metrics') }}
    union distinct
    select {{ caseless('training_job_name') }} as training_job_key from changed_calls

),

changed_runs as (

    select {{ run_id(caseless('trial_component_name')) }} as run_id from {{ source('changed', 'training_metrics') }}
    union distinct
    select {{ run_id(caseless('trial_component_name')) }} as run_id from {{ source('changed', 'trial_components') }}
    union distinct
    select {{ run_id('trial_component_name') }} as run_id from changed_calls

),

jobs as (

    select
        lines.training_job_key,
        runs.run_id,
        min({{ utc_day('lines.event_at') }}) as first_day_at,
        max({{ utc_day('lines.event_at') }}) as last_day_at
    from lines
    inner join runs
        on
            lines.training_job_key = runs.training_job_key
            and lines.logged_place = runs.logged_place
    group by lines.training_job_key, runs.run_id

),

-- what a changed day no longer holds was sent while the job ran
touched_jobs as (

    select distinct jobs.training_job_key
    from jobs
    left join changed_jobs on jobs.training_job_key = changed_jobs.training_job_key
    left join changed_runs on jobs.run_id = changed_runs.run_id
    left join changed_days on changed_days.day_start_at between jobs.first_day_at and jobs.last_day_at
    where
        changed_jobs.training_job_key is not null
        or changed_runs.run_id is not null
        or changed_days.day_start_at is not null

),

dates as (

    select event_date from changed_dates
    union distinct
    select lines.event_date
    from lines
    inner join touched_jobs on lines.training_job_key = touched_jobs.training_job_key

)

select event_date from dates
order by event_date
