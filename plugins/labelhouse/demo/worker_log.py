"""The workers' log: a record for every task that the private team accepts, and one for how it ended.

It agrees with the answers, but for a known share that is lost on the way, arrives late or arrives twice.
The crowd is not logged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import numpy as np

from labelhouse.demo.chance import generator, hexadecimal
from labelhouse.demo.changes import LogEvent
from labelhouse.demo.cloudtrail import ACCOUNT_ID, arn
from labelhouse.demo.jobs import Job
from labelhouse.demo.labeling_calls import TASK_TIME_LIMIT, WORKTEAM
from labelhouse.demo.people import REGION, Worker
from labelhouse.demo.places import user_pool
from labelhouse.demo.world import Acceptance, Rest

#: Share of the tasks of which no record arrives, and of the records that arrive late, and twice.
LOST_RATIO, LATE_RATIO, TWICE_RATIO = 0.012, 0.025, 0.02
#: A record that is not late is there within seconds; one that is, after these at least and at most.
PUNCTUAL_WITHIN, LATE_AFTER, LATE_WITHIN = timedelta(seconds=4), timedelta(minutes=5), timedelta(days=5)
#: Of the sittings that end while tasks wait: share of those after which one more is accepted, and how that ends.
LEFT_RATIOS = {"TasksReturned": 0.1, "TasksDeclined": 0.05, None: 0.03}

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_Ending = Literal["TasksSubmitted", "TasksReturned", "TasksDeclined"]


@dataclass(frozen=True, slots=True)
class _Task:
    """A task that a worker accepts; one without an ending is abandoned: its time runs out, and nothing says so."""

    entity: tuple[str | int, ...]
    worker: Worker
    job: Job
    accepted_at: datetime
    ending: _Ending | None
    ended_at: datetime


def log_events(seed: int, happening: Acceptance | Rest) -> Iterator[LogEvent]:
    """What is logged of the task that a worker accepts now, or after a last answer; none of them is earlier."""
    task = _answered(happening) if isinstance(happening, Acceptance) else _left(seed, happening)
    if task is None or task.worker.is_public or generator(seed, "log", *task.entity).random() < LOST_RATIO:
        return
    yield from _deliveries(seed, task, "TasksAccepted", task.accepted_at)
    if task.ending:
        yield from _deliveries(seed, task, task.ending, task.ended_at)


def _answered(acceptance: Acceptance) -> _Task:
    answer, job = acceptance.answer, acceptance.job
    entity = ("task", job.name, acceptance.item.index, answer.worker.name)
    return _Task(entity, answer.worker, job, answer.accepted_at, "TasksSubmitted", answer.submitted_at)


def _left(seed: int, rest: Rest) -> _Task | None:
    """The task that somebody accepts before they go, if they do."""
    entity = ("left task", rest.job.name, rest.worker.name, rest.at.isoformat())
    rng = generator(seed, *entity)
    endings: list[_Ending | None] = [*LEFT_RATIOS]  # type: ignore[list-item]  # its keys are these
    shares = [*LEFT_RATIOS.values()]
    chosen = int(rng.choice(len(shares) + 1, p=[*shares, 1 - sum(shares)]))
    if chosen == len(shares):
        return None
    accepted_at = rest.at + timedelta(seconds=1.2 + float(rng.exponential(2)))
    longest = TASK_TIME_LIMIT / timedelta(seconds=1)
    seconds = min(longest, 2 + float(rng.exponential(25)))
    return _Task(entity, rest.worker, rest.job, accepted_at, endings[chosen], accepted_at + timedelta(seconds=seconds))


def _deliveries(seed: int, task: _Task, event_type: str, at: datetime) -> Iterator[LogEvent]:
    """One record: once and within seconds, as a rule."""
    rng = generator(seed, "log record", event_type, *task.entity)
    timestamp = int(at.timestamp() * 1000) + int(rng.integers(40, 900))
    delay = PUNCTUAL_WITHIN * float(rng.uniform(0.3, 1))
    if rng.random() < LATE_RATIO:
        delay = LATE_AFTER * (LATE_WITHIN / LATE_AFTER) ** float(rng.random())  # minutes as likely as days
    message = _record(seed, task, event_type, at)
    yield _event(rng, at + delay, timestamp, message)
    if rng.random() < TWICE_RATIO:  # its sender heard no answer and sends it again
        yield _event(rng, at + delay + timedelta(seconds=float(rng.uniform(2, 90))), timestamp, message)


def _event(rng: np.random.Generator, ingested_at: datetime, timestamp: int, message: str) -> LogEvent:
    """CloudWatch's ids begin with the time of the event: 56 digits."""
    event_id = (timestamp << 144) + int(hexadecimal(rng, 36), 16)
    midnight = timestamp - timestamp % 86_400_000
    stream = f"aws/sagemaker/groundtruth/worker-activity/{ACCOUNT_ID}-{REGION}/{midnight}"
    return LogEvent(ingested_at, timestamp, f"{event_id:056d}", stream, message)


def _record(seed: int, task: _Task, event_type: str, at: datetime) -> str:
    ended = "" if event_type == "TasksAccepted" else time_of_java(task.ended_at)
    record = {
        "worker_id": task.worker.worker_id.rpartition(".")[2],
        "cognito_user_pool_id": user_pool(seed),
        "cognito_sub_id": task.worker.sub,
        "task_accepted_time": time_of_java(task.accepted_at),
        "task_submitted_time": ended if event_type == "TasksSubmitted" else "",
        "task_returned_time": ended if event_type == "TasksReturned" else "",
        "task_declined_time": ended if event_type == "TasksDeclined" else "",
        "workteam_arn": arn("workteam", f"private-crowd/{WORKTEAM}"),
        "labeling_job_arn": arn("labeling-job", task.job.name.lower()),
        "work_requester_account_id": ACCOUNT_ID,
        "job_reference_code": reference_code(seed, task.job.name),
        "job_type": "Private",
        "event_type": event_type,
        "event_timestamp": str(int(at.timestamp())),
    }
    return json.dumps(record, separators=(",", ":"))


def reference_code(seed: int, job_name: str) -> str:
    """By which the owner of a work team knows a job."""
    return hexadecimal(generator(seed, "reference code", job_name), 12)


def time_of_java(moment: datetime) -> str:
    """A UTC time as Java's `Date` prints it: `Wed Aug 14 16:00:59 UTC 2019`."""
    day = f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment.day:02d}"
    return f"{day} {moment:%H:%M:%S} UTC {moment.year}"
