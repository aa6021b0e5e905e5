with events as (

    select * from {{ ref('stg_lake__events') }}

),

loads as (

    select * from {{ ref('stg_lake__ingest_ledger') }}

),

changed_dates as (

    select * from {{ ref('int_changed_event_dates') }}

),

changed as (

    select events.*
    from events
    inner join changed_dates on events.event_date = changed_dates.event_date

),

first_loads as (

    select
        unit_uri,
        min(loaded_at) as first_loaded_at
    from loads
    group by unit_uri

),

named as (

    select
        changed.*,
        loads.source_name,
        loads.unit_at,
        first_loads.first_loaded_at
    from changed
    inner join loads
        on
            changed.unit_uri = loads.unit_uri
            and changed.unit_version = loads.unit_version
            and changed.loaded_at = loads.loaded_at
    inner join first_loads on changed.unit_uri = first_loads.unit_uri

),

-- a unit that grows is loaded again and again: an event was late only until the first load that could have it
later_events as (

    select distinct
        unit_uri,
        event_at
    from named
    where first_loaded_at < event_at

),

later_loads as (

    select
        later_events.unit_uri,
        later_events.event_at,
        min(loads.loaded_at) as loaded_at
    from later_events
    inner join loads
        on later_events.unit_uri = loads.unit_uri and later_events.event_at <= loads.loaded_at
    group by later_events.unit_uri, later_events.event_at

),

measured as (

    select
        named.source_name,
        named.event_date,
        named.event_at,
        named.unit_uri,
        named.unit_at,
        named.loaded_at,
        {{ seconds_between(
            'named.event_at',
            'case when named.first_loaded_at >= named.event_at then named.first_loaded_at '
            ~ 'else coalesce(later_loads.loaded_at, named.loaded_at) end'
        ) }} as lateness_seconds
    from named
    left join later_loads
        on named.unit_uri = later_loads.unit_uri and named.event_at = later_loads.event_at

)

select
    source_name,
    event_date,
    count(distinct unit_uri) as unit_count,
    count(*) as record_count,
    max(event_at) as newest_event_at,
    max(unit_at) as newest_unit_at,
    max(loaded_at) as last_loaded_at,
    {{ quantile('lateness_seconds', 0.5) }} as median_lateness_seconds,
    {{ quantile('lateness_seconds', 0.95) }} as p95_lateness_seconds
from measured
group by source_name, event_date
order by event_date, source_name
