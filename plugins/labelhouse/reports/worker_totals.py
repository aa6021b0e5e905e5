"""The figures at the top of Workers."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_work import ANSWERS, TASKS, UNKNOWN_WORKER

REPORT = Report(
    name="worker_totals",
    page="workers",
    order=0,
    title="At a glance",
    question="How much was answered, by how many people, how well, and in how much time?",
    shape="figures",
    is_wide=True,
    # An object that two workers answered is one object.
    sql=f"""
        with {ANSWERS.strip()},
        {TASKS.strip()},
        answered as (
            select
                count(*) as answer_count,
                count(distinct (labeling_job_name, dataset_object_id)) as dataset_object_count,
                count(*) filter (where agrees_with_consolidated) as agreeing_answer_count,
                count(agrees_with_consolidated) as comparable_answer_count
            from answers
        ),
        taken as (
            select
                count(*) as task_count,
                count(*) filter (where is_submitted) as submitted_task_count,
                count(*) filter (where not is_submitted) as other_task_count,
                count(task_seconds) as timed_task_count,
                sum(task_seconds) as total_seconds,
                avg(task_seconds) as mean_seconds,
                median(task_seconds) as median_seconds,
                quantile_cont(task_seconds, 0.95) as p95_seconds,
                count(distinct workteam_name) as workteam_count
            from tasks
        ),
        work as (
            select worker_id, labeling_job_name from answers
            union
            select worker_id, labeling_job_name from tasks
        )
        select
            *,
            agreeing_answer_count / nullif(comparable_answer_count, 0) as agreement_ratio,
            (select count(distinct worker_id) from work where worker_id <> '{UNKNOWN_WORKER}') as worker_count,
            (select count(distinct labeling_job_name) from work) as labeling_job_count
        from answered, taken
    """,
    fields=(
        Field("answer_count", "answers", "count", "labelling jobs: {labeling_job_count:,}"),
        Field("worker_count", "workers", "count", "who worked · teams: {workteam_count:,}"),
        Field("dataset_object_count", "objects", "count", "with at least one answer"),
        Field("submitted_task_count", "submitted tasks", "count", "taken and not submitted: {other_task_count:,}"),
        Field("total_seconds", "on submitted tasks", "seconds", "captured with {timed_task_count:,} tasks"),
        Field("mean_seconds", "per submitted task", "seconds", "median {median_seconds} · 95 % within {p95_seconds}"),
        Field(
            "agreement_ratio",
            "agree with the consolidated label",
            "ratio",
            "{agreeing_answer_count:,} of {comparable_answer_count:,} comparable answers",
        ),
    ),
)
