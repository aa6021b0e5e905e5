with jobs as (

    select * from {{ ref('dim_training_job') }}

),

runs as (

    select * from {{ ref('dim_run') }}

),

metrics as (

    select * from {{ ref('fct_run_metric') }}
    where meets_criterion is not null

),

newest_time as (

    select * from {{ ref('int_newest_time') }}

),

-- trainings that a labelling job starts for itself are no model that anyone waits for
trainings as (

    select
        job_family,
        account_id,
        aws_region,
        training_job_id as training_id,
        status,
        coalesce(training_started_at, created_at) as began_at,
        training_ended_at as ended_at,
        run_seconds,
        cost_usd
    from jobs
    where not is_automated_labeling
    union all
    select
        runs.job_family,
        runs.account_id,
        runs.aws_region,
        runs.run_id as training_id,
        runs.status,
        coalesce(runs.started_at, runs.first_point_at) as began_at,
        coalesce(runs.completed_at, runs.last_point_at) as ended_at,
        runs.duration_seconds as run_seconds,
        cast(null as decimal(18, 6)) as cost_usd
    from runs
    left join jobs on runs.run_id = jobs.run_id
    where jobs.run_id is null and runs.point_count > 0

),

ordered as (

    select
        *,
        coalesce(account_id, 'unknown') || '/' || coalesce(aws_region, 'unknown') || '/' || job_family as family_id,
        lag(began_at) over (partition by account_id, aws_region, job_family order by began_at, training_id)
            as previous_began_at
    from trainings
    where began_at is not null

),

totals as (

    select
        family_id,
        max(job_family) as job_family,
        max(account_id) as account_id,
        max(aws_region) as aws_region,
        count(*) as job_count,
        min(began_at) as first_trained_at,
        max(began_at) as last_trained_at,
        max(coalesce(ended_at, began_at)) filter (where coalesce(status, 'Completed') = 'Completed')
            as last_completed_at,
        -- the last that is known not to have failed
        max(began_at) filter (where coalesce(status, 'Completed') = 'Completed') as last_sound_at,
        {{ quantile(seconds_between('previous_began_at', 'began_at'), 0.5) }} as usual_gap_seconds,
        cast(sum(cost_usd) as decimal(38, 6)) as cost_usd
    from ordered
    group by family_id

),

failures as (

    select
        ordered.family_id,
        min(ordered.began_at) as failing_since,
        count(*) as failed_count
    from ordered
    inner join totals on ordered.family_id = totals.family_id
    where ordered.status = 'Failed' and (totals.last_sound_at is null or ordered.began_at > totals.last_sound_at)
    group by ordered.family_id

),

-- a run under way has no final values yet, and a failed one did not get there
judged as (

    select
        coalesce(runs.account_id, 'unknown') || '/' || coalesce(runs.aws_region, 'unknown') || '/' || runs.job_family
            as family_id,
        metrics.run_id,
        min(metrics.started_at) as began_at,
        count(*) filter (where not metrics.meets_criterion) as below_count
    from metrics
    inner join runs on metrics.run_id = runs.run_id
    where coalesce(runs.status, 'Completed') in ('Completed', 'Stopped')
    group by runs.account_id, runs.aws_region, runs.job_family, metrics.run_id

),

judgements as (

    select
        family_id,
        max(began_at) filter (where below_count = 0) as last_good_at
    from judged
    group by family_id

),

shortfalls as (

    select
        judged.family_id,
        min(judged.began_at) as below_criterion_since,
        count(*) as below_criterion_count
    from judged
    inner join judgements on judged.family_id = judgements.family_id
    where
        judged.below_count > 0
        and (judgements.last_good_at is null or judged.began_at > judgements.last_good_at)
    group by judged.family_id

),

-- three times the usual gap, and a week at least: after four trainings or more there is something usual
measured as (

    select
        totals.*,
        failures.failing_since,
        coalesce(failures.failed_count, 0) as failed_count,
        shortfalls.below_criterion_since,
        coalesce(shortfalls.below_criterion_count, 0) as below_criterion_count,
        {{ seconds_between('totals.last_trained_at', 'newest_time.as_of') }} as silent_seconds,
        {{ seconds_between('totals.last_completed_at', 'newest_time.as_of') }} as stale_seconds
    from totals
    cross join newest_time
    left join failures on totals.family_id = failures.family_id
    left join shortfalls on totals.family_id = shortfalls.family_id

),

found as (

    select
        *,
        coalesce(job_count >= 4 and silent_seconds > greatest(3 * usual_gap_seconds, 604800), false) as is_silent,
        failed_count >= 2 as is_failing,
        below_criterion_count > 0 as is_below_criterion
    from measured

)

select
    family_id,
    job_family,
    account_id,
    aws_region,
    job_count,
    first_trained_at,
    last_trained_at,
    last_completed_at,
    usual_gap_seconds,
    cast(greatest(silent_seconds, 0) as double) as silent_seconds,
    is_silent,
    failing_since,
    failed_count,
    is_failing,
    below_criterion_since,
    below_criterion_count,
    is_below_criterion,
    cost_usd,
    nullif(
        concat_ws(
            ' ',
            case
                when is_failing
                    then
                        'Every try since ' || cast({{ reporting_date('failing_since') }} as varchar) || ' failed, '
                        || failed_count || ' in a row'
                        || coalesce(
                            '; the last model is of ' || cast({{ reporting_date('last_completed_at') }} as varchar), ''
                        ) || '.'
            end,
            case
                when is_silent
                    then
                        'Not trained since ' || cast({{ reporting_date('last_trained_at') }} as varchar) || ', for '
                        || {{ spoken_duration('silent_seconds') }} || '; before, it was every '
                        || {{ spoken_duration('usual_gap_seconds') }} || '.'
            end,
            case
                when is_below_criterion
                    then
                        'Below its minimum criterion since '
                        || cast({{ reporting_date('below_criterion_since') }} as varchar) || ', '
                        || below_criterion_count
                        || case when below_criterion_count = 1 then ' run.' else ' runs in a row.' end
            end
        ),
        ''
    ) as finding
from found
order by family_id
