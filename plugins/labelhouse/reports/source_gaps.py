"""Where the log, the answers and the counters of a job disagree."""

from __future__ import annotations

from labelhouse.reports import Field, Report, Row
from labelhouse.reports.chosen_work import UNKNOWN_MODALITY


def _sum(rows: list[Row]) -> str | None:
    if not rows:
        return None
    lost, unanswered = (
        sum(row[name] or 0 for row in rows) for name in ("missing_in_log_count", "missing_in_answers_count")
    )
    return (
        f"Together {lost:,} {_tasks(lost)} missing in the log, and {unanswered:,} without an answer. "
        "A worker is no criterion here: counters know none."
    )


def _tasks(count: int) -> str:
    return "task" if count == 1 else "tasks"


REPORT = Report(
    name="source_gaps",
    page="workers",
    order=100,
    title="Where the sources disagree",
    question="Which submitted tasks does the worker log, the answers or the job's own counter not know, per job and "
    "day?",
    shape="table",
    is_wide=True,
    sql=f"""
        select
            gaps.event_date,
            gaps.labeling_job_name,
            gaps.log_task_count,
            gaps.answer_task_count,
            gaps.counter_task_count,
            gaps.missing_in_log_count,
            gaps.missing_in_answers_count,
            gaps.counter_difference_count,
            gaps.explanation
        from fct_source_gap as gaps
        left join dim_labeling_job as jobs using (labeling_job_name)
        where
            (
                gaps.missing_in_log_count > 0
                or gaps.missing_in_answers_count > 0
                or gaps.counter_difference_count <> 0
            )
            and ($from_date is null or gaps.event_date >= $from_date)
            and ($until_date is null or gaps.event_date <= $until_date)
            and ($job is null or gaps.labeling_job_name = $job)
            and ($team is null or jobs.workteam_name = $team)
            and ($modality is null or coalesce(jobs.modality, '{UNKNOWN_MODALITY}') = $modality)
        order by gaps.event_date desc, gaps.labeling_job_name
    """,
    fields=(
        Field("event_date", "Day", "date"),
        Field("labeling_job_name", "Labelling job", "job"),
        Field("log_task_count", "In the log", "count"),
        Field("answer_task_count", "Answers", "count"),
        Field("counter_task_count", "Counter", "count"),
        Field("missing_in_log_count", "Missing in the log", "count"),
        Field("missing_in_answers_count", "Without an answer", "count"),
        Field("counter_difference_count", "Counter differs by", "count"),
        Field("explanation", "Why", "sentence"),
    ),
    note=_sum,
    empty="The log, the answers and the counters agree, or only one of them is loaded.",
)
