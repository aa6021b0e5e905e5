with changed_dates as (

    select * from {{ ref('int_changed_event_dates') }}

),

predictions as (

    select * from {{ ref('stg_model_predictions__model_predictions') }}

),

first_changed as (

    select min(event_date) as event_date from changed_dates

),

endpoint_dates as (

    select distinct
        endpoint_name,
        event_date
    from predictions

),

-- the bins of an endpoint are made on its first date: where that may be another one, all of its dates are
rebinned as (

    select endpoint_dates.endpoint_name
    from endpoint_dates
    cross join first_changed
    group by endpoint_dates.endpoint_name
    having min(endpoint_dates.event_date) >= min(first_changed.event_date)

),

dates as (

    select event_date from changed_dates
    union distinct
    select endpoint_dates.event_date
    from endpoint_dates
    inner join rebinned on endpoint_dates.endpoint_name = rebinned.endpoint_name

)

select event_date from dates
order by event_date
