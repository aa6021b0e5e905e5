"""The answers behind one worker's numbers."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_work import ANSWERS
from labelhouse.reports.encoding import SHOWN_ROWS, cut_newest

REPORT = Report(
    name="worker_answers",
    page="workers",
    order=120,
    title="Answers of this worker",
    question="The rows behind the numbers, newest first.",
    shape="table",
    is_wide=True,
    needs="worker",
    sql=f"""
        with {ANSWERS.strip()}
        select
            event_at,
            labeling_job_name,
            dataset_object_id,
            source_ref,
            label,
            consolidated_label,
            agrees_with_consolidated,
            time_spent_seconds,
            count(*) over () as answer_count
        from answers
        where worker_id = $worker
        order by event_at desc, response_id
        limit {SHOWN_ROWS}
    """,
    fields=(
        Field("event_at", "Answered", "time"),
        Field("labeling_job_name", "Labelling job", "job"),
        Field("dataset_object_id", "Object"),
        Field("source_ref", "Source"),
        Field("label", "Answer"),
        Field("consolidated_label", "Consolidated label"),
        Field("agrees_with_consolidated", "Agrees", "boolean"),
        Field("time_spent_seconds", "Active time", "seconds"),
    ),
    note=lambda rows: cut_newest(rows, "answer"),
)
