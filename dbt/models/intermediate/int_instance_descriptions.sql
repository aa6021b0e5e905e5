with variants as (

    select * from {{ ref('stg_endpoints__endpoint_variants') }}

),

jobs as (

    select * from {{ ref('stg_training_jobs__training_jobs') }}

),

training_jobs as (

    select
        *,
        row_number() over (
            partition by account_id, aws_region, training_job_name
            order by last_modified_at desc nulls last, event_at desc, described_uri desc
        ) as age_rank
    from jobs

),

described as (

    select
        *,
        {{ utc_day('event_at') }} as described_day_at
    from variants

),

variant_days as (

    select
        *,
        row_number() over (
            partition by account_id, aws_region, endpoint_name, variant_name, described_day_at
            order by event_at desc, last_modified_at desc nulls last, described_variant_id
        ) as copy_rank
    from described

),

-- a description holds until the next one; the earliest stands for the time before it, of which AWS tells nothing
spans as (

    select
        *,
        case
            when lag(described_day_at) over same_variant is not null then described_day_at
        end as valid_from_at,
        lead(described_day_at) over same_variant as valid_until_at
    from variant_days
    where copy_rank = 1
    window same_variant as (
        partition by account_id, aws_region, endpoint_name, variant_name
        order by described_day_at
    )

)

select
    'endpoint' as resource_kind,
    account_id,
    aws_region,
    endpoint_name as resource_name,
    variant_name,
    instance_type,
    instance_count,
    valid_from_at,
    valid_until_at
from spans
union all
select
    'training job' as resource_kind,
    account_id,
    aws_region,
    training_job_name as resource_name,
    cast(null as varchar) as variant_name,
    instance_type,
    instance_count,
    cast(null as timestamp with time zone) as valid_from_at,
    cast(null as timestamp with time zone) as valid_until_at
from training_jobs
where age_rank = 1
