"""The demo's services over HTTP: AWS's wire shapes, its odd pages, its refusals, and the present time of the clock."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import boto3
import httpx
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError, PaginationError
from botocore.validate import ParamValidator

from labelhouse.demo import api_labeling, api_logs, api_people, exports
from labelhouse.demo.account import Account, everything
from labelhouse.demo.changes import Change, LogEvent
from labelhouse.demo.labeling_calls import WORKER_GROUP, WORKTEAM
from labelhouse.demo.people import REGION, team
from labelhouse.demo.places import BUCKET, LOG_GROUP, SOURCE_NAMES, source_settings, sources, user_pool
from labelhouse.demo.wire import service_model
from labelhouse.demo.worker_log import LATE_WITHIN
from labelhouse.demo.world import HISTORY, Write
from labelhouse.settings import load_settings

SEED, START = 7, datetime(2026, 3, 4, 9, tzinfo=UTC)
NOW = START + HISTORY
POOL, TEAM_ARN = user_pool(SEED), f"arn:aws:sagemaker:{REGION}:123456789012:workteam/private-crowd/{WORKTEAM}"
HOUR = 3_600_000
TARGETS = {"logs": "Logs_20140328", "sagemaker": "SageMaker", "cognito-idp": "AWSCognitoIdentityProviderService"}


class Clock:
    """The present, until somebody moves it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class Session:
    """A started account, its clock, and clients for it."""

    def __init__(self, account: Account, clock: Clock) -> None:
        self.account, self.clock = account, clock

    def client(self, service: str, region: str = REGION) -> BaseClient:
        return boto3.client(
            service,
            endpoint_url=self.account.endpoint_url,
            region_name=region,
            aws_access_key_id="demo",
            aws_secret_access_key="demo",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def raw(self, service: str, operation: str, **request: Any) -> httpx.Response:
        """The answer as it is sent."""
        headers = {"X-Amz-Target": f"{TARGETS[service]}.{operation}", "Content-Type": "application/x-amz-json-1.1"}
        return httpx.post(self.account.endpoint_url, headers=headers, json=request, trust_env=False)


@pytest.fixture(scope="module")
def told() -> list[Write | Change]:
    """Two weeks and a bit."""
    end = NOW + timedelta(days=1)
    return list(takewhile(lambda each: each.at < end, everything(SEED, START)))


@pytest.fixture(scope="module")
def running(told: list[Write | Change]) -> Iterator[Session]:
    """An account after two weeks. Tests may move its clock a little, and only on."""
    clock = Clock(NOW)
    account = Account(iter(told), clock)
    account.start()
    try:
        yield Session(account, clock)
    finally:
        account.stop()


def pages(ask: Callable[..., dict[str, Any]], token: str = "NextToken", **request: Any) -> Iterator[dict[str, Any]]:
    """Every page of a listing: only a page without a token is the last."""
    answer = ask(**request)
    yield answer
    for _ in range(1000):
        if token not in answer:
            return
        answer = ask(**request, **{token: answer[token]})
        yield answer
    pytest.fail("a listing without end")


def log_pages(session: Session, **request: Any) -> list[dict[str, Any]]:
    client = session.client("logs")
    return list(pages(client.filter_log_events, "nextToken", logGroupName=LOG_GROUP, **request))


def event_ids(found: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["eventId"] for page in found for event in page["events"])


def refusal(ask: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Code and message of a request that is refused."""
    with pytest.raises(ClientError) as refused:
        ask(**request)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


# -- shapes ----------------------------------------------------------------------------------------

#: Of every operation a request that has something to answer.
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("logs", "FilterLogEvents", {"logGroupName": LOG_GROUP, "startTime": int(START.timestamp() * 1000), "limit": 5}),
    ("logs", "DescribeLogGroups", {"logGroupNamePrefix": "/aws/sagemaker"}),
    (
        "logs",
        "CreateExportTask",
        {"logGroupName": LOG_GROUP, "from": 0, "to": 1, "destination": BUCKET, "destinationPrefix": "shapes"},
    ),
    ("logs", "DescribeExportTasks", {}),
    ("sagemaker", "ListLabelingJobs", {"MaxResults": 100}),
    ("sagemaker", "DescribeLabelingJob", {"LabelingJobName": "vehicle-types-batch-01"}),
    ("sagemaker", "DescribeLabelingJob", {"LabelingJobName": "bird-species-crowd-01"}),
    ("sagemaker", "DescribeLabelingJob", {"LabelingJobName": "bird-species-trial-01"}),
    ("sagemaker", "ListWorkteams", {}),
    ("sagemaker", "DescribeWorkteam", {"WorkteamName": WORKTEAM}),
    ("sagemaker", "ListLabelingJobsForWorkteam", {"WorkteamArn": TEAM_ARN}),
    ("cognito-idp", "ListUsers", {"UserPoolId": POOL}),
    ("cognito-idp", "ListGroups", {"UserPoolId": POOL}),
    ("cognito-idp", "ListUsersInGroup", {"UserPoolId": POOL, "GroupName": WORKER_GROUP}),
    ("cognito-idp", "AdminListGroupsForUser", {"UserPoolId": POOL, "Username": "achieng@example.com"}),
]


def test_every_operation_is_held_to_its_shape() -> None:
    served = {**api_logs.OPERATIONS, **exports.OPERATIONS, **api_labeling.OPERATIONS, **api_people.OPERATIONS}
    assert {operation for _, operation, _ in REQUESTS} == set(served)
    for service, operation, _ in REQUESTS:
        assert served[operation].parameters <= set(
            service_model(service).operation_model(operation).input_shape.members
        )


@pytest.mark.parametrize(("service", "operation", "request_"), REQUESTS, ids=lambda each: str(each)[:40])
def test_answers_have_the_wire_shape_of_botocores_models(
    running: Session, service: str, operation: str, request_: dict[str, Any]
) -> None:
    answer = running.raw(service, operation, **request_)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"
    shape = service_model(service).operation_model(operation).output_shape
    report = ParamValidator().validate(answer.json(), shape)
    assert not report.has_errors(), report.generate_report()
    listed = [value for value in answer.json().values() if isinstance(value, list)]
    assert answer.json()
    assert not listed or any(listed), "an empty answer proves nothing"


def test_the_settings_of_the_demo_name_what_it_serves() -> None:
    found = load_settings({}, sources=source_settings(SEED))
    assert set(found.sources) == set(SOURCE_NAMES) == set(sources(SEED))
    assert {"worker_activity", "labeling_jobs", "labeling_job_states", "workteams", "workers"} < set(SOURCE_NAMES)
    assert sources(SEED)["worker_activity"] == f"logs://{REGION}{LOG_GROUP}"
    assert sources(SEED)["workers"] == f"cognito-idp://{REGION}/{POOL}"


# -- the log ---------------------------------------------------------------------------------------


def test_all_pages_together_hold_the_log_as_it_is_now(running: Session, told: list[Write | Change]) -> None:
    events = [each for each in told if isinstance(each, LogEvent) and each.group == LOG_GROUP]
    known = [each for each in events if each.at <= running.clock.now]
    found = log_pages(running)
    assert event_ids(found) == Counter(each.event_id for each in known)
    shown = [event for page in found for event in page["events"]]
    assert shown == sorted(shown, key=lambda event: (event["timestamp"], event["eventId"]))
    assert all(page["searchedLogStreams"] == [] for page in found)
    messages = {each.event_id: each.message for each in known}
    assert all(event["message"] == messages[event["eventId"]] for event in shown)
    assert event_ids(log_pages(running, limit=700)) == event_ids(found)


def test_both_ends_of_a_window_are_included(running: Session) -> None:
    begin = int((NOW - timedelta(days=3)).timestamp() * 1000)
    events = [event for page in log_pages(running, startTime=begin) for event in page["events"]]
    first, last = events[10], events[20]
    inside = event_ids(log_pages(running, startTime=first["timestamp"], endTime=last["timestamp"]))
    assert first["eventId"] in inside
    assert last["eventId"] in inside
    before = event_ids(log_pages(running, startTime=first["timestamp"], endTime=last["timestamp"] - 1))
    assert last["eventId"] not in before
    halves = event_ids(log_pages(running, startTime=begin, endTime=last["timestamp"] - 1))
    halves += event_ids(log_pages(running, startTime=last["timestamp"]))
    assert halves == Counter(event["eventId"] for event in events)


def test_pages_may_be_empty_and_repeat_their_token(running: Session) -> None:
    day = int((NOW - timedelta(days=1)).replace(hour=0).timestamp() * 1000)
    empty, repeated, hours = 0, 0, 72
    for hour in range(hours):
        begin = day - hour * HOUR
        found = log_pages(running, startTime=begin, endTime=begin + HOUR - 1)
        tokens = [page["nextToken"] for page in found if "nextToken" in page]
        empty += bool(tokens) and not found[0]["events"]
        repeated += len(tokens) > len(set(tokens))
    assert 0.1 * hours < empty < 0.5 * hours
    assert 0 < repeated < empty


def test_botos_own_paginator_gives_up_where_ours_goes_on(running: Session) -> None:
    client = running.client("logs")
    begin = int(START.timestamp() * 1000)
    given_up = 0
    for hour in range(100):
        window = {"startTime": begin + hour * HOUR + 1, "endTime": begin + (hour + 1) * HOUR}
        try:
            list(client.get_paginator("filter_log_events").paginate(logGroupName=LOG_GROUP, **window))
        except PaginationError:
            given_up += 1
    assert given_up, "what AWS does now and then"


def test_tokens_belong_to_their_request_and_expire(running: Session) -> None:
    client = running.client("logs")
    ask = {"logGroupName": LOG_GROUP, "startTime": int(START.timestamp() * 1000), "limit": 3}
    token = client.filter_log_events(**ask)["nextToken"]
    code, message = refusal(client.filter_log_events, **ask | {"limit": 4}, nextToken=token)
    assert (code, message) == ("InvalidParameterException", "The specified nextToken is invalid.")
    assert refusal(client.filter_log_events, **ask, nextToken="nonsense")[1] == "The specified nextToken is invalid."


def test_late_events_appear_in_hours_that_were_read_already(running: Session, told: list[Write | Change]) -> None:
    before = event_ids(log_pages(running, endTime=int(NOW.timestamp() * 1000)))
    running.clock.now += timedelta(hours=8)
    after = event_ids(log_pages(running, endTime=int(NOW.timestamp() * 1000)))
    late = [
        each
        for each in told
        if isinstance(each, LogEvent)
        and NOW < each.at <= running.clock.now
        and each.timestamp < (NOW - timedelta(minutes=1)).timestamp() * 1000
    ]
    assert late
    assert {each.event_id for each in late} <= set(after - before)
    assert before - after == Counter()
    assert min(each.timestamp for each in late) > (NOW - LATE_WITHIN).timestamp() * 1000


def test_what_moto_would_pass_over_is_refused(running: Session) -> None:
    logs, cognito, sagemaker = (running.client(name) for name in ("logs", "cognito-idp", "sagemaker"))
    code, message = refusal(cognito.list_users, UserPoolId=POOL, Limit=61)
    assert code == "InvalidParameterException"
    assert "Value '61' at 'Limit' failed to satisfy constraint: Member must have value less than or equal" in message
    assert (
        "does not heed 'filterPattern'"
        in refusal(logs.filter_log_events, logGroupName=LOG_GROUP, filterPattern='{ $.event_type = "TasksSubmitted" }')[
            1
        ]
    )
    assert refusal(logs.filter_log_events, logGroupName="/no/such")[0] == "ResourceNotFoundException"
    assert refusal(cognito.list_users, UserPoolId="us-east-1_nobody")[0] == "ResourceNotFoundException"
    assert refusal(sagemaker.describe_labeling_job, LabelingJobName="none")[0] == "ResourceNotFound"
    assert refusal(sagemaker.describe_workteam, WorkteamName="none")[0] == "ValidationException"
    assert refusal(sagemaker.list_labeling_jobs, MaxResults=101)[0] == "ValidationException"
    assert running.raw("sagemaker", "DescribeLabelingJob").json() == {
        "__type": "ValidationException",
        "message": "1 validation error detected: 'LabelingJobName' must not be null",
    }


def test_other_regions_are_empty_and_other_services_motos(running: Session) -> None:
    elsewhere = running.client("sagemaker", "eu-west-1")
    assert elsewhere.list_labeling_jobs()["LabelingJobSummaryList"] == []
    assert running.client("logs", "eu-west-1").describe_log_groups()["logGroups"] == []
    assumed = running.client("sts").assume_role(RoleArn="arn:aws:iam::123456789012:role/a", RoleSessionName="reader")
    assert assumed["Credentials"]["SessionToken"]
    assert running.client("s3").list_buckets()["Buckets"][0]["Name"] == BUCKET


# -- jobs, team, people ----------------------------------------------------------------------------


def test_a_filter_by_status_comes_after_paging(running: Session) -> None:
    client = running.client("sagemaker")
    everyone = [
        job["LabelingJobName"]
        for page in pages(client.list_labeling_jobs, MaxResults=2)
        for job in page["LabelingJobSummaryList"]
    ]
    assert len(everyone) == len(set(everyone)) == 16
    found = list(pages(client.list_labeling_jobs, MaxResults=2, StatusEquals="InProgress"))
    names = [job["LabelingJobName"] for page in found for job in page["LabelingJobSummaryList"]]
    assert set(names) == {"bird-species-crowd-01", "Wildlife-Nocturnal-01", "Vehicle-Types-Batch-02"}
    assert not found[0]["LabelingJobSummaryList"]
    recent = client.list_labeling_jobs(LastModifiedTimeAfter=NOW - timedelta(days=2), SortOrder="Descending")
    assert recent["LabelingJobSummaryList"][0]["LabelingJobName"] == "Vehicle-Types-Batch-02"
    assert len(recent["LabelingJobSummaryList"]) < len(everyone)


def test_jobs_say_the_same_wherever_they_are_described(running: Session) -> None:
    client = running.client("sagemaker")
    listed = client.list_labeling_jobs(MaxResults=100)["LabelingJobSummaryList"]
    of_team = {
        job["LabelingJobName"]: job
        for page in pages(client.list_labeling_jobs_for_workteam, WorkteamArn=TEAM_ARN, MaxResults=4)
        for job in page["LabelingJobSummaryList"]
    }
    for summary in listed:
        job = client.describe_labeling_job(LabelingJobName=summary["LabelingJobName"].upper())
        for name in ("LabelingJobArn", "LabelCounters", "CreationTime", "LastModifiedTime", "LabelingJobStatus"):
            assert job[name] == summary[name]
        counters = job["LabelCounters"]
        assert counters["TotalLabeled"] == counters["HumanLabeled"] + counters["MachineLabeled"]
        price = job["HumanTaskConfig"].get("PublicWorkforceTaskPrice")
        is_public = ":workteam/public-crowd/" in job["HumanTaskConfig"]["WorkteamArn"]
        assert (price == {"AmountInUsd": {"Dollars": 0, "Cents": 3, "TenthFractionsOfACent": 6}}) is is_public
        assert (summary["LabelingJobName"] in of_team) is not is_public
        if not is_public:
            seen = of_team[summary["LabelingJobName"]]
            assert seen["JobReferenceCode"] == job["JobReferenceCode"]
            assert seen["LabelCounters"]["HumanLabeled"] == counters["HumanLabeled"]
    [workteam] = client.list_workteams()["Workteams"]
    assert client.describe_workteam(WorkteamName=WORKTEAM)["Workteam"] == workteam
    assert workteam["WorkteamArn"] == TEAM_ARN


def test_the_pool_lists_its_people_in_short_pages(running: Session) -> None:
    client = running.client("cognito-idp")
    found = list(pages(client.list_users, "PaginationToken", UserPoolId=POOL, Limit=60))
    assert len(found) > 1, "fewer than asked for, and yet not all"
    users = [{"Username": user["Username"], **attributes(user)} for page in found for user in page["Users"]]
    assert {user["sub"] for user in users} == {worker.sub for worker in team(SEED)}
    assert {user["email"] for user in users} == {f"{worker.name}@example.com" for worker in team(SEED)}
    assert {user["name"].lower() for user in users} == {worker.name for worker in team(SEED)}
    disabled = [user["Username"] for page in found for user in page["Users"] if not user["Enabled"]]
    assert disabled == ["salonga@example.com"]
    members = [
        user["Username"]
        for page in pages(client.list_users_in_group, UserPoolId=POOL, GroupName=WORKER_GROUP)
        for user in page["Users"]
    ]
    assert sorted(members) == sorted({user["Username"] for user in users} - set(disabled))
    [only_sub, *_] = client.list_users(UserPoolId=POOL, AttributesToGet=["sub"])["Users"]
    assert list(attributes(only_sub)) == ["sub"]
    groups = client.admin_list_groups_for_user(UserPoolId=POOL, Username=members[0])["Groups"]
    assert [group["GroupName"] for group in groups] == [WORKER_GROUP]


def attributes(user: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in user["Attributes"]}


def test_category_documents_can_be_read_where_jobs_say(running: Session) -> None:
    job = running.client("sagemaker").describe_labeling_job(LabelingJobName="Vehicle-Types-Batch-01")
    bucket, _, key = job["LabelCategoryConfigS3Uri"].removeprefix("s3://").partition("/")
    document = json.loads(running.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
    assert {"label": "motorcycle"} in document["labels"]
