with writers as (

    select
        run_id,
        coalesce(account_id, 'unknown') as account_id,
        writer_id,
        source_network,
        min(first_event_at) as first_event_at,
        max(last_event_at) as last_event_at,
        coalesce({{ the_only('principal_arn') }}, writer_id) as principal_arn,
        {{ the_only('user_agent') }} as user_agent,
        cast(sum(point_count) as bigint) as point_count
    from {{ ref('int_run_writers') }}
    group by run_id, coalesce(account_id, 'unknown'), writer_id, source_network

),

-- what each row shows for the first time
firsts as (

    select
        *,
        case when row_number() over (partition by account_id, run_id order by {{ arrival() }}) = 1 then 1 else 0 end
            as is_first_of_run,
        case when row_number() over (partition by account_id, writer_id order by {{ arrival() }}) = 1 then 1 else 0 end
            as is_first_of_writer,
        case
            when row_number() over (partition by account_id, writer_id, run_id order by {{ arrival() }}) = 1 then 1
            else 0
        end as is_first_of_writers_run,
        case
            when row_number() over (partition by account_id, writer_id, source_network order by {{ arrival() }}) = 1
                then 1
            else 0
        end as is_first_of_network
    from writers

),

histories as (

    select
        *,
        sum(is_first_of_run) over (
            partition by account_id
            order by {{ arrival() }}
            rows between unbounded preceding and 1 preceding
        ) as earlier_runs,
        sum(is_first_of_writers_run) over (
            partition by account_id, writer_id
            order by {{ arrival() }}
            rows between unbounded preceding and 1 preceding
        ) as earlier_runs_of_writer,
        sum(is_first_of_network) over (
            partition by account_id, writer_id
            order by {{ arrival() }}
            rows between unbounded preceding and 1 preceding
        ) as earlier_networks
    from firsts

)

select
    run_id,
    case when is_first_of_writer = 1 then 'new_principal' else 'new_network' end as finding,
    writer_id,
    principal_arn,
    source_network,
    user_agent,
    first_event_at,
    last_event_at,
    point_count,
    cast(case when is_first_of_writer = 1 then earlier_runs else earlier_runs_of_writer end as bigint) as earlier_runs,
    cast(earlier_networks as bigint) as earlier_networks
from histories
where
    (is_first_of_writer = 1 and earlier_runs >= 3)
    or (
        is_first_of_writer = 0
        and is_first_of_network = 1
        and source_network is not null
        and earlier_runs_of_writer >= 3
        and earlier_networks * 2 <= earlier_runs_of_writer
    )
