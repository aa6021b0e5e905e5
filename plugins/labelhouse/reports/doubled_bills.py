"""Bills that doubled."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_costs import OF_FAMILY

REPORT = Report(
    name="doubled_bills",
    page="cost",
    order=20,
    title="Bills from month to month",
    question="Which bill doubled, and which changed most? Doubled ones go first.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        select
            cost_month,
            cost_kind,
            job_family,
            resource_name,
            cost_usd,
            previous_cost_usd,
            change_ratio,
            case when is_doubled then 'doubled' end as flags
        from fct_cost_month
        where
            {OF_FAMILY}
            and ($kind is null or cost_kind = $kind)
            and ($from_date is null or cost_month >= date_trunc('month', cast($from_date as date)))
            and ($until_date is null or cost_month <= $until_date)
        order by coalesce(is_doubled, false) desc, cost_month desc, change_ratio desc nulls last, cost_kind, job_family,
            resource_name
    """,
    fields=(
        Field("cost_month", "Month", "month"),
        Field("flags", "Look at", "flags"),
        Field("cost_kind", "Kind", "kind"),
        Field("job_family", "Model", "family"),
        Field("resource_name", "Job or endpoint", "resource"),
        Field("cost_usd", "Cost", "usd"),
        Field("previous_cost_usd", "Month before", "usd"),
        Field("change_ratio", "Change", "change"),
    ),
    empty="No month with a price in this selection.",
)
