"""The tasks behind one worker's numbers."""

from __future__ import annotations

from labelhouse.reports import Field, Report
from labelhouse.reports.chosen_work import TASKS
from labelhouse.reports.encoding import SHOWN_ROWS, cut_newest

REPORT = Report(
    name="worker_tasks",
    page="workers",
    order=110,
    title="Tasks of this worker",
    question="What the log and the answers say about each task, newest first.",
    shape="table",
    is_wide=True,
    needs="worker",
    sql=f"""
        with {TASKS.strip()}
        select
            accepted_at,
            ended_at,
            outcome,
            labeling_job_name,
            workteam_name,
            modality,
            elapsed_seconds,
            active_seconds,
            idle_seconds,
            dataset_object_id,
            has_log,
            has_answer,
            replace(exclusion_reason, '_', ' ') as exclusion_reason,
            count(*) over () as task_count
        from tasks
        where worker_id = $worker
        order by event_at desc, task_id
        limit {SHOWN_ROWS}
    """,
    fields=(
        Field("accepted_at", "Accepted", "time"),
        Field("ended_at", "Ended", "time"),
        Field("outcome", "Outcome"),
        Field("labeling_job_name", "Labelling job", "job"),
        Field("workteam_name", "Work team", "team"),
        Field("modality", "Modality", "modality"),
        Field("elapsed_seconds", "Elapsed", "seconds"),
        Field("active_seconds", "Active", "seconds"),
        Field("idle_seconds", "Idle", "seconds"),
        Field("dataset_object_id", "Object"),
        Field("has_log", "In the log", "boolean"),
        Field("has_answer", "Answer", "boolean"),
        Field("exclusion_reason", "Not timed", "flags"),
    ),
    note=lambda rows: cut_newest(rows, "task"),
    empty="No tasks in this selection.",
)
