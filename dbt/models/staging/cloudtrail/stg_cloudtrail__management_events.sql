with source as (

    select * from {{ source('raw', 'management_events') }}

),

renamed as (

    select
        event_id,
        event_source,
        event_name,
        account_id,
        aws_region,
        error_code,
        principal_arn,
        {{ caseless(json_text('request_json', 'trialComponentName')) }} as trial_component_name,
        coalesce(
            {{ json_text('request_json', 'displayName') }},
            {{ json_text('request_json', 'experimentConfig.trialComponentDisplayName') }}
        ) as display_name,
        {{ caseless("coalesce("
            ~ json_text('request_json', 'trialName') ~ ", "
            ~ json_text('request_json', 'experimentConfig.trialName') ~ ")") }} as trial_name,
        {{ caseless("coalesce("
            ~ json_text('request_json', 'experimentName') ~ ", "
            ~ json_text('request_json', 'experimentConfig.experimentName') ~ ")") }} as experiment_name,
        {{ caseless(json_text('request_json', 'experimentConfig.runName')) }} as experiment_run_name,
        {{ json_text('request_json', 'trainingJobName') }} as training_job_name,
        {{ json_text('request_json', 'status.primaryStatus') }} as primary_status,
        event_at
    from source

)

select * from renamed
