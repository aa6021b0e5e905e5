with metrics as (

    select
        *,
        {{ caseless("regexp_replace(resource_name, '^.*labeling-job/', '')") }} as labeling_job_name
    from {{ ref('fct_metric_period') }}
    where metric_group = 'Ground Truth job' and resource_name is not null

)

-- the counters only rise: what a period says is the most it says
select
    labeling_job_name,
    period_seconds,
    period_at,
    event_date,
    {{ whole(statistic_of('DatasetObjectsHumanAnnotated', 'Maximum')) }} as human_labeled_count,
    {{ whole(statistic_of('DatasetObjectsAutoAnnotated', 'Maximum')) }} as machine_labeled_count,
    {{ whole(statistic_of('DatasetObjectsLabelingFailed', 'Maximum')) }} as failed_count,
    {{ whole(statistic_of('TotalDatasetObjectsLabeled', 'Maximum')) }} as total_labeled_count
from metrics
where
    statistic = 'Maximum'
    and metric_name in (
        'DatasetObjectsHumanAnnotated',
        'DatasetObjectsAutoAnnotated',
        'DatasetObjectsLabelingFailed',
        'TotalDatasetObjectsLabeled'
    )
group by labeling_job_name, period_seconds, period_at, event_date
order by event_date, labeling_job_name, period_at, period_seconds
