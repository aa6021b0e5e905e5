with logged as (

    select distinct
        training_job_key,
        logged_place,
        account_id,
        aws_region
    from {{ ref('stg_training_logs__training_log_metrics') }}

),

jobs as (

    select * from {{ ref('int_training_jobs') }}

),

-- of several jobs of that name the newest is meant
ranked as (

    select
        logged.training_job_key,
        logged.logged_place,
        jobs.training_job_id,
        jobs.run_id,
        jobs.account_id,
        jobs.aws_region,
        row_number() over (
            partition by logged.training_job_key, logged.logged_place
            order by jobs.first_seen_at desc nulls last, jobs.training_job_id asc
        ) as job_rank
    from logged
    inner join jobs
        on
            logged.training_job_key = jobs.training_job_key
            and (jobs.account_id is null or logged.account_id is null or logged.account_id = jobs.account_id)
            and (jobs.aws_region is null or logged.aws_region is null or logged.aws_region = jobs.aws_region)

)

select
    training_job_key,
    logged_place,
    training_job_id,
    run_id,
    split_part(run_id, '/', 3) as run_name,
    account_id,
    aws_region
from ranked
where job_rank = 1
