"""Bills that doubled."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_costs import OF_SUBJECT

REPORT = Report(
    name="doubled_bills",
    page="cost",
    order=20,
    title="Bills from month to month",
    question="Which bill doubled, and on which day was it first seen? Doubled ones go first, then the newest months.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        select
            cost_month,
            case when is_doubled then 'doubled' end as flags,
            cost_kind,
            subject_name,
            -- what a click chooses
            case when cost_kind in ('training', 'warm_pool') then subject_name end as job_family,
            finding,
            cost_usd,
            previous_cost_usd,
            change_ratio,
            recent_ratio - 1 as recent_change_ratio,
            recent_day_count,
            doubled_date,
            covered_day_count,
            unpriced_count
        from fct_cost_month
        where
            {OF_SUBJECT}
        order by is_doubled desc, cost_month desc, cost_usd desc nulls last, cost_kind, subject_name
    """,
    fields=(
        Field("cost_month", "Month", "month"),
        Field("flags", "Look at", "flags"),
        Field("subject_name", "Model, endpoint or labelling job", "family"),
        Field("cost_kind", "Kind", "kind"),
        Field("finding", "What is known", "sentence"),
        Field("cost_usd", "Cost", "usd"),
        Field("previous_cost_usd", "Month before", "usd"),
        Field("change_ratio", "Change of a day", "change"),
        Field("recent_change_ratio", "Change within weeks", "change"),
        Field("recent_day_count", "Days compared", "count"),
        Field("doubled_date", "Doubled on", "date"),
        Field("covered_day_count", "Days so far", "count"),
        Field("unpriced_count", "Without a price", "count"),
    ),
    empty="No month in this selection. Where there is none at all: name the sources training_jobs and endpoints in the "
    "setting LABELHOUSE_SOURCES, and your prices in LABELHOUSE_PRICES.",
)
