with metrics as (

    select * from {{ ref('stg_cloudwatch_metrics__cloudwatch_metrics') }}

),

submissions as (

    select * from metrics
    where
        lower(namespace) = 'aws/sagemaker/workteam'
        and metric_name = 'TasksSubmitted'
        and statistic = 'Sum'
        and {{ map_value('dimensions', "'LabelingJob'") }} is not null

),

counted as (

    {{ finest_periods('submissions') }}

),

-- the same tasks are counted by team and by worker: by team where that is known, never both
named as (

    select
        event_date,
        metric_value,
        {{ caseless("regexp_replace(" ~ map_value('dimensions', "'LabelingJob'") ~ ", '^.*labeling-job/', '')") }}
            as labeling_job_name,
        {{ map_value('dimensions', "'WorkerId'") }} is null as is_of_team
    from counted

),

sums as (

    select
        labeling_job_name,
        event_date,
        sum(case when is_of_team then metric_value end) as team_task_count,
        sum(case when not is_of_team then metric_value end) as worker_task_count
    from named
    group by labeling_job_name, event_date

)

select
    labeling_job_name,
    event_date,
    {{ whole('coalesce(team_task_count, worker_task_count)') }} as cloudwatch_task_count
from sums
