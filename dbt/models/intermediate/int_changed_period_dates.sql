with changed_dates as (

    select * from {{ ref('int_changed_event_dates') }}

),

changed_jobs as (

    select distinct training_job_name from {{ source('changed', 'training_jobs') }}

),

changed_endpoints as (

    select distinct
        endpoint_name,
        {{ utc_day('event_at') }} as described_day_at
    from {{ source('changed', 'endpoint_variants') }}

),

instances as (

    select * from {{ ref('int_instance_descriptions') }}

),

metrics as (

    select * from {{ ref('stg_cloudwatch_metrics__cloudwatch_metrics') }}

),

utilization as (

    select
        event_date,
        period_at,
        {{ map_value('dimensions', "'EndpointName'") }} as endpoint_name,
        split_part({{ map_value('dimensions', "'Host'") }}, '/', 1) as job_name
    from metrics
    where lower(namespace) in ('/aws/sagemaker/endpoints', '/aws/sagemaker/trainingjobs')

),

-- a description holds until the next: one that is new, or no longer tells of a variant, reaches so far
reached as (

    select distinct
        instances.resource_name,
        instances.valid_from_at,
        instances.valid_until_at
    from instances
    inner join changed_endpoints
        on
            instances.resource_kind = 'endpoint'
            and instances.resource_name = changed_endpoints.endpoint_name
            and (
                instances.valid_from_at is null
                or instances.valid_from_at <= changed_endpoints.described_day_at
            )
            and (
                instances.valid_until_at is null
                or instances.valid_until_at > changed_endpoints.described_day_at
            )

),

dates as (

    select event_date from changed_dates
    union distinct
    select utilization.event_date
    from utilization
    inner join changed_jobs on utilization.job_name = changed_jobs.training_job_name
    union distinct
    select utilization.event_date
    from utilization
    inner join reached
        on
            utilization.endpoint_name = reached.resource_name
            and (reached.valid_from_at is null or utilization.period_at >= reached.valid_from_at)
            and (reached.valid_until_at is null or utilization.period_at < reached.valid_until_at)

)

select event_date from dates
order by event_date
