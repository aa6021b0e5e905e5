"""The page Cost: what trainings, endpoints and labels cost, what doubled, and which models nobody trains any more."""

from __future__ import annotations

from labelhouse.reports.page import Filter, Page, kind_name


def _choices(column: str) -> str:
    return f"select distinct {column} as name from fct_cost where name is not null order by name"


COST = Page(
    name="cost",
    title="Cost",
    filters=(
        Filter("from_date", "From", "date"),
        Filter("until_date", "Until", "date"),
        Filter("account", "Account", everything="All accounts", choices=_choices("account_id")),
        Filter(
            "kind",
            "Kind",
            everything="All kinds",
            choices=_choices("cost_kind"),
            label=kind_name,
        ),
        Filter(
            "family",
            "Model",
            everything="All models",
            choices="""
                select distinct name
                from (select job_family as name from fct_cost union all select job_family from dim_training_job)
                where name is not null
                order by name
            """,
        ),
        Filter("job", "Labelling job", everything="All jobs", choices=_choices("labeling_job_name")),
        Filter(
            "resource",
            "Job or endpoint",
            "chip",
            everything="All jobs and endpoints",
            choices=_choices("resource_name"),
        ),
        Filter("worker", "Worker", "chip", everything="All workers", choices=_choices("worker_id")),
    ),
    marts=frozenset({"dim_training_job", "fct_cost", "fct_cost_month", "fct_model_health"}),
)
