with source as (

    select * from {{ source('raw', 'worker_events') }}

),

bare as (

    select
        *,
        {{ bare_worker_id('worker_id') }} as bare_worker_id
    from source

),

renamed as (

    select
        activity_id,
        coalesce({{ caseless('labeling_job_name') }}, {{ unknown_job() }}) as labeling_job_name,
        coalesce(bare_worker_id, worker_pseudonym, {{ unknown_worker() }}) as worker_id,
        worker_pseudonym,
        workteam_name,
        account_id,
        aws_region,
        job_type,
        -- the log of 2019 says TasksSubmitted
        case lower(event_type)
            when 'tasksaccepted' then 'accepted'
            when 'taskaccepted' then 'accepted'
            when 'taskssubmitted' then 'submitted'
            when 'tasksubmitted' then 'submitted'
            when 'tasksreturned' then 'returned'
            when 'taskreturned' then 'returned'
            when 'tasksdeclined' then 'declined'
            when 'taskdeclined' then 'declined'
            else 'other'
        end as event_kind,
        event_type,
        accepted_at,
        submitted_at,
        returned_at,
        declined_at,
        coalesce(time_flag, '') = 'future' as is_ahead_of_time,
        event_at,
        {{ reporting_date('event_at') }} as event_date
    from bare

)

select * from renamed
