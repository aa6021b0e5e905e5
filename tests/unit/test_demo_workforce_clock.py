"""The demo's services answer of the present time of its clock, and of nothing later."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from labelhouse.demo.account import Account, everything
from labelhouse.demo.exports import EXPORT_TAKES, EXPORT_WAITS
from labelhouse.demo.people import REGION
from labelhouse.demo.places import BUCKET, LOG_GROUP, user_pool

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)


class Clock:
    """The present, until somebody moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock(START + timedelta(hours=12))


@pytest.fixture
def client(clock: Clock) -> Iterator[Callable[[str], Any]]:
    """Makes clients of an account that lives by the clock."""
    account = Account(everything(SEED, START), clock)
    account.start()
    keys = {"aws_access_key_id": "demo", "aws_secret_access_key": "demo"}
    try:
        yield lambda service: boto3.client(service, endpoint_url=account.endpoint_url, region_name=REGION, **keys)
    finally:
        account.stop()


def test_counters_are_those_of_the_clock(client: Callable[[str], Any], clock: Clock) -> None:
    sagemaker = client("sagemaker")
    labeled = []
    for _ in range(4):
        job = sagemaker.describe_labeling_job(LabelingJobName="Vehicle-Types-Batch-01")
        labeled.append(job["LabelCounters"]["HumanLabeled"])
        assert job["LastModifiedTime"] <= clock.now
        clock.now += timedelta(hours=12)
    assert labeled == sorted(set(labeled))
    assert len(sagemaker.list_labeling_jobs()["LabelingJobSummaryList"]) == 7, (
        "two trials, and the first five of the fortnight"
    )
    clock.now += timedelta(days=6)
    assert sagemaker.describe_labeling_job(LabelingJobName="Vehicle-Types-Batch-01")["LabelingJobStatus"] == "Completed"


def test_who_joins_and_leaves_does_so_by_the_clock(client: Callable[[str], Any], clock: Clock) -> None:
    cognito = client("cognito-idp")

    def names() -> set[str]:
        request, found = {"UserPoolId": user_pool(SEED)}, set()
        while True:
            page = cognito.list_users(**request)
            found |= {user["Username"].partition("@")[0] for user in page["Users"]}
            if "PaginationToken" not in page:
                return found
            request["PaginationToken"] = page["PaginationToken"]

    at_first = names()
    clock.now = START + timedelta(days=8)
    assert names() - at_first == {"njeri"}
    clock.now = START + timedelta(days=17)
    assert at_first - names() == {"salonga"}


def test_tokens_expire_after_a_day(client: Callable[[str], Any], clock: Clock) -> None:
    logs = client("logs")
    ask = {"logGroupName": LOG_GROUP, "startTime": int(START.timestamp() * 1000), "limit": 3}
    token = logs.filter_log_events(**ask)["nextToken"]
    clock.now += timedelta(hours=23)
    assert "nextToken" in logs.filter_log_events(**ask, nextToken=token)
    clock.now += timedelta(hours=2)
    with pytest.raises(ClientError, match="The specified nextToken is expired"):
        logs.filter_log_events(**ask, nextToken=token)


def events_of(logs: Any, **window: int) -> list[dict[str, Any]]:
    """All events of a window."""
    request, found = {"logGroupName": LOG_GROUP, **window}, []
    for _ in range(1000):
        page = logs.filter_log_events(**request)
        found += page["events"]
        if "nextToken" not in page:
            return found
        request["nextToken"] = page["nextToken"]
    pytest.fail("a listing without end")


def test_the_log_grows_without_being_asked(client: Callable[[str], Any], clock: Clock) -> None:
    logs = client("logs")
    begin = int(clock.now.timestamp() * 1000)
    assert events_of(logs, startTime=begin) == []
    clock.now += timedelta(hours=6)
    events = events_of(logs, startTime=begin)
    assert events
    assert all(event["ingestionTime"] <= clock.now.timestamp() * 1000 for event in events)


def test_exports_take_their_time_one_after_the_other(client: Callable[[str], Any], clock: Clock) -> None:
    logs, s3 = client("logs"), client("s3")
    clock.now += timedelta(days=3)
    begin, end = (int((START + timedelta(days=days)).timestamp() * 1000) for days in (1, 3))
    export = {"logGroupName": LOG_GROUP, "fromTime": begin, "to": end, "destination": BUCKET}
    task_id = logs.create_export_task(**export, taskName="days", destinationPrefix="exports/days")["taskId"]

    def status() -> str:
        [task] = logs.describe_export_tasks(taskId=task_id)["exportTasks"]
        return task["status"]["code"]

    def keys() -> list[str]:
        return [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET, Prefix="exports/days/")["Contents"]]

    assert status() == "PENDING"
    with pytest.raises(ClientError, match="LimitExceededException"):
        logs.create_export_task(**export)
    clock.now += EXPORT_WAITS
    assert status() == "RUNNING"
    assert keys() == ["exports/days/aws-logs-write-test"]
    clock.now += EXPORT_TAKES
    assert status() == "COMPLETED"
    lines = []
    for key in keys():
        if key.endswith(".gz"):
            assert key.startswith(f"exports/days/{task_id}/aws-sagemaker-groundtruth-worker-activity-")
            lines += gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()).decode().splitlines()
    shown = [
        f"{datetime.fromtimestamp(event['timestamp'] // 1000, UTC):%Y-%m-%dT%H:%M:%S}"
        f".{event['timestamp'] % 1000:03d}Z {event['message']}"
        for event in events_of(logs, startTime=begin, endTime=end)
    ]
    assert len(shown) > 100
    assert Counter(lines) == Counter(shown)
    assert lines != sorted(lines)
    with pytest.raises(ClientError, match="bucket does not exist"):
        logs.create_export_task(**export | {"destination": "no-such"})
