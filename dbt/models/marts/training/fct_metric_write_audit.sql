with writers as (

    select * from {{ ref('int_run_writers') }}

),

repeats as (

    select
        *,
        {{ finite('100 * (average_value - average_value_once) / nullif(abs(average_value_once), 0)') }}
            as average_change_pct
    from {{ ref('int_run_metric_repeats') }}

),

jumps as (

    select * from {{ ref('int_run_metric_jumps') }}

),

new_writers as (

    select * from {{ ref('int_new_run_writers') }}

),

runs as (

    select * from {{ ref('dim_run') }}

),

findings as (

    select
        'write_after_completion' as finding,
        run_id,
        cast(null as varchar) as metric_name,
        principal_arn,
        source_network,
        user_agent,
        first_late_at as first_event_at,
        last_event_at,
        late_count as point_count,
        completed_at as reference_at,
        cast(null as bigint) as step,
        cast(null as bigint) as usual_step,
        cast(null as double) as average_value,
        cast(null as double) as average_value_once,
        cast(null as bigint) as extra_count,
        late_count || case when late_count = 1 then ' point was' else ' points were' end
        || ' written after the run was completed, the last one '
        || cast({{ seconds_between('completed_at', 'last_event_at') }} as bigint) || ' seconds after it.' as explanation
    from writers
    where late_count > 0

    union all

    select
        'outside_run' as finding,
        run_id,
        cast(null as varchar) as metric_name,
        principal_arn,
        source_network,
        user_agent,
        first_outside_event_at as first_event_at,
        last_outside_event_at as last_event_at,
        outside_count as point_count,
        outside_reference_at as reference_at,
        cast(null as bigint) as step,
        cast(null as bigint) as usual_step,
        cast(null as double) as average_value,
        cast(null as double) as average_value_once,
        cast(null as bigint) as extra_count,
        outside_count || case when outside_count = 1 then ' point has' else ' points have' end
        || ' a time outside the run, the first one '
        || abs(cast({{ seconds_between('outside_reference_at', 'first_outside_at') }} as bigint)) || ' seconds '
        || case when first_outside_at < outside_reference_at then 'before' else 'after' end || ' it.' as explanation
    from writers
    where outside_count > 0

    union all

    select
        'duplicated_points' as finding,
        run_id,
        metric_name,
        principal_arn,
        source_network,
        user_agent,
        first_event_at,
        last_event_at,
        point_count,
        cast(null as timestamp with time zone) as reference_at,
        step,
        cast(null as bigint) as usual_step,
        average_value,
        average_value_once,
        extra_count,
        extra_count || ' of ' || point_count || ' points had been sent before'
        || coalesce(', which moves the average by ' || cast(round(average_change_pct, 2) as varchar) || '%', '')
        || '.' as explanation
    from repeats

    union all

    select
        'step_ahead' as finding,
        run_id,
        metric_name,
        principal_arn,
        source_network,
        user_agent,
        first_event_at,
        last_event_at,
        point_count,
        cast(null as timestamp with time zone) as reference_at,
        step,
        usual_step,
        cast(null as double) as average_value,
        cast(null as double) as average_value_once,
        cast(null as bigint) as extra_count,
        'Step ' || step || ' comes after step ' || usual_step || ', while steps are usually '
        || cast(usual_gap as bigint) || ' apart.' as explanation
    from jumps

    union all

    select
        finding,
        run_id,
        cast(null as varchar) as metric_name,
        principal_arn,
        source_network,
        user_agent,
        first_event_at,
        last_event_at,
        point_count,
        cast(null as timestamp with time zone) as reference_at,
        cast(null as bigint) as step,
        cast(null as bigint) as usual_step,
        cast(null as double) as average_value,
        cast(null as double) as average_value_once,
        cast(null as bigint) as extra_count,
        case
            when finding = 'new_principal'
                then 'Wrote for the first time, after others had written ' || earlier_runs || ' runs of the account.'
            else
                'Wrote from here for the first time, after ' || earlier_runs || ' runs from '
                || case when earlier_networks = 1 then 'one network.' else earlier_networks || ' networks.' end
        end as explanation
    from new_writers

)

select
    findings.finding,
    findings.run_id,
    row_number() over (
        partition by findings.finding, findings.run_id
        order by
            findings.first_event_at,
            findings.metric_name,
            findings.principal_arn,
            findings.source_network,
            findings.user_agent
    ) as finding_number,
    runs.run_name,
    runs.account_id,
    runs.aws_region,
    findings.metric_name,
    findings.principal_arn,
    findings.source_network,
    findings.user_agent,
    findings.first_event_at,
    findings.last_event_at,
    findings.point_count,
    findings.reference_at,
    findings.step,
    findings.usual_step,
    findings.average_value,
    findings.average_value_once,
    findings.extra_count,
    findings.explanation
from findings
inner join runs on findings.run_id = runs.run_id
order by findings.finding, findings.run_id, finding_number
