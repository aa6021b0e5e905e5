"""Who wrote the points of the runs."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_runs import OF_CHOSEN_METRIC, RUNS

REPORT = Report(
    name="metric_writers",
    page="training",
    order=60,
    title="Who wrote what",
    question="Which principal wrote the points, from which network, with which program, and when?",
    shape="table",
    is_wide=True,
    sql=f"""
        with {RUNS.strip()},
        writers as (
            select
                account_id,
                principal_arn,
                principal_type,
                source_network,
                user_agent,
                count(distinct run_id) as run_count,
                count(*) as point_count,
                min(event_at) as first_event_at,
                max(event_at) as last_event_at
            from fct_metric_point
            join runs using (run_id)
            where {OF_CHOSEN_METRIC}
            group by all
        ),
        news as (
            select
                account_id,
                principal_arn,
                source_network,
                string_agg(distinct finding, '; ' order by finding) as news
            from fct_metric_write_audit
            where finding in ('new_principal', 'new_network')
            group by all
        )
        select
            writers.*,
            replace(news.news, '_', ' ') as flags
        from writers
        left join news
            on
                writers.account_id is not distinct from news.account_id
                and writers.principal_arn is not distinct from news.principal_arn
                and writers.source_network is not distinct from news.source_network
        order by point_count desc, principal_arn, source_network, user_agent
    """,
    fields=(
        Field("principal_arn", "Principal", "principal"),
        Field("flags", "Look at", "flags"),
        Field("source_network", "Network"),
        Field("user_agent", "User agent", "sentence"),
        Field("point_count", "Points", "count"),
        Field("run_count", "Runs", "count"),
        Field("first_event_at", "First", "time"),
        Field("last_event_at", "Last", "time"),
        Field("principal_type", "Type"),
        Field("account_id", "Account", "account"),
    ),
    empty="This selection has no points.",
)
