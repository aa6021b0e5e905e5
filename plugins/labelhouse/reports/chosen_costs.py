"""The SQL that the reports of Cost share: which costs and which training jobs the page's filters choose."""

from __future__ import annotations

#: The costs that the filters choose. A CTE.
COSTS = """
        costs as (
            select *
            from fct_cost
            where
                ($from_date is null or cost_date >= $from_date)
                and ($until_date is null or cost_date <= $until_date)
                and ($account is null or account_id = $account)
                and ($kind is null or cost_kind = $kind)
                and ($family is null or job_family = $family)
                and ($job is null or labeling_job_name = $job)
                and ($resource is null or resource_name = $resource)
                and ($worker is null or worker_id = $worker)
        )
"""

#: The training jobs that the filters choose. A CTE. A worker and another kind of cost choose none.
JOBS = """
        jobs as (
            select *
            from dim_training_job
            where
                ($from_date is null or created_date >= $from_date)
                and ($until_date is null or created_date <= $until_date)
                and ($account is null or account_id = $account)
                and ($kind is null or $kind in ('training', 'warm_pool'))
                and ($family is null or job_family = $family)
                and ($job is null or labeling_job_name = $job)
                and ($resource is null or training_job_name = $resource)
                and $worker is null
        )
"""

#: Whether a row of the mart of models is chosen: other filters do not reach it.
OF_FAMILY = "($account is null or account_id = $account) and ($family is null or job_family = $family)"

#: Whether a row of the mart of months is chosen, by its family, endpoint or labelling job.
OF_SUBJECT = """
            ($account is null or account_id = $account)
            and ($kind is null or cost_kind = $kind)
            and ($family is null or subject_name = $family)
            and ($job is null or subject_name = $job)
            and ($resource is null or subject_name = $resource)
            and ($from_date is null or cost_month >= date_trunc('month', cast($from_date as date)))
            and ($until_date is null or cost_month <= $until_date)
""".strip()

#: What stands where nothing was priced, or loaded.
NOTHING = (
    "No cost in this selection. Where there is none at all: name the sources training_jobs and endpoints in the "
    "setting LABELHOUSE_SOURCES, and your prices in LABELHOUSE_PRICES."
)
