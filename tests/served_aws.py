"""A small AWS for tests: real clients, whose requests botocore checks, and answers checked by botocore's models too."""

from __future__ import annotations

from collections.abc import Callable
from threading import local
from types import SimpleNamespace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

from labelhouse.sources import Clients

#: `(operation, parameters)` → the answer; raises `refused(…)`.
Answer = Callable[[str, dict[str, Any]], dict[str, Any]]


def refused(code: str, status: int = 400, message: str = "") -> ClientError:
    """What AWS answers instead, as botocore raises it."""
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


def client_of(service: str, answer: Answer, region: str = "us-east-1") -> Any:
    """A client of `service` that never leaves this process.

    Parameters are those of AWS or botocore refuses them; so are the members of an answer and their types.
    """
    client = boto3.client(
        service,
        region_name=region,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    asked = local()  # units are read by several threads

    def remember(params: dict[str, Any], **_: Any) -> None:
        asked.parameters = dict(params)

    def serve(model: Any, **_: Any) -> tuple[Any, dict[str, Any]]:
        try:
            given = answer(model.name, asked.parameters)
        except ClientError as refusal:  # as it comes over the wire, so that botocore's events see it
            status = refusal.response["ResponseMetadata"]["HTTPStatusCode"]
            return SimpleNamespace(status_code=status), dict(refusal.response)
        report = ParamValidator().validate(given, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        unknown = set(given) - set(model.output_shape.members)
        assert not unknown, f"{model.name} has no {unknown}"
        metadata = {"RequestId": "1", "HTTPStatusCode": 200, "RetryAttempts": 0}
        return SimpleNamespace(status_code=200), given | {"ResponseMetadata": metadata}

    client.meta.events.register_first("provide-client-params.*.*", remember)
    client.meta.events.register("before-call.*.*", serve)
    return client


def clients_of(answer: Answer) -> Clients:
    """A factory for every service and region, all answered by one function; `name@region` is made once."""
    made: dict[str, Any] = {}

    def client(name: str) -> Any:
        service, _, region = name.partition("@")
        if name not in made:
            made[name] = client_of(service, answer, region or "us-east-1")
        return made[name]

    return client
