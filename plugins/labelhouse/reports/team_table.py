"""Every work team with the totals of its work."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_work import TASKS

REPORT = Report(
    name="team_table",
    page="workers",
    order=80,
    title="Work teams",
    question="What did each work team do together, and how quickly? The statistics are over all its submitted tasks.",
    shape="table",
    is_wide=True,
    sql=f"""
        with {TASKS.strip()}
        select
            workteam_name,
            count(distinct worker_id) as worker_count,
            count(distinct labeling_job_name) as labeling_job_count,
            count(*) filter (where is_submitted) as submitted_task_count,
            sum(task_seconds) as total_seconds,
            max(task_seconds) as max_seconds,
            min(task_seconds) as min_seconds,
            avg(task_seconds) as mean_seconds,
            median(task_seconds) as median_seconds,
            quantile_cont(task_seconds, 0.95) as p95_seconds,
            sum(idle_seconds) filter (where is_submitted and not is_excluded)::double as idle_seconds,
            count(task_seconds) / nullif(sum(task_seconds) / 3600, 0) as tasks_per_hour,
            count(*) filter (where outcome = 'returned') as returned_task_count,
            count(*) filter (where outcome = 'declined') as declined_task_count,
            count(*) filter (where outcome = 'abandoned') as abandoned_task_count,
            min(event_at) as first_event_at,
            max(event_at) as last_event_at
        from tasks
        where workteam_name is not null
        group by workteam_name
        order by total_seconds desc nulls last, workteam_name
    """,
    fields=(
        Field("workteam_name", "Work team", "team"),
        Field("worker_count", "Workers", "count"),
        Field("labeling_job_count", "Jobs", "count"),
        Field("submitted_task_count", "Submitted", "count"),
        Field("total_seconds", "Total", "seconds"),
        Field("max_seconds", "Longest", "seconds"),
        Field("min_seconds", "Shortest", "seconds"),
        Field("mean_seconds", "Mean", "seconds"),
        Field("median_seconds", "Median", "seconds"),
        Field("p95_seconds", "95 % within", "seconds"),
        Field("idle_seconds", "Idle", "seconds"),
        Field("tasks_per_hour", "per hour", "number"),
        Field("returned_task_count", "Returned", "count"),
        Field("declined_task_count", "Declined", "count"),
        Field("abandoned_task_count", "Abandoned", "count"),
        Field("first_event_at", "First", "time"),
        Field("last_event_at", "Last", "time"),
    ),
    empty="No task of this selection names its work team.",
)
