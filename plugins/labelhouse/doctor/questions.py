"""What else is asked about a place than whether it can be read; each question a module of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from labelhouse.doctor.findings import Finding, Heading, State
from labelhouse.doctor.places import Target, target_of
from labelhouse.settings import Place
from labelhouse.sources import Clients, Source
from labelhouse.sources.control_plane import Api

#: Where the guide says how a source is set up; the others need no more than the policy.
_GUIDES: dict[str, Heading] = {
    "cloudtrail": "training-metrics",
    "labeling_job_states": "changes-of-jobs-status",
    "model_predictions": "data-capture",
    "trail_digests": "log-file-validation",
    "worker_activity": "workers-activity",
    "workteams": "workers-activity",
}


@dataclass(frozen=True)
class Examined:
    """A place that is examined.

    Args:
        clients: watched, through the place's connection.
        regions: that any place names.
        now: the present (UTC).
    """

    source: Source
    place: Place
    clients: Clients
    regions: frozenset[str]
    now: Callable[[], datetime]

    @cached_property
    def target(self) -> Target:
        """What the place names."""
        return target_of(self.place.uri)

    @property
    def words(self) -> str:
        """The place as findings name it."""
        return f"{self.place.uri} ({self.place.connection})" if self.place.connection else self.place.uri

    def client(self, service: str) -> Any:
        """A client in the place's region, or in that of the connection."""
        return self.clients(f"{service}@{self.target.region}" if self.target.region else service)

    def api(self, service: str, region: str) -> Api:
        """A service in a region, asked as sources do."""
        return Api(self.clients, service, region, self.place.uri)

    def finding(self, state: State, what: str, to_do: str = "", guide: Heading = "") -> Finding:
        """A finding about this place."""
        return Finding(state, self.source.name, self.words, what, to_do, guide)


#: Gives findings; raises what its calls raise.
Question = Callable[[Examined], Iterator[Finding]]


def questions_of(source_name: str, target: Target) -> tuple[Question, ...]:
    """What is asked about a place of a source."""
    from labelhouse.doctor import log_groups, teams, trails

    questions: dict[tuple[str, str], tuple[Question, ...]] = {
        ("cloudtrail", "s3"): (trails.data_events, trails.delivery),
        ("trail_digests", "s3"): (trails.validation,),
        ("training_logs", "logs"): (log_groups.elsewhere,),
        ("worker_activity", "logs"): (log_groups.elsewhere, teams.activity),
        ("workteams", "sagemaker"): (teams.old_teams,),
    }
    return questions.get((source_name, target.scheme), ())


def guide_of(source_name: str) -> Heading:
    """The heading of the guide about a source, as an anchor; empty where there is none."""
    return _GUIDES.get(source_name, "")
