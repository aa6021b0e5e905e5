with jobs as (

    select
        *,
        coalesce(training_started_at, created_at) as began_at,
        coalesce(training_seconds, {{ seconds_between('training_started_at', 'training_ended_at') }}) as run_seconds
    from {{ ref('int_training_jobs_described') }}

),

runs as (

    select * from {{ ref('int_training_jobs') }}

),

instances as (

    select * from {{ ref('int_training_job_instances') }}

),

labels as (

    select * from {{ ref('int_training_job_labels') }}

),

final_values as (

    select
        described_uri,
        metric_name,
        coalesce(cast(metric_value as varchar), value_flag) as metric_text,
        row_number() over (
            partition by described_uri, metric_name order by metric_at desc nulls last, final_metric_id desc
        ) as age_rank
    from {{ ref('stg_training_jobs__training_job_metrics') }}

),

final_metrics as (

    select
        described_uri,
        {{ map_of('metric_name', 'metric_text') }} as final_metrics
    from final_values
    where age_rank = 1
    group by described_uri

),

-- an hour of all instances has a price where each of them has
priced as (

    select
        training_job_id,
        {{ the_only('instance_type') }} as instance_type,
        cast(sum(instance_count) as bigint) as instance_count,
        case when count(price_usd) = count(*) then cast(sum(instance_count * price_usd) as decimal(18, 6)) end
            as price_per_hour_usd
    from instances
    group by training_job_id

),

costed as (

    select
        jobs.*,
        priced.instance_type as priced_instance_type,
        priced.instance_count as all_instance_count,
        priced.price_per_hour_usd,
        {{ cost_of_seconds('jobs.billable_seconds', 'priced.price_per_hour_usd') }} as cost_usd
    from jobs
    left join priced on jobs.training_job_id = priced.training_job_id

),

-- the jobs of a family, one after the other
ordered as (

    select
        *,
        row_number() over family_order as family_number,
        lag(coalesce(training_ended_at, last_modified_at)) over family_order as previous_ended_at
    from costed
    window family_order as (
        partition by account_id, aws_region, job_family
        order by began_at, training_job_id
    )

),

usual as (

    select
        ordered.training_job_id,
        {{ quantile('others.cost_usd', 0.5) }} as usual_cost_usd,
        {{ quantile('others.run_seconds', 0.5) }} as usual_run_seconds
    from ordered
    inner join ordered as others
        on
            ordered.job_family = others.job_family
            and ordered.account_id is not distinct from others.account_id
            and ordered.aws_region is not distinct from others.aws_region
            and others.family_number between ordered.family_number - 10 and ordered.family_number - 1
    where others.run_seconds > 0 and others.status != 'Failed'
    group by ordered.training_job_id
    having count(*) >= 3

)

select
    ordered.training_job_id,
    ordered.training_job_name,
    runs.run_id,
    ordered.job_family,
    ordered.account_id,
    ordered.aws_region,
    ordered.experiment_name,
    ordered.run_group,
    ordered.status,
    ordered.secondary_status,
    ordered.failure_reason,
    ordered.algorithm,
    ordered.priced_instance_type as instance_type,
    ordered.all_instance_count as instance_count,
    ordered.is_spot,
    ordered.created_at,
    ordered.training_started_at,
    ordered.training_ended_at,
    {{ reporting_date('ordered.created_at') }} as created_date,
    {{ seconds_between('ordered.created_at', 'ordered.training_started_at') }} as waiting_seconds,
    cast(ordered.run_seconds as double) as run_seconds,
    ordered.billable_seconds,
    ordered.warm_pool_billable_seconds,
    ordered.price_per_hour_usd,
    ordered.cost_usd,
    cast(usual.usual_run_seconds as double) as usual_run_seconds,
    cast(usual.usual_cost_usd as double) as usual_cost_usd,
    cast(ordered.cost_usd as double) / nullif(usual.usual_cost_usd, 0) as cost_ratio,
    case
        when ordered.is_spot
            then 1 - cast(ordered.billable_seconds as double) / nullif(ordered.training_seconds, 0)
    end as spot_saving_ratio,
    ordered.family_number,
    {{ seconds_between('ordered.previous_ended_at', 'ordered.began_at') }} as gap_seconds,
    labels.labeling_job_name,
    ordered.labeling_job_name is not null as is_automated_labeling,
    ordered.hyper_parameters,
    final_metrics.final_metrics
from ordered
inner join runs on ordered.training_job_id = runs.training_job_id
left join usual on ordered.training_job_id = usual.training_job_id
left join labels on ordered.training_job_id = labels.training_job_id
left join final_metrics on ordered.described_uri = final_metrics.described_uri
order by ordered.training_job_id
