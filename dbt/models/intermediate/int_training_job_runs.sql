with jobs as (

    select * from {{ ref('stg_cloudtrail__management_events') }}
    where
        event_source = 'sagemaker.amazonaws.com'
        and event_name = 'CreateTrainingJob'
        and error_code is null
        and experiment_run_name is not null

),

-- the SDK names the trial component of a run after its experiment and itself
names as (

    select
        {{ run_id('experiment_run_name') }} as run_id,
        training_job_name
    from jobs
    union all
    select
        {{ run_id("experiment_name || '-' || experiment_run_name") }} as run_id,
        training_job_name
    from jobs
    where experiment_name is not null

)

select
    run_id,
    max(training_job_name) as training_job_name
from names
group by run_id
