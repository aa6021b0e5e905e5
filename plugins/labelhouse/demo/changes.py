"""What changes in the account beside its bucket: log events, the newest state of jobs, teams, users and endpoints."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from labelhouse.demo.jobs import Project
from labelhouse.demo.places import LOG_GROUP

JobStatus = Literal["InProgress", "Completed", "Failed", "Stopped"]


@dataclass(frozen=True, slots=True)
class LogEvent:
    """An event of a log.

    Args:
        at: when CloudWatch took it in, which may be long after `timestamp`.
        timestamp: of the event itself (ms since 1970).
        event_id: CloudWatch's own; one record that arrives twice has two.
        stream: name of its log stream.
        message: the line.
        group: its log group.
    """

    at: datetime
    timestamp: int
    event_id: str
    stream: str
    message: str
    group: str = LOG_GROUP


@dataclass(frozen=True, slots=True)
class JobState:
    """A labelling job from `at` on, its last modification.

    Args:
        name: in the case that its owner chose; AWS does not distinguish it.
        reference_code: by which the work team's owner knows it.
        human_labeled_count, machine_labeled_count, failed_count: of its objects, so far.
    """

    at: datetime
    name: str
    project: Project
    created_at: datetime
    reference_code: str
    status: JobStatus = "InProgress"
    failure_reason: str | None = None
    human_labeled_count: int = 0
    machine_labeled_count: int = 0
    failed_count: int = 0

    @property
    def unlabeled_count(self) -> int:
        """Objects that have no label and may yet get one."""
        done = self.human_labeled_count + self.machine_labeled_count + self.failed_count
        return self.project.object_count - done


@dataclass(frozen=True, slots=True)
class TeamState:
    """The work team from `at` on, its last update."""

    at: datetime
    name: str
    arn: str
    description: str
    created_at: datetime
    user_pool_id: str
    user_group: str
    client_id: str


@dataclass(frozen=True, slots=True)
class UserState:
    """A user of the pool from `at` on.

    Args:
        username: their e-mail address, with which they sign in.
        status: as Cognito names it.
        groups: names of the groups that they are in.
        is_deleted: the pool no longer knows them.
    """

    at: datetime
    user_pool_id: str
    username: str
    sub: str
    created_at: datetime
    modified_at: datetime
    status: str = "FORCE_CHANGE_PASSWORD"
    is_enabled: bool = True
    groups: frozenset[str] = field(default=frozenset())
    is_deleted: bool = False


@dataclass(frozen=True, slots=True)
class TrainingJobState:
    """A training job from `at` on.

    Args:
        description: what DescribeTrainingJob says.
    """

    at: datetime
    name: str
    description: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrialComponentState:
    """A trial component from `at` on.

    Args:
        description: what DescribeTrialComponent says.
        trials: names of the trials that it is in, and of their experiments.
    """

    at: datetime
    name: str
    description: dict[str, Any]
    trials: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class EndpointState:
    """An endpoint with one variant from `at` on, its last modification.

    Args:
        seed: of the world; what it measures follows from it.
        began_at: when the world began, from which its days are counted.
        capture_uri: where its inputs and outputs are captured.
    """

    at: datetime
    name: str
    seed: int
    began_at: datetime
    created_at: datetime
    config_name: str
    variant_name: str
    model_name: str
    instance_type: str
    instance_count: int
    capture_uri: str
    status: Literal["InService", "Updating"] = "InService"


Change = LogEvent | JobState | TeamState | UserState | TrainingJobState | TrialComponentState | EndpointState
