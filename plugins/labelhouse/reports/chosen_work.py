"""The SQL that the reports of Workers share: which tasks and which answers the page's filters choose."""

from __future__ import annotations

#: Stands for a modality and a worker that nobody captured; a filter can choose it like any other.
UNKNOWN_MODALITY = "not captured"
UNKNOWN_WORKER = "(not captured)"


def _chosen(mart: str, work: str) -> str:
    """Whether a row is chosen: `mart` has its day, job and worker, `work` the work team and the modality."""
    return f"""
                ($from_date is null or {mart}.event_date >= $from_date)
                and ($until_date is null or {mart}.event_date <= $until_date)
                and ($job is null or {mart}.labeling_job_name = $job)
                and ($worker is null or coalesce({mart}.worker_id, '{UNKNOWN_WORKER}') = $worker)
                and ($team is null or {work}.workteam_name = $team)
                and ($modality is null or coalesce({work}.modality, '{UNKNOWN_MODALITY}') = $modality)
    """.strip()


#: The tasks that the filters choose. A CTE. `task_seconds` is what a submitted task took: its active time where that
#: is captured, else the time from acceptance to submission; NULL for every other task, and where the log or the answer
#: contradicts itself (`is_excluded`).
TASKS = f"""
        tasks as (
            select
                * replace (
                    coalesce(worker_id, '{UNKNOWN_WORKER}') as worker_id,
                    coalesce(modality, '{UNKNOWN_MODALITY}') as modality
                ),
                outcome = 'submitted' as is_submitted,
                not coalesce(is_measured, true) as is_excluded,
                case
                    when outcome = 'submitted' and coalesce(is_measured, true)
                        then coalesce(active_seconds, elapsed_seconds)::double
                end as task_seconds
            from fct_task
            where
                {_chosen("fct_task", "fct_task")}
        )
"""

#: The answers that the filters choose. A CTE. An answer knows its job and worker; their team and modality follow.
ANSWERS = f"""
        answers as (
            select responses.*, work.workteam_name, work.modality
            from fct_worker_response as responses
            left join fct_worker_job as work
                on responses.labeling_job_name = work.labeling_job_name and responses.worker_id = work.worker_id
            where
                {_chosen("responses", "work")}
        )
"""

#: The days of work that the filters choose. A CTE.
WORKER_DAYS = f"""
        worker_days as (
            select * replace (coalesce(worker_id, '{UNKNOWN_WORKER}') as worker_id)
            from fct_worker_day
            where
                {_chosen("fct_worker_day", "fct_worker_day")}
        )
"""
