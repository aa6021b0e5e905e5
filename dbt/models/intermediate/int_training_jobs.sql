with described as (

    select * from {{ ref('int_training_jobs_described') }}

),

components as (

    select * from {{ ref('stg_trial_components__trial_components') }}

),

calls as (

    select
        *,
        {{ run_id(caseless('training_job_name')) }} as training_job_id
    from {{ ref('stg_cloudtrail__management_events') }}
    where
        event_source = 'sagemaker.amazonaws.com'
        and event_name = 'CreateTrainingJob'
        and error_code is null
        and training_job_name is not null

),

measured as (

    select * from {{ ref('int_cloudtrail_run_metrics') }}

),

registered as (

    select * from {{ ref('int_training_runs_registered') }}
    where is_registered

),

logged as (

    select
        training_job_key,
        account_id,
        aws_region,
        max(training_job_name) as training_job_name,
        min(event_at) as first_seen_at
    from {{ ref('stg_training_logs__training_log_metrics') }}
    group by training_job_key, account_id, aws_region

),

-- AWS names the trial component that it makes for a job after it
own_runs as (

    select
        account_id,
        aws_region,
        left(run_name, length(run_name) - length('-aws-training-job')) as training_job_name,
        first_event_at
    from measured
    where run_name like '%-aws-training-job'

),

named as (

    select
        training_job_id,
        training_job_name,
        account_id,
        aws_region,
        created_at as seen_at,
        1 as name_rank
    from described
    union all
    select
        training_job_id,
        training_job_name,
        account_id,
        aws_region,
        event_at as seen_at,
        1 as name_rank
    from calls
    union all
    select
        training_job_id,
        training_job_name,
        account_id,
        aws_region,
        created_at as seen_at,
        2 as name_rank
    from components
    where training_job_name is not null
    union all
    select
        {{ run_id('training_job_name') }} as training_job_id,
        training_job_name,
        account_id,
        aws_region,
        first_event_at as seen_at,
        3 as name_rank
    from own_runs

),

-- the newest spelling of the best source
spelled as (

    select
        *,
        min(seen_at) over (partition by training_job_id) as first_seen_at,
        row_number() over (
            partition by training_job_id order by name_rank asc, seen_at desc nulls last, training_job_name desc
        ) as spelling_rank
    from named

),

known as (

    select
        training_job_id,
        training_job_name,
        {{ caseless('training_job_name') }} as training_job_key,
        account_id,
        aws_region,
        first_seen_at
    from spelled
    where spelling_rank = 1

),

-- a saved log says no place; what nothing else knows is a job all the same
only_logged as (

    select
        {{ run_id('training_job_key') }} as training_job_id,
        training_job_name,
        training_job_key,
        account_id,
        aws_region,
        first_seen_at
    from logged
    where
        not exists (
            select 1
            from known
            where
                known.training_job_key = logged.training_job_key
                and coalesce(known.account_id, logged.account_id, '') = coalesce(logged.account_id, known.account_id, '')
                and coalesce(known.aws_region, logged.aws_region, '') = coalesce(logged.aws_region, known.aws_region, '')
        )

),

jobs as (

    select * from known
    union all
    select * from only_logged

),

-- the SDK names the trial component of a run after its experiment and itself
candidates as (

    select
        training_job_id,
        {{ run_id("experiment_name || '-' || " ~ caseless('display_name')) }} as run_id,
        1 as candidate_rank
    from described
    union all
    select
        training_job_id,
        {{ run_id("experiment_name || '-' || experiment_run_name") }} as run_id,
        1 as candidate_rank
    from calls
    union all
    select
        training_job_id,
        {{ run_id('experiment_run_name') }} as run_id,
        2 as candidate_rank
    from calls
    union all
    select
        training_job_id,
        {{ run_id(caseless('display_name')) }} as run_id,
        2 as candidate_rank
    from described
    union all
    select
        training_job_id,
        run_id,
        3 as candidate_rank
    from components
    where training_job_name is not null

),

known_runs as (

    select run_id from measured
    union distinct
    select run_id from registered
    union distinct
    select run_id from components

),

ranked as (

    select
        candidates.training_job_id,
        candidates.run_id,
        row_number() over (
            partition by candidates.training_job_id order by candidates.candidate_rank, candidates.run_id
        ) as choice_rank
    from candidates
    inner join known_runs on candidates.run_id = known_runs.run_id

)

select
    jobs.training_job_id,
    jobs.training_job_name,
    jobs.training_job_key,
    jobs.account_id,
    jobs.aws_region,
    jobs.first_seen_at,
    coalesce(ranked.run_id, jobs.training_job_id || '-aws-training-job') as run_id
from jobs
left join ranked on jobs.training_job_id = ranked.training_job_id and ranked.choice_rank = 1
