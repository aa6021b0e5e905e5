with points as (

    select * from {{ ref('int_run_metric_points') }}

),

run_metrics as (

    select * from {{ ref('int_run_metrics') }}

),

metric_names as (

    select * from {{ ref('int_training_metric_names') }}

),

totals as (

    select
        run_metric_number,
        count(*) as point_count,
        count(value_flag) as nan_count,
        min(metric_value) as least_value,
        max(metric_value) as greatest_value,
        avg(metric_value) as average_value,
        max(step) filter (where point_number = 1) as first_step,
        max(metric_value) filter (where point_number = 1) as first_value,
        min(metric_at) as started_at,
        max(metric_at) as ended_at
    from points
    group by run_metric_number

),

judged as (

    select
        totals.*,
        run_metrics.run_id,
        run_metrics.metric_name,
        run_metrics.has_steps,
        run_metrics.metric_source,
        metric_names.dataset_split,
        metric_names.metric_base_name,
        metric_names.is_higher_better,
        metric_names.minimum_value,
        metric_names.maximum_value,
        case
            when metric_names.is_higher_better then totals.greatest_value
            when not metric_names.is_higher_better then totals.least_value
        end as best_value
    from totals
    inner join run_metrics on totals.run_metric_number = run_metrics.run_metric_number
    inner join metric_names on run_metrics.metric_name = metric_names.metric_name

),

-- each point beside the totals of its metric: how far it is from the first, and in which fifth of them it lies
placed as (

    select
        points.run_metric_number,
        points.step,
        points.metric_value,
        points.previous_value,
        points.point_number = judged.point_count as is_last,
        points.metric_value = judged.best_value as is_best,
        floor((points.point_number - 1) * 5 / judged.point_count) + 1 as fifth,
        points.metric_value - judged.average_value as value_offset,
        case
            when judged.has_steps and points.metric_value is not null
                then cast(points.step as double) - cast(judged.first_step as double)
        end as step_offset,
        case
            when points.metric_value is not null
                then {{ seconds_between('judged.started_at', 'points.metric_at') }} / 3600
        end as hour_offset
    from points
    inner join judged on points.run_metric_number = judged.run_metric_number

),

sums as (

    select
        run_metric_number,
        max(metric_value) filter (where is_last) as final_value,
        max(step) filter (where is_last) as final_step,
        min(step) filter (where is_best) as best_step,
        sum(step_offset * value_offset) as step_covariance,
        sum(step_offset * step_offset) - sum(step_offset) * sum(step_offset) / nullif(count(step_offset), 0)
            as step_variance,
        sum(hour_offset * value_offset) as hour_covariance,
        sum(hour_offset * hour_offset) - sum(hour_offset) * sum(hour_offset) / nullif(count(hour_offset), 0)
            as hour_variance,
        avg(metric_value) filter (where fifth = 1) as average_1,
        avg(metric_value) filter (where fifth = 2) as average_2,
        avg(metric_value) filter (where fifth = 3) as average_3,
        avg(metric_value) filter (where fifth = 4) as average_4,
        avg(metric_value) filter (where fifth = 5) as average_5,
        avg(abs(metric_value - previous_value)) filter (where fifth < 5) as average_change
    from placed
    group by run_metric_number

),

-- how much worse the last fifth is than the best before it, and what that is measured by
stretches as (

    select
        *,
        least(average_1, average_2, average_3, average_4) as least_average,
        greatest(average_1, average_2, average_3, average_4) as greatest_average
    from sums

)

select
    judged.run_id,
    judged.metric_name,
    judged.dataset_split,
    judged.metric_base_name,
    judged.is_higher_better,
    judged.point_count,
    judged.nan_count,
    judged.first_value,
    stretches.final_value,
    judged.best_value,
    stretches.best_step,
    judged.first_step,
    stretches.final_step,
    judged.started_at,
    judged.ended_at,
    {{ seconds_between('judged.started_at', 'judged.ended_at') }} as duration_seconds,
    {{ finite('stretches.step_covariance / nullif(stretches.step_variance, 0)') }} as slope_per_step,
    {{ finite('stretches.hour_covariance / nullif(stretches.hour_variance, 0)') }} as slope_per_hour,
    judged.minimum_value,
    judged.maximum_value,
    {{ finite('stretches.average_1') }} as first_average,
    {{ finite('stretches.average_5') }} as last_average,
    {{ finite('case when judged.is_higher_better then stretches.greatest_average else stretches.least_average end') }}
        as best_average,
    {{ finite('stretches.average_change') }} as average_change,
    judged.metric_source
from judged
inner join stretches on judged.run_metric_number = stretches.run_metric_number
