with jobs as (

    select * from {{ ref('stg_training_jobs__training_jobs') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by training_job_id
            order by last_modified_at desc nulls last, event_at desc, described_uri desc
        ) as age_rank
    from jobs

)

select
    described_uri,
    training_job_id,
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
    algorithm,
    labeling_job_name,
    coalesce(
        experiment_name,
        labeling_job_name,
        {{ unstamped("coalesce(" ~ name_replaced('tuning_job_arn', "'^.*/'", "''") ~ ", training_job_name)") }}
    ) as job_family,
    input_channels_json,
    experiment_name,
    run_group,
    display_name,
    hyper_parameters,
    event_at
from ranked
where age_rank = 1
