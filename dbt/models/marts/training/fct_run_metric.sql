with figures as (

    select * from {{ ref('int_run_metric_figures') }}

),

runs as (

    select * from {{ ref('dim_run') }}

),

-- the runs of a series, one after the other, for each metric
ordered as (

    select
        figures.*,
        runs.run_name,
        runs.account_id,
        runs.aws_region,
        runs.run_group,
        runs.experiment_name,
        runs.training_job_name,
        coalesce(runs.account_id, '')
        || '/' || coalesce(runs.aws_region, '')
        || '/' || coalesce(runs.experiment_name, '') as series,
        row_number() over series_order as series_number,
        lag(figures.ended_at) over series_order as previous_ended_at,
        lag(figures.final_value) over series_order as previous_final_value
    from figures
    inner join runs on figures.run_id = runs.run_id
    window series_order as (
        partition by runs.account_id, runs.aws_region, runs.experiment_name, figures.metric_name
        order by figures.started_at, figures.run_id
    )

),

-- up to five runs before and five after
neighbours as (

    select
        ordered.run_id,
        ordered.metric_name,
        others.final_value
    from ordered
    inner join ordered as others
        on
            ordered.series = others.series
            and ordered.metric_name = others.metric_name
            and others.series_number between ordered.series_number - 5 and ordered.series_number + 5
            and ordered.series_number != others.series_number
    where others.final_value is not null

),

medians as (

    select
        run_id,
        metric_name,
        {{ finite('percentile_cont(0.5) within group (order by final_value)') }} as median_value
    from neighbours
    group by run_id, metric_name
    having count(*) >= 3

),

scatters as (

    select
        neighbours.run_id,
        neighbours.metric_name,
        medians.median_value,
        {{ finite('percentile_cont(0.5) within group (order by abs(neighbours.final_value - medians.median_value))') }}
            as median_deviation
    from neighbours
    inner join medians
        on
            neighbours.run_id = medians.run_id
            and neighbours.metric_name = medians.metric_name
    group by neighbours.run_id, neighbours.metric_name, medians.median_value

),

-- a metric without a prefix beside one of validation is that of training: loss and val_loss
pairs as (

    select
        run_id,
        lower(metric_base_name) as metric_base_name,
        count(*) filter (where dataset_split = 'validation') as validation_count,
        max(final_value) filter (where dataset_split = 'validation') as validation_value,
        count(*) filter (where dataset_split = 'train') as train_count,
        max(final_value) filter (where dataset_split = 'train') as train_value,
        count(*) filter (where dataset_split is null) as plain_count,
        max(final_value) filter (where dataset_split is null) as plain_value
    from figures
    group by run_id, lower(metric_base_name)

),

gaps as (

    select
        run_id,
        metric_base_name,
        case when train_count = 1 then 'train' else '' end as train_split,
        validation_value - case when train_count = 1 then train_value else plain_value end as validation_gap
    from pairs
    where validation_count = 1 and (train_count = 1 or (train_count = 0 and plain_count = 1))

),

compared as (

    select
        ordered.*,
        gaps.validation_gap,
        case when ordered.is_higher_better then -1 else 1 end as worse_sign,
        scatters.median_value,
        scatters.median_deviation
    from ordered
    left join scatters
        on
            ordered.run_id = scatters.run_id
            and ordered.metric_name = scatters.metric_name
    left join gaps
        on
            ordered.run_id = gaps.run_id
            and lower(ordered.metric_base_name) = gaps.metric_base_name
            and coalesce(ordered.dataset_split, '') in ('validation', gaps.train_split)

)

select
    run_id,
    run_name,
    account_id,
    aws_region,
    run_group,
    experiment_name,
    training_job_name,
    metric_name,
    dataset_split,
    metric_base_name,
    is_higher_better,
    point_count,
    first_value,
    final_value,
    best_value,
    best_step,
    first_step,
    final_step,
    started_at,
    ended_at,
    duration_seconds,
    slope_per_step,
    slope_per_hour,
    {{ seconds_between('previous_ended_at', 'started_at') }} as gap_seconds,
    previous_final_value,
    {{ finite('final_value - previous_final_value') }} as final_change,
    {{ finite('validation_gap') }} as validation_gap,
    minimum_value,
    maximum_value,
    case
        when minimum_value is not null then coalesce(final_value >= minimum_value, false)
        when maximum_value is not null then coalesce(final_value <= maximum_value, false)
    end as meets_criterion,
    nan_count,
    coalesce(
        nan_count > 0
        or (
            point_count >= 5
            and is_higher_better is not null
            and worse_sign * (last_average - best_average) > 0.5 * abs(best_average - first_average)
            and worse_sign * (last_average - best_average) > 2.66 * average_change
            and worse_sign * (last_average - best_average) > 0.1 * abs(best_average)
        ),
        false
    ) as is_diverging,
    coalesce(
        is_higher_better is not null
        and worse_sign * (final_value - median_value) > 4.45 * median_deviation
        and worse_sign * (final_value - median_value) > 0.02 * abs(median_value),
        false
    ) as is_dip,
    {{ reporting_date('started_at') }} as start_date,
    metric_source
from compared
order by run_id, metric_name
