-- Questions that the frames of several files ask, e.g. `from volume('worker_events')`. `rows` are the rows of the file's
-- own table, read once; `getvariable` reads a threshold or another of the numbers that checks may name.

-- The days that are judged: of those that changed and are over, the last week.
set variable judged_until = (
    select max(day_start_at) + interval 1 day
    from changed.days
    where day_start_at < date_trunc('day', getvariable('checked_at')::timestamptz)
);
set variable judged_from = (
    select min(day_start_at)
    from changed.days
    where day_start_at >= getvariable('judged_until') - interval 7 days
);

-- Rows of every judged day against the same weekday of the four weeks before, where there are three such weeks or more.
-- `deviation` counts robust standard deviations of the logarithm, so that a tenth is as far off as ten times as much;
-- they are never smaller than a fifth, nor than what chance does to few rows.
create or replace temp macro volume(table_name) as table (
    with weekdays as (
        select
            day_start_at,
            unnest([day_start_at - to_days(7 * week) for week in [1, 2, 3, 4]]) as earlier_day_at
        from changed.days
        where day_start_at >= getvariable('judged_from') and day_start_at < getvariable('judged_until')
    ),
    earlier as (
        select date_trunc('day', event_at) as day_at, count(*) as row_count
        from query_table('raw.' || table_name)
        where
            event_at >= getvariable('judged_from') - interval 28 days
            and event_at < getvariable('judged_until') - interval 7 days
            and date_trunc('day', event_at) in (select earlier_day_at from weekdays)
        group by all
    ),
    judged as (
        select
            weekdays.day_start_at,
            (select count(*) from rows where date_trunc('day', event_at) = weekdays.day_start_at) as row_count,
            list(coalesce(earlier.row_count, 0)) as earlier_counts
        from weekdays
        left join earlier on weekdays.earlier_day_at = earlier.day_at
        where weekdays.earlier_day_at >= (select min(day_at) from earlier)
        group by weekdays.day_start_at
        having count(*) >= 3
    ),
    usual as (
        select
            *,
            list_median(earlier_counts) as usual_count,
            list_median([ln(1 + each) for each in earlier_counts]) as usual_log,
            list_median([abs(ln(1 + each) - usual_log) for each in earlier_counts]) as spread_log
        from judged
    )
    select
        day_start_at as event_date,
        row_count,
        usual_count,
        abs(ln(1 + row_count) - usual_log) / greatest(1.4826 * spread_log, 0.2, 1 / sqrt(1 + usual_count)) as deviation,
        row_count / greatest(list_max(earlier_counts), 1000) as growth_ratio
    from usual
);

-- Share of NULLs in some columns on the judged days and in the week before, where both have 50 rows or more.
-- `lost_ratio` is the share now in a column that had hardly any NULL.
create or replace temp macro null_shares(table_name, column_names) as table (
    with earlier as (
        select avg((columns(lambda name: list_contains(column_names, name)) is null)::int)
        from query_table('raw.' || table_name)
        where event_at >= getvariable('judged_from') - interval 7 days and event_at < getvariable('judged_from')
        having count(*) >= 50
    ),
    judged as (
        select avg((columns(lambda name: list_contains(column_names, name)) is null)::int)
        from rows
        where event_at >= getvariable('judged_from') and event_at < getvariable('judged_until')
        having count(*) >= 50
    )
    select
        column_name,
        judged.null_ratio,
        earlier.null_ratio as earlier_null_ratio,
        abs(judged.null_ratio - earlier.null_ratio) as null_ratio_change,
        case when earlier.null_ratio <= 0.05 then judged.null_ratio end as lost_ratio
    from (unpivot judged on columns(*) into name column_name value null_ratio) as judged
    inner join (unpivot earlier on columns(*) into name column_name value null_ratio) as earlier using (column_name)
);

-- Fields in a JSON column on the judged days that the week before did not have, where it had any.
create or replace temp macro new_fields(table_name, json_column) as table (
    with earlier as (
        select distinct unnest(json_keys(columns(lambda name: name = json_column))) as field
        from query_table('raw.' || table_name)
        where event_at >= getvariable('judged_from') - interval 7 days and event_at < getvariable('judged_from')
    ),
    judged as (
        select distinct unnest(json_keys(columns(lambda name: name = json_column))) as field
        from rows
        where event_at >= getvariable('judged_from') and event_at < getvariable('judged_until')
    )
    select if(regexp_full_match(field, '[A-Za-z][A-Za-z0-9_.-]{0,63}'), field, '(another name)') as field_name
    from judged
    where field not in (select field from earlier) and exists (select 1 from earlier)
);

-- Hours since the newest unit of a source, where the deployment reads it; no row where it does not, or nothing came.
create or replace temp macro freshness(source) as table (
    select source_name, epoch(getvariable('checked_at')::timestamptz - max(unit_at)) / 3600 as quiet_hours
    from raw.ingest_ledger
    where source_name = source and list_contains(getvariable('configured_sources'), source)
    group by source_name
);
