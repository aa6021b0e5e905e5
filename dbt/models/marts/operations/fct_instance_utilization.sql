with metrics as (

    select * from {{ ref('fct_metric_period') }}

),

instances as (

    select * from {{ ref('int_instance_descriptions') }}

),

instance_types as (

    select * from {{ ref('ml_instance_types') }}

),

utilization as (

    select
        *,
        case lower(namespace)
            when '/aws/sagemaker/endpoints' then 'endpoint'
            when '/aws/sagemaker/trainingjobs' then 'training job'
            when '/aws/sagemaker/processingjobs' then 'processing job'
            when '/aws/sagemaker/transformjobs' then 'transform job'
        end as resource_kind
    from metrics
    where
        resource_name is not null
        and metric_name in (
            'CPUUtilization', 'CPUUtilizationNormalized', 'GPUUtilization', 'GPUUtilizationNormalized',
            'MemoryUtilization', 'GPUMemoryUtilization', 'GPUMemoryUtilizationNormalized', 'DiskUtilization'
        )

),

-- a metric of several instances is their mean, unless somebody asks for another statistic
measured as (

    select
        resource_kind,
        account_id,
        aws_region,
        resource_name,
        variant_name,
        host_name,
        period_seconds,
        period_at,
        event_date,
        {{ mean_of('CPUUtilization') }} as cpu_pct,
        {{ mean_of('CPUUtilizationNormalized') }} as cpu_normalized_pct,
        {{ mean_of('GPUUtilization') }} as gpu_pct,
        {{ mean_of('GPUUtilizationNormalized') }} as gpu_normalized_pct,
        {{ mean_of('MemoryUtilization') }} as memory_pct,
        {{ mean_of('GPUMemoryUtilization') }} as gpu_memory_pct,
        {{ mean_of('GPUMemoryUtilizationNormalized') }} as gpu_memory_normalized_pct,
        {{ mean_of('DiskUtilization') }} as disk_pct
    from utilization
    where resource_kind is not null
    group by
        resource_kind,
        account_id,
        aws_region,
        resource_name,
        variant_name,
        host_name,
        period_seconds,
        period_at,
        event_date

),

described as (

    select
        measured.*,
        instances.instance_type,
        instances.instance_count
    from measured
    left join instances
        on
            measured.resource_kind = instances.resource_kind
            and measured.resource_name = instances.resource_name
            and measured.variant_name is not distinct from instances.variant_name
            -- saved answers of CloudWatch do not say whose they are
            and coalesce(measured.account_id = instances.account_id, true)
            and coalesce(measured.aws_region = instances.aws_region, true)
            and (instances.valid_from_at is null or measured.period_at >= instances.valid_from_at)
            and (instances.valid_until_at is null or measured.period_at < instances.valid_until_at)
    qualify row_number() over (
        partition by
            measured.resource_kind,
            measured.account_id,
            measured.aws_region,
            measured.resource_name,
            measured.variant_name,
            measured.host_name,
            measured.period_seconds,
            measured.period_at
        order by instances.account_id nulls last, instances.aws_region nulls last
    ) = 1

)

select
    {{ resource_id('described.resource_kind', 'described.resource_name', 'described.variant_name', 'described.host_name') }}
        as instance_id,
    described.resource_kind,
    described.account_id,
    described.aws_region,
    described.resource_name,
    described.variant_name,
    described.host_name,
    described.period_seconds,
    described.period_at,
    described.event_date,
    described.cpu_pct,
    coalesce(described.cpu_normalized_pct, described.cpu_pct / nullif(instance_types.vcpu_count, 0))
        as cpu_normalized_pct,
    described.gpu_pct,
    coalesce(described.gpu_normalized_pct, described.gpu_pct / nullif(instance_types.gpu_count, 0))
        as gpu_normalized_pct,
    described.memory_pct,
    described.gpu_memory_pct,
    coalesce(
        described.gpu_memory_normalized_pct,
        described.gpu_memory_pct / nullif(instance_types.gpu_count, 0)
    ) as gpu_memory_normalized_pct,
    described.disk_pct,
    described.instance_type,
    described.instance_count,
    instance_types.vcpu_count,
    instance_types.gpu_count,
    coalesce(greatest(described.cpu_pct, described.gpu_pct, described.gpu_memory_pct) > 100, false) as is_over_100
from described
left join instance_types on described.instance_type = instance_types.instance_type
order by described.event_date, instance_id, described.period_at, described.period_seconds
