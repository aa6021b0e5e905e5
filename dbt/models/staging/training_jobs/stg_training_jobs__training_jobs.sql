with source as (

    select * from {{ source('raw', 'training_jobs') }}

),

renamed as (

    select
        unit_uri as described_uri,
        {{ run_id(caseless('training_job_name')) }} as training_job_id,
        training_job_name,
        account_id,
        aws_region,
        status,
        secondary_status,
        failure_reason,
        created_at,
        training_started_at,
        training_ended_at,
        last_modified_at,
        training_seconds,
        billable_seconds,
        warm_pool_billable_seconds,
        instance_type,
        instance_count,
        instance_groups_json,
        is_spot,
        {{ algorithm_of('algorithm_name', 'training_image') }} as algorithm,
        {{ caseless('labeling_job_name') }} as labeling_job_name,
        tuning_job_arn,
        input_channels_json,
        {{ caseless('experiment_name') }} as experiment_name,
        {{ caseless('trial_name') }} as run_group,
        run_name as display_name,
        hyper_parameters,
        event_at
    from source

)

select * from renamed
