"""Every worker with the totals of their work."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_work import ANSWERS, TASKS, WORKER_DAYS

REPORT = Report(
    name="worker_table",
    page="workers",
    order=70,
    title="Workers",
    question="Every worker, with the totals of their work. The times are those of submitted tasks: active time where "
    "it is captured, else from acceptance to submission.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql=f"""
        with {ANSWERS.strip()},
        {TASKS.strip()},
        {WORKER_DAYS.strip()},
        work as (
            select worker_id, labeling_job_name from answers
            union
            select worker_id, labeling_job_name from tasks
        ),
        workers as (
            select worker_id, count(distinct labeling_job_name) as labeling_job_count from work group by worker_id
        ),
        answered as (
            select
                worker_id,
                count(*) as answer_count,
                count(distinct (labeling_job_name, dataset_object_id)) as dataset_object_count,
                count(*) filter (where agrees_with_consolidated) as agreeing_answer_count,
                count(agrees_with_consolidated) as comparable_answer_count,
                min(event_at) as first_answer_at,
                max(event_at) as last_answer_at
            from answers
            group by worker_id
        ),
        taken as (
            select
                worker_id,
                string_agg(distinct workteam_name, ', ' order by workteam_name) as workteam_names,
                count(*) filter (where is_submitted) as submitted_task_count,
                count(*) filter (where outcome = 'returned') as returned_task_count,
                count(*) filter (where outcome = 'declined') as declined_task_count,
                count(*) filter (where outcome = 'abandoned') as abandoned_task_count,
                count(*) filter (where is_excluded) as excluded_task_count,
                sum(task_seconds) as total_seconds,
                max(task_seconds) as max_seconds,
                min(task_seconds) as min_seconds,
                avg(task_seconds) as mean_seconds,
                median(task_seconds) as median_seconds,
                quantile_cont(task_seconds, 0.95) as p95_seconds,
                sum(idle_seconds) filter (where is_submitted and not is_excluded)::double as idle_seconds,
                count(task_seconds) / nullif(sum(task_seconds) / 3600, 0) as tasks_per_hour,
                min(event_at) as first_task_at,
                max(event_at) as last_task_at
            from tasks
            group by worker_id
        ),
        labelled as (
            select worker_id, sum(label_count)::bigint as label_count from worker_days group by worker_id
        )
        select
            workers.worker_id,
            dim_worker.workforce_type,
            taken.workteam_names,
            workers.labeling_job_count,
            coalesce(answered.answer_count, 0) as answer_count,
            coalesce(answered.dataset_object_count, 0) as dataset_object_count,
            labelled.label_count,
            coalesce(taken.submitted_task_count, 0) as submitted_task_count,
            taken.total_seconds,
            taken.max_seconds,
            taken.min_seconds,
            taken.mean_seconds,
            taken.median_seconds,
            taken.p95_seconds,
            taken.idle_seconds,
            taken.tasks_per_hour,
            answered.agreeing_answer_count / nullif(answered.comparable_answer_count, 0) as agreement_ratio,
            coalesce(answered.comparable_answer_count, 0) as comparable_answer_count,
            coalesce(taken.returned_task_count, 0) as returned_task_count,
            coalesce(taken.declined_task_count, 0) as declined_task_count,
            coalesce(taken.abandoned_task_count, 0) as abandoned_task_count,
            coalesce(taken.excluded_task_count, 0) as excluded_task_count,
            least(answered.first_answer_at, taken.first_task_at) as first_event_at,
            greatest(answered.last_answer_at, taken.last_task_at) as last_event_at,
            dim_worker.left_date
        from workers
        left join answered using (worker_id)
        left join taken using (worker_id)
        left join labelled using (worker_id)
        left join dim_worker using (worker_id)
        order by taken.total_seconds desc nulls last, answer_count desc, workers.worker_id
    """,
    fields=(
        Field("worker_id", "Worker", "worker"),
        Field("total_seconds", "Total", "seconds"),
        Field("max_seconds", "Longest", "seconds"),
        Field("min_seconds", "Shortest", "seconds"),
        Field("mean_seconds", "Mean", "seconds"),
        Field("median_seconds", "Median", "seconds"),
        Field("p95_seconds", "95 % within", "seconds"),
        Field("idle_seconds", "Idle", "seconds"),
        Field("submitted_task_count", "Submitted", "count"),
        Field("tasks_per_hour", "per hour", "number"),
        Field("labeling_job_count", "Jobs", "count"),
        Field("answer_count", "Answers", "count"),
        Field("dataset_object_count", "Objects", "count"),
        Field("label_count", "Labels", "count"),
        Field("agreement_ratio", "Agrees", "ratio"),
        Field("comparable_answer_count", "Comparable", "count"),
        Field("returned_task_count", "Returned", "count"),
        Field("declined_task_count", "Declined", "count"),
        Field("abandoned_task_count", "Abandoned", "count"),
        Field("excluded_task_count", "Not timed", "count"),
        Field("workteam_names", "Work teams", "sentence"),
        Field("workforce_type", "Workforce"),
        Field("first_event_at", "First", "time"),
        Field("last_event_at", "Last", "time"),
        Field("left_date", "Left", "date"),
    ),
)
