"""How fresh each source is."""

from __future__ import annotations

from labelhouse.reports import Field, Report

REPORT = Report(
    name="source_table",
    page="operations",
    order=140,
    title="Freshness of the sources",
    question="What is the newest that each source knows, and when was it loaded?",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql="""
        select
            source_name,
            max(newest_event_at) as newest_event_at,
            max(newest_unit_at) as newest_unit_at,
            max(last_loaded_at) as last_loaded_at,
            epoch(max(last_loaded_at)) - epoch(max(newest_event_at)) as behind_seconds,
            max_by(median_lateness_seconds, event_date) as median_lateness_seconds,
            max_by(p95_lateness_seconds, event_date) as p95_lateness_seconds,
            sum(unit_count)::bigint as unit_count,
            sum(record_count)::bigint as record_count
        from fct_source_freshness
        where
            ($from_date is null or event_date >= $from_date)
            and ($until_date is null or event_date <= $until_date)
        group by source_name
        order by newest_event_at desc nulls last, source_name
    """,
    fields=(
        Field("source_name", "Source"),
        Field("newest_event_at", "Newest event", "time"),
        Field("last_loaded_at", "Last loaded", "time"),
        Field("behind_seconds", "Behind by then", "seconds"),
        Field("median_lateness_seconds", "Newest day: half within", "seconds"),
        Field("p95_lateness_seconds", "95 of 100 within", "seconds"),
        Field("newest_unit_at", "Newest unit", "time"),
        Field("unit_count", "Units", "count"),
        Field("record_count", "Records", "count"),
    ),
    empty="Nothing was loaded in this selection. Unpause the DAG of a source and trigger it.",
)
