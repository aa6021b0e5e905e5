"""Every worker with the totals of their work."""

from __future__ import annotations

from labelhouse.reports import Field, Report

REPORT = Report(
    name="worker_table",
    page="workers",
    order=50,
    title="Workers",
    question="Every worker, with the totals of their work.",
    shape="table",
    is_wide=True,
    is_sortable=True,
    sql="""
        select
            worker_id,
            max(workforce_type) as workforce_type,
            count(*) as labeling_job_count,
            sum(answer_count)::bigint as answer_count,
            sum(dataset_object_count)::bigint as dataset_object_count,
            sum(agreeing_answer_count) / nullif(sum(comparable_answer_count), 0) as agreement_ratio,
            sum(comparable_answer_count)::bigint as comparable_answer_count,
            sum(time_spent_seconds) as time_spent_seconds,
            min(first_answer_at) as first_answer_at,
            max(last_answer_at) as last_answer_at
        from fct_worker_job
        where ($job is null or labeling_job_name = $job) and ($worker is null or worker_id = $worker)
        group by worker_id
        order by answer_count desc, worker_id
    """,
    fields=(
        Field("worker_id", "Worker", "worker"),
        Field("workforce_type", "Workforce"),
        Field("labeling_job_count", "Jobs", "count"),
        Field("answer_count", "Answers", "count"),
        Field("dataset_object_count", "Objects", "count"),
        Field("agreement_ratio", "Agrees", "ratio"),
        Field("comparable_answer_count", "Comparable", "count"),
        Field("time_spent_seconds", "Active time", "seconds"),
        Field("first_answer_at", "First answer", "time"),
        Field("last_answer_at", "Last answer", "time"),
    ),
)
