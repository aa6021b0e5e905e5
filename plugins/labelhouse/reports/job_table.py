"""Every labelling job with the totals of the work on it."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_work import ANSWERS, TASKS

REPORT = Report(
    name="job_table",
    page="workers",
    order=90,
    title="Labelling jobs",
    question="How much work went into each labelling job, and how quickly? The times are those of submitted tasks.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {TASKS.strip()},
        {ANSWERS.strip()},
        answered as (
            select
                labeling_job_name,
                count(*) as answer_count,
                count(*) filter (where agrees_with_consolidated) as agreeing_answer_count,
                count(agrees_with_consolidated) as comparable_answer_count
            from answers
            group by labeling_job_name
        ),
        taken as (
            select
                labeling_job_name,
                any_value(modality) as modality,
                string_agg(distinct workteam_name, ', ' order by workteam_name) as workteam_names,
                count(distinct worker_id) as worker_count,
                count(*) filter (where is_submitted) as submitted_task_count,
                count(*) filter (where not is_submitted) as other_task_count,
                sum(task_seconds) as total_seconds,
                avg(task_seconds) as mean_seconds,
                median(task_seconds) as median_seconds,
                quantile_cont(task_seconds, 0.95) as p95_seconds,
                count(task_seconds) / nullif(sum(task_seconds) / 3600, 0) as tasks_per_hour,
                max(event_at) as last_event_at
            from tasks
            group by labeling_job_name
        )
        select
            labeling_job_name,
            taken.modality,
            taken.workteam_names,
            taken.worker_count,
            coalesce(taken.submitted_task_count, 0) as submitted_task_count,
            coalesce(taken.other_task_count, 0) as other_task_count,
            coalesce(answered.answer_count, 0) as answer_count,
            taken.total_seconds,
            taken.mean_seconds,
            taken.median_seconds,
            taken.p95_seconds,
            taken.tasks_per_hour,
            answered.agreeing_answer_count / nullif(answered.comparable_answer_count, 0) as agreement_ratio,
            taken.last_event_at
        from taken
        full outer join answered using (labeling_job_name)
        order by taken.total_seconds desc nulls last, answer_count desc, labeling_job_name
    """,
    fields=(
        Field("labeling_job_name", "Labelling job", "job"),
        Field("modality", "Modality", "modality"),
        Field("workteam_names", "Work teams"),
        Field("worker_count", "Workers", "count"),
        Field("submitted_task_count", "Submitted", "count"),
        Field("other_task_count", "Not submitted", "count"),
        Field("answer_count", "Answers", "count"),
        Field("total_seconds", "Total", "seconds"),
        Field("mean_seconds", "Mean", "seconds"),
        Field("median_seconds", "Median", "seconds"),
        Field("p95_seconds", "95 % within", "seconds"),
        Field("tasks_per_hour", "per hour", "number"),
        Field("agreement_ratio", "Agrees", "ratio"),
        Field("last_event_at", "Last", "time"),
    ),
)
