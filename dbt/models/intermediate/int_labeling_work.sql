with tasks as (

    select * from {{ ref('int_tasks') }}
    where outcome = 'submitted'

),

jobs as (

    select * from {{ ref('int_labeling_jobs_described') }}

),

prices as (

    select * from {{ ref('int_prices') }}

),

work as (

    select
        labeling_job_name,
        worker_id,
        event_date,
        max(workteam_name) as workteam_name,
        max(account_id) as account_id,
        max(aws_region) as aws_region,
        max(workforce_type) as workforce_type,
        count(*) as task_count,
        cast(sum(case when is_measured then coalesce(active_seconds, elapsed_seconds) end) as decimal(18, 3))
            as worker_seconds
    from tasks
    group by labeling_job_name, worker_id, event_date

)

select
    work.labeling_job_name,
    work.worker_id,
    work.event_date,
    work.workteam_name,
    work.account_id,
    work.aws_region,
    coalesce(jobs.workforce_type, work.workforce_type) in ('public', 'vendor') as is_paid_by_task,
    work.task_count,
    work.worker_seconds,
    -- what is said of this very job, else what the job itself says, else what is said of all
    coalesce(
        job_prices.price_usd,
        cast(jobs.price_per_task_usd as decimal(18, 6)),
        any_prices.price_usd
    ) as task_price_usd,
    coalesce(team_rates.price_usd, any_rates.price_usd) as hour_price_usd
from work
inner join jobs on work.labeling_job_name = jobs.labeling_job_name
left join prices as job_prices
    on job_prices.price_kind = 'task_usd' and work.labeling_job_name = {{ caseless('job_prices.price_name') }}
left join prices as any_prices on any_prices.price_kind = 'task_usd' and any_prices.price_name = '*'
left join prices as team_rates
    on team_rates.price_kind = 'worker_hour_usd' and work.workteam_name = team_rates.price_name
left join prices as any_rates on any_rates.price_kind = 'worker_hour_usd' and any_rates.price_name = '*'
