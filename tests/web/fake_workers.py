"""Work for the fake lake: the marts of tasks, teams and gaps with the columns of the contract."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import duckdb

from web.fake_training import insert_rows

MODALITIES = ("image", "video", "text", "point_cloud")
TEAMS = ("field-crew", "night-shift", "reviewers")

_TASKS = """
    create table fct_task (
        task_id varchar, response_id varchar, labeling_job_name varchar, worker_id varchar, worker_pseudonym varchar,
        workteam_name varchar, account_id varchar, aws_region varchar, modality varchar, batch_name varchar,
        level varchar, job_type varchar, outcome varchar, accepted_at timestamptz, ended_at timestamptz,
        elapsed_seconds decimal(18, 3), active_seconds decimal(18, 3), idle_seconds decimal(18, 3),
        dataset_object_id varchar, has_log boolean, has_answer boolean, is_measured boolean, exclusion_reason varchar,
        event_at timestamptz, event_date date
    );
    create table fct_source_gap (
        labeling_job_name varchar, event_date date, source varchar, log_task_count bigint, answer_task_count bigint,
        counter_task_count bigint, cloudwatch_task_count bigint,
        cloudwatch_difference_count bigint, missing_in_log_count bigint, missing_in_answers_count bigint,
        counter_difference_count bigint, explanation varchar
    );
"""
#: What dbt does, reduced to what the pages read: a job's modality and team, and what follows from its tasks.
_DERIVED = """
    create table jobs as
    select labeling_job_name, any_value(modality) as modality, any_value(workteam_name) as workteam_name
    from fct_task group by all;
    create or replace table dim_labeling_job as
    select * from (select labeling_job_name, answer_count from dim_labeling_job) full join jobs
    using (labeling_job_name);
    create or replace table fct_worker_job as
    select fct_worker_job.*, jobs.modality, jobs.workteam_name
    from fct_worker_job left join jobs using (labeling_job_name);
    create table dim_workteam as
    select workteam_name, count(distinct worker_id) as worker_count from fct_task
    where workteam_name is not null group by all;
    create or replace table dim_worker as
    select *, null::date as left_date from dim_worker
    union all by name
    select worker_id, any_value(worker_pseudonym) as worker_pseudonym, 'private' as workforce_type
    from fct_task where worker_id not in (select worker_id from dim_worker) group by worker_id;
    create table fct_worker_day as
    select
        worker_id, any_value(worker_pseudonym) as worker_pseudonym, labeling_job_name, workteam_name, modality,
        event_date, count(*) filter (where has_answer) as answer_count,
        3 * count(*) filter (where has_answer) as label_count
    from fct_task group by all;
    drop table jobs;
"""


def tasks_of(answers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The task behind each answer, known to the log where the answer has a time; the same on every call.

    The time was active for half of it or more. Jobs take turns in their modality and their team.
    """
    chance = random.Random(5)
    jobs = list(dict.fromkeys(row["labeling_job_name"] for row in answers))
    return [_task(row, jobs.index(row["labeling_job_name"]), chance) for row in answers]


def other_tasks(tasks: list[dict[str, Any]], share: float = 0.15) -> list[dict[str, Any]]:
    """Tasks beside `tasks` that were not submitted, or whose times cannot be: a `share` of each ten."""
    chance = random.Random(9)
    found = []
    for number, task in enumerate(tasks):
        if chance.random() >= share:
            continue
        outcome = chance.choice(("returned", "returned", "declined", "abandoned", "open", "submitted"))
        plain = {"task_id": f"other-{number}", "outcome": outcome, "has_answer": False, "active_seconds": None}
        plain |= {"idle_seconds": None, "dataset_object_id": None, "response_id": None}
        if outcome in ("abandoned", "open"):
            plain |= {"ended_at": None, "elapsed_seconds": None}
        if outcome == "submitted":
            plain |= {"elapsed_seconds": -40.0, "is_measured": False, "exclusion_reason": "negative"}
        found.append(task | plain)
    return found


def gaps_of(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A gap for every third day of every job of `tasks`: one task is missing in the log."""
    days = sorted({(task["labeling_job_name"], task["event_date"]) for task in tasks})
    return [
        {
            "labeling_job_name": job,
            "event_date": day,
            "source": "log",
            "log_task_count": 11,
            "answer_task_count": 12,
            "counter_task_count": 12 if number % 2 else None,
            "cloudwatch_task_count": 10 if number % 2 else None,
            "cloudwatch_difference_count": 2 if number % 2 else None,
            "missing_in_log_count": 1,
            "missing_in_answers_count": 0,
            "counter_difference_count": 0 if number % 2 else None,
            "explanation": "1 answer has no task in the log: the log is lost or late.",
        }
        for number, (job, day) in enumerate(days)
        if number % 3 == 0
    ]


def _task(answer: dict[str, Any], job: int, chance: random.Random) -> dict[str, Any]:
    active, at = answer["time_spent_seconds"], answer["event_at"]
    elapsed = None if active is None else round(float(active) * chance.uniform(1, 2), 3)
    names = ("response_id", "labeling_job_name", "worker_id", "worker_pseudonym", "dataset_object_id")
    return {name: answer[name] for name in names} | {
        "task_id": answer["response_id"],
        "workteam_name": TEAMS[job % len(TEAMS)],
        "modality": MODALITIES[job % len(MODALITIES)],
        "outcome": "submitted",
        "accepted_at": None if elapsed is None else at - timedelta(seconds=elapsed),
        "ended_at": at,
        "elapsed_seconds": elapsed,
        "active_seconds": active,
        "idle_seconds": None if elapsed is None else round(elapsed - float(active), 3),
        "has_log": active is not None,
        "has_answer": True,
        "is_measured": True,
        "event_at": at,
        "event_date": answer["event_date"],
    }


def add_work(connection: duckdb.DuckDBPyConnection, tasks: list[dict[str, Any]], gaps: list[dict[str, Any]]) -> None:
    """Makes the marts of tasks, teams and gaps beside those of the answers."""
    connection.execute(_TASKS)
    insert_rows(connection, "fct_task", tasks)
    insert_rows(connection, "fct_source_gap", gaps)
    connection.execute(_DERIVED)
