"""A log group that is served page by page, in whatever weather, for tests of the worker activity log."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from labelhouse.sources import Clients
from served_aws import clients_of, refused

NAME = "/aws/sagemaker/groundtruth/WorkerActivity"
PLACE = f"logs://us-east-2{NAME}"
START = datetime(2024, 5, 6, 7, tzinfo=UTC)
HOUR = f"{PLACE}/2024-05-06T07Z"

Event = dict[str, Any]

TOKEN_EXPIRED = refused("InvalidParameterException", message="The specified nextToken is invalid or has expired.")
CREDENTIALS_EXPIRED = refused("ExpiredTokenException", message="The security token included in the request is expired")
THROTTLED = refused("ThrottlingException", message="Rate exceeded")
PASSING = (
    THROTTLED,
    refused("ServiceUnavailableException", 503),
    refused("InternalFailure", 500),
    EndpointConnectionError(endpoint_url="https://logs"),
    ReadTimeoutError(endpoint_url="https://logs"),
    CREDENTIALS_EXPIRED,
)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def event(number: int, timestamp: int, message: str = "{}") -> Event:
    """One event; the same message may well have several ids."""
    return {
        "eventId": f"{number:056}",
        "logStreamName": f"aws/sagemaker/groundtruth/worker-activity/111122223333-us-east-2/{number % 3}",
        "timestamp": timestamp,
        "ingestionTime": timestamp + 5,
        "message": message,
    }


@dataclass
class LogGroup:
    """A log group.

    Args:
        events: what it holds.
        pages: what its pages hold, by their order in `events` within the time asked for; None is one page. Empty ones,
            and ones that hold what others hold, are as good as any.
        weather: number of a request → what it gets instead of an answer.
        described: what DescribeLogGroups says about it, beside its name.
        requests: parameters of all requests that came.
    """

    events: list[Event] = field(default_factory=list)
    pages: Sequence[slice] | None = None
    weather: dict[int, Exception] = field(default_factory=dict)
    described: dict[str, Any] = field(default_factory=lambda: {"creationTime": milliseconds(START)})
    name: str = NAME
    requests: list[dict[str, Any]] = field(default_factory=list)

    @property
    def clients(self) -> Clients:
        """Real clients: botocore checks what is asked and answered."""
        return clients_of(self._answer)

    @property
    def quick_clients(self) -> Clients:
        """Nothing but the operation that reads events, for thousands of log groups."""

        def read(**parameters: Any) -> dict[str, Any]:
            return self._answer("FilterLogEvents", parameters)

        return lambda _name: SimpleNamespace(filter_log_events=read)

    def _answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.requests.append(parameters)
        fault = self.weather.get(len(self.requests) - 1)
        # a request without a token has none that could expire
        if fault and not (fault is TOKEN_EXPIRED and "nextToken" not in parameters):
            raise fault
        if operation == "DescribeLogGroups":
            is_meant = self.name.startswith(parameters["logGroupNamePrefix"])
            return {"logGroups": [{"logGroupName": self.name, **self.described}] if is_meant else []}
        assert operation == "FilterLogEvents"
        if parameters["logGroupName"] != self.name:
            raise refused("ResourceNotFoundException", message="The specified log group does not exist.")
        # as in AWS, both ends are included
        there = [each for each in self.events if parameters["startTime"] <= each["timestamp"] <= parameters["endTime"]]
        at = int(parameters.get("nextToken", "0"))
        pages = self.pages or [slice(None)]
        page: dict[str, Any] = {"events": there[pages[at]], "searchedLogStreams": []}
        return page | ({"nextToken": str(at + 1)} if at + 1 < len(pages) else {})


def script(chance: random.Random) -> LogGroup:
    """An hour in pages that are empty, repeated or overlapping, asked for in bad weather, with two restarts at most."""
    first = milliseconds(START)
    somewhere = [first + chance.randrange(-9000, 3_609_000) for _ in range(chance.randrange(30))]
    stamps = [first, first + 3_599_999, first - 1, first + 3_600_000, *somewhere]
    # messages repeat: a line logged twice is two lines
    events = [event(number, stamp, f'{{"n": {chance.randrange(4)}}}') for number, stamp in enumerate(stamps)]
    events.sort(key=lambda each: each["timestamp"])
    pages = [*_pages(chance, len(events))]
    weather: dict[int, Exception] = {}
    at, restarts = 0, chance.randrange(3)
    while at < len(pages) * 2:
        kind = chance.random()
        if kind < 0.3:
            for _ in range(chance.randrange(1, 4)):
                weather[at] = chance.choice(PASSING)
                at += 1
        elif kind < 0.35 and restarts:
            weather[at] = TOKEN_EXPIRED
            restarts -= 1
        at += 1
    return LogGroup(events, pages, weather)


def _pages(chance: random.Random, count: int) -> Iterator[slice]:
    at = 0
    while True:
        kind = chance.random()
        if kind < 0.3:
            yield slice(0, 0)
        elif kind < 0.4:
            yield slice(max(0, at - 5), at)  # what was on the page before
        else:
            size = chance.randrange(1, 8)
            yield slice(at, at + size)
            at += size
            if at >= count:
                break
    for _ in range(chance.randrange(3)):
        yield slice(0, 0)
