"""Cost of every run, job and endpoint."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_costs import COSTS, NOTHING

REPORT = Report(
    name="cost_per_resource",
    page="cost",
    order=40,
    title="Cost per run, job and endpoint",
    question="What did each of them cost, and how is that made up? Quantity × price; nothing where no price is known.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {COSTS.strip()}
        select
            cost_kind,
            resource_name,
            job_family,
            run_id,
            labeling_job_name,
            sum(cost_usd) as cost_usd,
            sum(cost_usd) / nullif(sum(sum(cost_usd)) over (), 0) as share_ratio,
            sum(quantity) as quantity,
            quantity_unit,
            case when count(distinct unit_price_usd) = 1 then any_value(unit_price_usd) end as unit_price_usd,
            string_agg(distinct instance_type, ', ' order by instance_type) as instance_types,
            count(*) filter (where not is_priced) as unpriced_count,
            min(cost_date) as first_date,
            max(cost_date) as last_date,
            account_id
        from costs
        group by cost_kind, resource_name, job_family, run_id, labeling_job_name, quantity_unit, account_id
        order by cost_usd desc nulls last, resource_name, cost_kind
    """,
    fields=(
        Field("resource_name", "Job or endpoint", "resource"),
        Field("cost_kind", "Kind", "kind"),
        Field("cost_usd", "Cost", "usd"),
        Field("share_ratio", "Of all", "ratio"),
        Field("quantity", "Quantity", "number"),
        Field("quantity_unit", "Unit"),
        Field("unit_price_usd", "Price of one", "usd"),
        Field("instance_types", "Instances"),
        Field("job_family", "Model", "family"),
        Field("run_id", "Run", "run"),
        Field("labeling_job_name", "Labelling job", "job"),
        Field("unpriced_count", "Without a price", "count"),
        Field("first_date", "First", "date"),
        Field("last_date", "Last", "date"),
        Field("account_id", "Account", "account"),
    ),
    empty=NOTHING,
)
