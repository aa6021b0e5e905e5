"""How clients are asked for: names with region and connection, and a pace that all threads share."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from time import sleep
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config

from labelhouse.sources.requests import REQUESTS_PER_SECOND, ClientName, Pace, careful, through


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("s3", ClientName("s3")),
        ("logs@us-east-1", ClientName("logs", "us-east-1")),
        ("s3#aws_eu", ClientName("s3", None, "aws_eu")),
        ("cognito-idp@eu-west-1#aws.eu", ClientName("cognito-idp", "eu-west-1", "aws.eu")),
    ],
)
def test_the_parts_of_a_name(text: str, name: ClientName) -> None:
    assert ClientName.parse(text) == name


@pytest.mark.parametrize("text", ["", "@us-east-1", "s3@", "s3#", "s3#a#b", "s3#a@b"])
def test_what_is_no_name(text: str) -> None:
    with pytest.raises(ValueError, match="no name of a client"):
        ClientName.parse(text)


def test_a_place_with_a_connection_is_read_through_it() -> None:
    asked: list[str] = []
    for connection in (None, "aws_eu"):
        clients = through(asked.append, connection)
        clients("s3")
        clients("logs@us-east-1")
    assert asked == ["s3", "logs@us-east-1", "s3#aws_eu", "logs@us-east-1#aws_eu"]


def test_a_pace_spreads_requests_and_forgets_idle_times() -> None:
    now, slept = 100.0, list[float]()

    def pass_time(seconds: float) -> None:
        nonlocal now
        slept.append(seconds)
        now += seconds

    pace = Pace(4, now=lambda: now, sleep=pass_time)
    for _ in range(4):
        pace.wait()
    assert slept == [0.25] * 3, "the first goes at once"
    now += 60
    for _ in range(2):
        pace.wait()
    assert slept == [0.25] * 4, "a minute of silence is no reason for 240 requests at once"


def test_threads_take_turns() -> None:
    turns: list[float] = []
    pace = Pace(10, now=lambda: 0.0, sleep=turns.append)
    with ThreadPoolExecutor(8) as threads:
        for _ in range(50):
            threads.submit(pace.wait)
    assert sorted(turns) == pytest.approx([number / 10 for number in range(1, 50)]), "no turn is given twice"


class Service:
    """A client whose requests end here: answered in the order of `statuses`, then always well."""

    def __init__(self, *statuses: int) -> None:
        self.statuses, self.request_count = list(statuses), 0
        self.client = boto3.client(
            "logs",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"mode": "standard", "total_max_attempts": 3}),
        )
        self.client.meta.events.register_last("before-send.*.*", self._answer)

    def _answer(self, request: Any, **_: Any) -> AWSResponse:
        self.request_count += 1
        status = self.statuses.pop(0) if self.statuses else 200
        body = Body(b'{"logGroups": []}')
        return AWSResponse(request.url, status, {"content-type": "application/x-amz-json-1.1"}, body)


class Body(BytesIO):
    """As urllib3 hands it to botocore."""

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self.read()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The rates of the paces that requests waited for."""
    found: list[float] = []
    monkeypatch.setattr(Pace, "wait", lambda self, **_: found.append(1 / self._seconds))
    return found


def test_every_attempt_of_every_request_keeps_the_pace(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda seconds: None)
    service = Service(500)
    clients = careful(lambda name: service.client)
    for _ in range(2):
        clients("logs@us-east-1").describe_log_groups()
    assert service.request_count == 3, "one was tried again"
    assert waits == [REQUESTS_PER_SECOND["logs"]] * 3


def test_the_settings_pace_every_service(waits: list[float]) -> None:
    service = Service()
    careful(lambda name: service.client, 2.5)("logs@us-east-1").describe_log_groups()
    assert waits == [2.5]


def test_a_client_that_two_extractions_share_keeps_the_pace_of_the_later_one(waits: list[float]) -> None:
    service = Service()
    for rate in (2, 3):
        careful(lambda name: service.client, rate)("logs@us-east-1").describe_log_groups()
    assert waits == [2, 3], "and not both"


def test_a_service_without_a_pace_is_asked_as_fast_as_it_answers(waits: list[float]) -> None:
    service = Service()
    careful(lambda name: service.client)("s3").describe_log_groups()
    assert (service.request_count, waits) == (1, [])


def test_clients_are_made_one_at_a_time() -> None:
    making = threading.Lock()

    def make(name: str) -> str:
        assert making.acquire(blocking=False), "nobody else is making one"
        sleep(0.002)
        making.release()
        return name

    clients = careful(make)
    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(clients, ["s3"] * 40)) == ["s3"] * 40
