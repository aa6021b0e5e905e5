"""What the services of one region know at the present time: everything that changed so far, and nothing of what will.

The bucket is moto's.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from operator import itemgetter

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import S3Backend, s3_backends

from labelhouse.demo.changes import (
    Change,
    EndpointState,
    JobState,
    LogEvent,
    TeamState,
    TrainingJobState,
    TrialComponentState,
    UserState,
)
from labelhouse.demo.places import LOG_GROUP
from labelhouse.demo.world import Write

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class Export:
    """An export of log events to S3 that somebody asked for; times in ms since 1970, both included."""

    task_id: str
    task_name: str | None
    stream_prefix: str
    begin: int
    end: int
    bucket: str
    prefix: str
    created_at: datetime
    is_written: bool = False
    group: str = LOG_GROUP


@dataclass(slots=True)
class Region:
    """The newest state of jobs (by name in lower case), teams, users and endpoints, what is trained, and the logs.

    Args:
        progress: every state of a job, by its name in lower case.
        name: of the region.
        now: the present (UTC).
        repeated_tokens: tokens of the log that were answered with nothing but themselves.
    """

    name: str
    now: datetime = _BEGINNING
    jobs: dict[str, JobState] = field(default_factory=dict)
    teams: dict[str, TeamState] = field(default_factory=dict)
    users: dict[str, UserState] = field(default_factory=dict)
    endpoints: dict[str, EndpointState] = field(default_factory=dict)
    progress: dict[str, list[JobState]] = field(default_factory=dict)
    exports: dict[str, Export] = field(default_factory=dict)
    repeated_tokens: set[str] = field(default_factory=set)
    training_jobs: dict[str, TrainingJobState] = field(default_factory=dict)
    trial_components: dict[str, TrialComponentState] = field(default_factory=dict)
    _logs: dict[str, list[tuple[int, str, LogEvent]]] = field(default_factory=dict)

    def apply(self, change: Change) -> None:
        """Takes in what has just changed."""
        match change:
            case LogEvent():
                insort(self._logs.setdefault(change.group, []), (change.timestamp, change.event_id, change))
            case TrainingJobState():
                self.training_jobs[change.name] = change
            case TrialComponentState():
                self.trial_components[change.name] = change
            case JobState():
                self.jobs[change.name.lower()] = change
                self.progress.setdefault(change.name.lower(), []).append(change)
            case EndpointState():
                self.endpoints[change.name] = change
            case TeamState():
                self.teams[change.name.lower()] = change
            case UserState() if change.is_deleted:
                del self.users[change.username]
            case UserState():
                self.users[change.username] = change

    @property
    def log_event_count(self) -> int:
        """Events that the workers' log holds."""
        return len(self._logs.get(LOG_GROUP, ()))

    def log_span(self, group: str = LOG_GROUP) -> tuple[int, int]:
        """Timestamps of a log's first and last event (ms since 1970); 0 and -1 where there is none."""
        log = self._logs.get(group)
        return (log[0][0], log[-1][0]) if log else (0, -1)

    def log_events(
        self, after: tuple[int, str] = (-1, ""), until: int = 1 << 62, group: str = LOG_GROUP
    ) -> Iterator[LogEvent]:
        """A log's events behind that timestamp and id (of an event or not), in their order, `until` included.

        Behind an id of "~" is what has a later timestamp.
        """
        log = self._logs.get(group, [])
        place = bisect_right(log, after, key=itemgetter(0, 1))
        for timestamp, _, event in islice(log, place, None):
            if timestamp > until:
                break
            yield event


def has_bucket(bucket: str) -> bool:
    """Whether the account has that bucket."""
    return bucket in s3().buckets


def store(bucket: str, write: Write) -> None:
    """Puts an object into a bucket, as of the time of the write."""
    stored = s3().put_object(bucket, write.key, write.body)
    stored.last_modified = write.at.replace(tzinfo=None)


def s3() -> S3Backend:
    """moto's memory behind the server: filling it directly takes a tenth of the time that requests take."""
    return s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
