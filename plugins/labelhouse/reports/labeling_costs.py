"""Cost of labels, per labelling job and worker."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_costs import COSTS

REPORT = Report(
    name="labeling_costs",
    page="cost",
    order=50,
    title="Cost per labelling job and worker",
    question="What did the labels of each job cost, and whose work was it? Tasks × price, and seconds × rate.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {COSTS.strip()}
        select
            labeling_job_name,
            worker_id,
            workteam_name,
            sum(cost_usd) as cost_usd,
            sum(quantity) filter (where quantity_unit = 'tasks') as task_count,
            sum(quantity) filter (where quantity_unit = 'worker seconds') as worker_seconds,
            sum(cost_usd) filter (where quantity_unit = 'tasks') as tasks_usd,
            sum(cost_usd) filter (where quantity_unit = 'worker seconds') as time_usd,
            sum(cost_usd) / nullif(sum(quantity) filter (where quantity_unit = 'tasks'), 0) as usd_per_task,
            count(*) filter (where not is_priced) as unpriced_count,
            min(cost_date) as first_date,
            max(cost_date) as last_date
        from costs
        where cost_kind in ('labeling_task', 'labeling_time')
        group by labeling_job_name, worker_id, workteam_name
        order by cost_usd desc nulls last, labeling_job_name, worker_id
    """,
    fields=(
        Field("labeling_job_name", "Labelling job", "job"),
        Field("worker_id", "Worker", "worker"),
        Field("workteam_name", "Work team"),
        Field("cost_usd", "Cost", "usd"),
        Field("tasks_usd", "of tasks", "usd"),
        Field("time_usd", "of time", "usd"),
        Field("task_count", "Tasks", "count"),
        Field("worker_seconds", "Time", "seconds"),
        Field("usd_per_task", "Per task", "usd"),
        Field("unpriced_count", "Without a price", "count"),
        Field("first_date", "First", "date"),
        Field("last_date", "Last", "date"),
    ),
    empty="No labelling work in this selection has a price. Name prices in LABELHOUSE_PRICES: worker_hour_usd by "
    "work team, task_usd by labelling job.",
)
