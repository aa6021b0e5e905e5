with source as (

    select * from {{ source('raw', 'trial_components') }}

),

renamed as (

    select
        unit_uri as described_uri,
        {{ run_id(caseless('trial_component_name')) }} as run_id,
        {{ caseless('trial_component_name') }} as run_name,
        account_id,
        aws_region,
        display_name,
        source_type,
        training_job_name,
        {{ run_id(caseless('training_job_name')) }} as training_job_id,
        status,
        started_at,
        ended_at,
        created_at,
        last_modified_at,
        {{ caseless('trial_name') }} as run_group,
        {{ caseless('experiment_name') }} as experiment_name,
        parameters,
        event_at
    from source

)

select * from renamed
