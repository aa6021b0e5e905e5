with changed_days as (

    select * from {{ source('changed', 'days') }}

),

changed_entries as (

    select
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        {{ caseless('manifest_labeling_job_name') }} as manifest_labeling_job_name
    from {{ source('changed', 'manifest_entries') }}

),

-- frames of an answer in files of their own, which may come after it
changed_folders as (
    {% for table in ['annotations', 'worker_responses'] %}
        select
            {{ caseless('labeling_job_name') }} as labeling_job_name,
            dataset_object_id,
            iteration_number,
            answer_folder
        from {{ source('changed', table) }}
        where answer_folder is not null
        {% if not loop.last %}union distinct{% endif %}
    {% endfor %}
),

responses as (

    select
        labeling_job_name,
        dataset_object_id,
        iteration_number,
        answer_folder,
        {{ worker_key() }} as worker_key,
        event_date
    from {{ ref('stg_labeling_output__worker_responses') }}

),

changed_workers as (

    select * from {{ ref('int_changed_workers') }}

),

-- answers are compared with their job's own manifest only, and a unit is loaded whole:
-- where it changed, each of its entries is among the changed ones
changed_jobs as (

    select distinct labeling_job_name
    from changed_entries
    where manifest_labeling_job_name = labeling_job_name

),

-- a UTC day lies in at most two dates of any zone: those of its first and of its last second
dates as (

    select {{ reporting_date('day_start_at') }} as event_date from changed_days
    union distinct
    select {{ reporting_date("day_start_at + interval '86399' second") }} as event_date from changed_days
    union distinct
    select responses.event_date
    from responses
    inner join changed_jobs on responses.labeling_job_name = changed_jobs.labeling_job_name
    union distinct
    select responses.event_date
    from responses
    inner join changed_workers on responses.worker_key = changed_workers.worker_key
    union distinct
    select responses.event_date
    from responses
    inner join changed_folders
        on
            responses.labeling_job_name = changed_folders.labeling_job_name
            and responses.dataset_object_id = changed_folders.dataset_object_id
            and responses.iteration_number = changed_folders.iteration_number
            and responses.answer_folder = changed_folders.answer_folder

)

select event_date from dates
order by event_date
