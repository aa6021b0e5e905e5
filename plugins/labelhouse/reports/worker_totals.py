"""The figures at the top of Workers."""

from __future__ import annotations

from labelhouse.reports import Field, Report

REPORT = Report(
    name="worker_totals",
    page="workers",
    order=0,
    title="At a glance",
    question="How much was answered, by how many people, how well, and in how much time?",
    shape="figures",
    is_wide=True,
    # An object that two workers answered is one object: only its own mart can count it once.
    sql="""
        with work as (
            select *
            from fct_worker_job
            where ($job is null or labeling_job_name = $job) and ($worker is null or worker_id = $worker)
        ),
        objects as (
            select count(*) as dataset_object_count
            from fct_dataset_object
            where ($job is null or labeling_job_name = $job) and answer_count > 0
        )
        select
            coalesce(sum(answer_count), 0)::bigint as answer_count,
            count(distinct worker_id) filter (where worker_id <> '(not captured)') as worker_count,
            count(distinct labeling_job_name) as labeling_job_count,
            case
                when $worker is null then any_value(objects.dataset_object_count)
                else coalesce(sum(work.dataset_object_count), 0)::bigint
            end as dataset_object_count,
            sum(agreeing_answer_count) / nullif(sum(comparable_answer_count), 0) as agreement_ratio,
            coalesce(sum(agreeing_answer_count), 0)::bigint as agreeing_answer_count,
            coalesce(sum(comparable_answer_count), 0)::bigint as comparable_answer_count,
            sum(time_spent_seconds) as time_spent_seconds,
            coalesce(sum(answer_count) filter (where time_spent_seconds is not null), 0)::bigint as timed_answer_count
        from objects
        left join work on true
    """,
    fields=(
        Field("answer_count", "answers", "count", "labelling jobs: {labeling_job_count:,}"),
        Field("worker_count", "workers", "count", "who gave them"),
        Field("dataset_object_count", "objects", "count", "with at least one answer"),
        Field(
            "agreement_ratio",
            "agree with the consolidated label",
            "ratio",
            "{agreeing_answer_count:,} of {comparable_answer_count:,} comparable answers",
        ),
        Field("time_spent_seconds", "active time", "seconds", "captured with {timed_answer_count:,} answers"),
    ),
)
