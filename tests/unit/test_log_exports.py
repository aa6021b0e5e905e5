"""Exports of a log group: begun once, found again, waited for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources.log_exports import Export, Exporter
from served_aws import clients_of, refused

PLACE = "logs://us-east-1/aws/sagemaker/groundtruth/WorkerActivity"
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
NAME = "labelhouse-0123456789abcdef"


def export(place: str = PLACE, bucket: str = "s3://exports/logs/", start: datetime = START) -> Export:
    return Export.of(NAME, place, bucket, start, END)


class Account:
    """CloudWatch Logs of one account, two export tasks a page, as it answers to real clients.

    Args:
        codes: name → status of the export tasks there are.
        create: what CreateExportTask raises, try by try; then it works.
    """

    def __init__(self, codes: dict[str, str] | None = None, create: list[Exception] | None = None) -> None:
        self.codes, self.refusals = dict(codes or {}), list(create or [])
        self.created: list[dict[str, Any]] = []
        self.exporter = Exporter(clients_of(self.answer), export())

    def answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        return {"CreateExportTask": self.create, "DescribeExportTasks": self.describe}[operation](parameters)

    def create(self, parameters: dict[str, Any]) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop(0)
        self.created.append(parameters)
        self.codes[parameters["taskName"]] = "PENDING"
        return {"taskId": f"id of {parameters['taskName']}"}

    def describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        tasks = [
            {"taskId": f"id of {name}", "taskName": name, "status": {"code": code, "message": "said AWS"}}
            for name, code in self.codes.items()
            if parameters.get("taskId") in {None, f"id of {name}"}
        ]
        first = int(parameters.get("nextToken", 0))
        more = {"nextToken": str(first + 2)} if first + 2 < len(tasks) else {}
        return {"exportTasks": tasks[first : first + 2]} | more


def test_an_export_is_half_open_and_has_a_folder_of_its_own() -> None:
    account = Account()
    assert account.exporter.begin() == f"id of {NAME}"
    assert account.created == [
        {
            "taskName": NAME,
            "logGroupName": "/aws/sagemaker/groundtruth/WorkerActivity",
            "fromTime": 1767225600000,
            "to": 1769903999999,
            "destination": "exports",
            "destinationPrefix": f"logs/{NAME}",
        }
    ]
    assert export().uri == f"s3://exports/logs/{NAME}"
    assert export(bucket="s3://exports").uri == f"s3://exports/{NAME}"


@pytest.mark.parametrize("code", ["PENDING", "RUNNING", "COMPLETED"])
def test_an_export_that_an_earlier_attempt_began_is_not_begun_again(code: str) -> None:
    account = Account({"a": "COMPLETED", "b": "FAILED", "c": "COMPLETED", NAME: code})
    assert account.exporter.begin() == f"id of {NAME}"
    assert account.created == []
    assert account.exporter.is_complete(f"id of {NAME}") == (code == "COMPLETED")


@pytest.mark.parametrize("code", ["FAILED", "CANCELLED", "PENDING_CANCEL"])
def test_an_export_that_failed_says_why_and_is_begun_again_by_the_next_attempt(code: str) -> None:
    account = Account({NAME: code})
    with pytest.raises(SourceError, match=rf"WorkerActivity: .*not completed \(said AWS\): '{code}'"):
        account.exporter.is_complete(f"id of {NAME}")
    assert account.exporter.begin()
    assert len(account.created) == 1


def test_who_comes_second_waits() -> None:
    account = Account({"another": "RUNNING"}, [refused("LimitExceededException"), refused("OperationAbortedException")])
    assert [account.exporter.begin() for _ in range(3)] == [None, None, f"id of {NAME}"]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (refused("ThrottlingException"), SourceUnavailableError, "ThrottlingException"),
        (refused("ServiceUnavailableException", 503), SourceUnavailableError, "ServiceUnavailable"),
        (refused("InvalidParameterException", 400, "no policy"), SourceError, "no policy.*s3://exports/logs"),
        (refused("ResourceNotFoundException", 400, "no such group"), SourceError, "WorkerActivity: .*no such group"),
    ],
    ids=["throttled", "away", "policy", "group"],
)
def test_a_refusal_is_one_sentence(error: Exception, kind: type[SourceError], words: str) -> None:
    with pytest.raises(SourceError, match=words) as raised:
        Account(create=[error]).exporter.begin()
    assert type(raised.value) is kind


def test_an_export_that_aws_forgot() -> None:
    with pytest.raises(SourceError, match="does not know the export any more"):
        Account().exporter.is_complete("id of nothing")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"place": "s3://bucket/x"}, "place: is no log group.*logs://REGION"),
        ({"place": "logs://us-east-1"}, "place: is no log group"),
        ({"bucket": "exports"}, "destination: is no bucket.*s3://BUCKET"),
        ({"start": END}, "start: does not lie before the end"),
    ],
)
def test_a_form_that_is_filled_in_wrongly(given: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceError, match=words):
        export(**given)
