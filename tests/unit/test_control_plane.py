"""What the sources of the control plane share: places, ARNs, times, and refusals in one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from labelhouse.errors import SourceError, SourceUnavailableError
from labelhouse.sources import Unit, UnitGone
from labelhouse.sources.control_plane import (
    AccessDeniedError,
    Api,
    Arn,
    Workteam,
    arn_of,
    dated,
    moment,
    parts_of,
    saved,
    within,
    workteam_of,
)
from labelhouse.sources.documents import Unreadable
from served_aws import clients_of, refused

LATEST = datetime(2024, 6, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("labelhouse.sources.control_plane.WAITS_SECONDS", (0.0, 0.0, 0.0))


def asking(error: Exception) -> Any:
    def answer(operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        raise error

    return Api(clients_of(answer), "sagemaker", "us-east-1", "sagemaker://us-east-1").ask("list_workteams")


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            refused("AccessDeniedException"),
            AccessDeniedError,
            "access is denied: 'sagemaker://us-east-1' (allowed: credentials with sagemaker:ListWorkteams)",
        ),
        (
            refused("ExpiredTokenException"),
            SourceError,
            "the AWS credentials have expired: 'sagemaker://us-east-1' (allowed: credentials that are valid now)",
        ),
        (refused("UnrecognizedClientException"), SourceError, "the AWS credentials are not accepted: "),
        (NoCredentialsError(), SourceError, "no AWS credentials were found: "),
        (
            refused("ThrottlingException", message="Rate exceeded"),
            SourceUnavailableError,
            "AWS does not answer sagemaker:ListWorkteams just now (ThrottlingException): 'sagemaker://us-east-1'",
        ),
        (refused("Whatever", 503), SourceUnavailableError, "just now (Whatever)"),
        (refused("ValidationException", message="1 error"), SourceError, "ListWorkteams (ValidationException)"),
        (EndpointConnectionError(endpoint_url="x"), SourceUnavailableError, "the endpoint cannot be reached: "),
    ],
)
def test_a_refusal_is_one_sentence(error: Exception, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind) as raised:
        asking(error)
    assert type(raised.value) is kind
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        refused("ResourceNotFound"),
        refused("ResourceNotFoundException"),
        refused("ValidationException", message="Could not find workteam"),
    ],
)
def test_what_does_not_exist_is_gone(error: Exception) -> None:
    with pytest.raises(UnitGone):
        asking(error)


def test_errors_that_are_not_of_aws_pass() -> None:
    with pytest.raises(ZeroDivisionError):
        asking(ZeroDivisionError())


@pytest.mark.parametrize(
    ("uri", "scheme", "count", "parts"),
    [
        ("sagemaker://us-east-1", "sagemaker", 1, ("us-east-1",)),
        ("sagemaker://us-gov-west-1/", "sagemaker", 1, ("us-gov-west-1",)),
        ("cognito-idp://eu-west-1/eu-west-1_Ab", "cognito-idp", 2, ("eu-west-1", "eu-west-1_Ab")),
        ("s3://us-east-1", "sagemaker", 1, None),
        ("./sagemaker", "sagemaker", 1, None),
    ],
)
def test_places(uri: str, scheme: str, count: int, parts: tuple[str, ...] | None) -> None:
    assert parts_of(uri, scheme, count) == parts


@pytest.mark.parametrize(
    "uri",
    ["sagemaker://", "sagemaker://here", "sagemaker://us-east-1/more", "sagemaker://us-east-1@evil", "sagemaker:///x"],
)
def test_a_place_that_is_none_is_refused_with_what_is_allowed(uri: str) -> None:
    with pytest.raises(SourceError, match=r"is not understood.*sagemaker://REGION, a folder, or s3://"):
        parts_of(uri, "sagemaker", 1)


@pytest.mark.parametrize(
    ("arn", "parts"),
    [
        (
            "arn:aws-cn:sagemaker:cn-north-1:011122223333:labeling-job/a",
            Arn("cn-north-1", "011122223333", "labeling-job/a"),
        ),
        ("arn:aws:s3:::bucket/key:with:colons", Arn(None, None, "bucket/key:with:colons")),
        ("no arn", Arn(None, None, "")),
        (None, Arn(None, None, "")),
    ],
)
def test_arns(arn: str | None, parts: Arn) -> None:
    assert arn_of(arn) == parts


@pytest.mark.parametrize(
    ("resource", "found"),
    [
        ("workteam/private-crowd/Fruit", Workteam("private", "Fruit")),
        ("workteam/public-crowd/default", Workteam("public", "default")),
        ("workteam/vendor-crowd/iMerit-1", Workteam("vendor", "iMerit-1")),
        ("workteam/other-crowd/x", Workteam(None, None)),
    ],
)
def test_work_teams_by_their_arns(resource: str, found: Workteam) -> None:
    assert workteam_of(f"arn:aws:sagemaker:us-east-1:394669845002:{resource}") == found


@pytest.mark.parametrize(
    "written",
    ["2024-05-06T07:08:09.123000Z", "2024-05-06T09:08:09.123000+02:00", 1714979289.123, "2024-05-06 07:08:09.123"],
)
def test_both_versions_of_the_cli_write_the_same_time(written: str | float) -> None:
    assert moment(written, "CreationTime", LATEST) == datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)


@pytest.mark.parametrize("written", ["yesterday", 1e99, -1.0, 0, "0001-01-01T00:00:00Z", 1714979289123.0, "2024-05-06"])
def test_a_time_that_is_none_is_said_without_its_value(written: str | float) -> None:
    with pytest.raises(Unreadable, match=r"^CreationTime (is not a time|lies before 2010 or in the future)"):
        moment(written, "CreationTime", LATEST)


def test_no_time_is_no_time() -> None:
    assert moment(None, "CreationTime", LATEST) is None
    assert moment("", "CreationTime", LATEST) is None


def test_the_same_answer_is_the_same_bytes_in_whatever_zone_and_order() -> None:
    at = datetime(2024, 5, 6, 7, tzinfo=UTC)
    elsewhere = at.astimezone(tz=(at + timedelta(0)).astimezone().tzinfo)
    assert saved({"a": at, "b": 1}) == saved({"b": 1, "a": elsewhere}) == b'{"a":"2024-05-06T07:00:00+00:00","b":1}'


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("pool/2024-05-06.json", 6),
        ("2024-05-01/pool-2024-05-07-full.json.gz", 7),
        ("2024-05-08/pool.JSON", 8),
        ("pool/2024-13-40.json", None),
        ("pool/12024-05-06.json", None),
        ("pool/users.json", None),
    ],
)
def test_a_day_in_the_path_is_the_day_of_a_saved_answer(path: str, day: int | None) -> None:
    unit = Unit(f"s3://saved/{path}", "v1", LATEST, 1)
    (found,) = dated([unit, Unit("s3://saved/2024-05-06/notes.txt", "v1", LATEST, 1)])
    assert found.unit_at == (LATEST if day is None else datetime(2024, 5, day, tzinfo=UTC))


def test_counts_that_no_column_can_hold_are_refused() -> None:
    assert within(0, "Total", 9) == 0
    assert within(None, "Total", 9) is None
    for number in (-1, 10):
        with pytest.raises(Unreadable, match="Total is negative or too large"):
            within(number, "Total", 9)
