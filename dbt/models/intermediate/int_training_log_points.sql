with lines as (

    select * from {{ ref('stg_training_logs__training_log_metrics') }}

),

runs as (

    select * from {{ ref('int_training_log_runs') }}

),

sent as (

    select * from {{ ref('int_cloudtrail_run_metrics') }}

),

-- what a run sent itself counts; its log would tell the same once more
placed as (

    select
        lines.*,
        runs.run_id,
        runs.run_name,
        runs.account_id as run_account_id,
        runs.aws_region as run_region
    from lines
    inner join runs
        on
            lines.training_job_key = runs.training_job_key
            and lines.logged_place = runs.logged_place
    left join sent on runs.run_id = sent.run_id and lines.metric_name = sent.metric_name
    where sent.run_id is null

),

-- epochs and batches are counted apart: their numbers give no order together
counted as (

    select
        run_id,
        metric_name,
        coalesce(min(step_name), '') = coalesce(max(step_name), '') as is_one_count
    from placed
    group by run_id, metric_name

)

select
    placed.log_event_id as event_id,
    cast(
        row_number() over (partition by placed.log_event_id order by placed.metric_name) - 1 as integer
    ) as point_index,
    placed.run_id,
    placed.run_name,
    placed.run_account_id as account_id,
    placed.run_region as aws_region,
    placed.metric_name,
    case when counted.is_one_count then placed.step end as step,
    placed.metric_value,
    placed.value_flag,
    placed.metric_at,
    placed.event_at,
    placed.event_date
from placed
inner join counted on placed.run_id = counted.run_id and placed.metric_name = counted.metric_name
