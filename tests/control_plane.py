"""An account with jobs, teams and people, served page by page, that fails when told to."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

from labelhouse.sources import Clients
from served_aws import clients_of, refused

REGION, ACCOUNT, POOL = "us-east-1", "011122223333", "us-east-1_AbCdEf123"
BEGAN = datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
SUB = "0f3c2a9e-canary-2222-3333-444455556666"
EMAIL = "canary.o'brien+label@example.com"
TEAM_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:workteam/private-crowd/Fruit-Team"

Fault = Callable[[], Exception | None]


def job(name: str = "Sort-Fruit", status: str = "Completed", **changes: Any) -> dict[str, Any]:
    """A job as DescribeLabelingJob gives it; a change to `...` leaves the field out."""
    given = {
        "LabelingJobStatus": status,
        "LabelCounters": {
            "TotalLabeled": 90,
            "HumanLabeled": 80,
            "MachineLabeled": 10,
            "FailedNonRetryableError": 2,
            "Unlabeled": 8,
        },
        "CreationTime": BEGAN,
        "LastModifiedTime": BEGAN + timedelta(days=1),
        "JobReferenceCode": "abcdef0123",
        "LabelingJobName": name,
        "LabelingJobArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:labeling-job/{name.lower()}",
        "LabelAttributeName": "fruit",
        "InputConfig": {"DataSource": {"S3DataSource": {"ManifestS3Uri": "s3://in/fruit.manifest"}}},
        "OutputConfig": {"S3OutputPath": "s3://out/jobs"},
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/labels",
        "HumanTaskConfig": {
            "WorkteamArn": TEAM_ARN,
            "UiConfig": {"UiTemplateS3Uri": "s3://ui/template.html"},
            "PreHumanTaskLambdaArn": "arn:aws:lambda:us-east-1:432418664414:function:PRE-BoundingBox",
            "TaskTitle": "Draw boxes",
            "TaskDescription": "Draw a box around every fruit",
            "NumberOfHumanWorkersPerDataObject": 3,
            "TaskTimeLimitInSeconds": 3600,
            "TaskAvailabilityLifetimeInSeconds": 864000,
            "MaxConcurrentTaskCount": 1000,
        },
        "LabelingJobOutput": {"OutputDatasetS3Uri": f"s3://out/jobs/{name}/manifests/output/output.manifest"},
    } | changes
    return {key: value for key, value in given.items() if value is not ...}


def team(name: str = "Fruit-Team", **changes: Any) -> dict[str, Any]:
    """A team as DescribeWorkteam gives it."""
    return {
        "WorkteamName": name,
        "MemberDefinitions": [
            {"CognitoMemberDefinition": {"UserPool": POOL, "UserGroup": "fruit", "ClientId": "client"}}
        ],
        "WorkteamArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:workteam/private-crowd/{name}",
        "WorkforceArn": f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:workforce/default",
        "Description": f"Asks {EMAIL}",
        "SubDomain": "abc.labeling.us-east-1.sagemaker.aws",
        "CreateDate": BEGAN,
        "LastUpdatedDate": BEGAN + timedelta(hours=1),
    } | changes


def team_job(code: str = "abcdef0123", **changes: Any) -> dict[str, Any]:
    """A job as ListLabelingJobsForWorkteam gives it."""
    given = {
        "LabelingJobName": "Sort-Fruit",
        "JobReferenceCode": code,
        "WorkRequesterAccountId": ACCOUNT,
        "CreationTime": BEGAN,
        "LabelCounters": {"HumanLabeled": 80, "PendingHuman": 5, "Total": 100},
        "NumberOfHumanWorkersPerDataObject": 3,
    } | changes
    return {key: value for key, value in given.items() if value is not ...}


def user(sub: str = SUB, **changes: Any) -> dict[str, Any]:
    """A user as ListUsers gives him."""
    return {
        "Username": f"name-of-{sub}",
        "Attributes": [
            {"Name": "sub", "Value": sub},
            {"Name": "email", "Value": f"{sub}@example.com"},
            {"Name": "phone_number", "Value": "+15550001"},
        ],
        "UserCreateDate": BEGAN,
        "UserLastModifiedDate": BEGAN + timedelta(minutes=1),
        "Enabled": True,
        "UserStatus": "CONFIRMED",
    } | changes


@dataclass
class Account:
    """What there is, and how it is served.

    Args:
        page_size: things a page.
        faults: number of the call, from 0 → what is raised instead of its answer.
        unservable: operations that are always refused → with what.
        calls: operations with their parameters, as they were asked.
    """

    jobs: list[dict[str, Any]] = field(default_factory=list)
    teams: list[dict[str, Any]] = field(default_factory=list)
    team_jobs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    users: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, list[str]] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    page_size: int = 2
    faults: dict[int, Exception] = field(default_factory=dict)
    unservable: dict[str, Exception] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def clients(self) -> Clients:
        return clients_of(self.answer)

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The parameters of every call of an operation."""
        return [parameters for name, parameters in self.calls if name == operation]

    def answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((operation, parameters))
        if fault := self.faults.get(len(self.calls) - 1) or self.unservable.get(operation):
            raise fault
        given: dict[str, Any] = getattr(self, f"_{operation}")(parameters)
        return deepcopy(given)

    def _page(self, items: list[dict[str, Any]], name: str, parameters: dict[str, Any], token: str) -> dict[str, Any]:
        start = int(parameters.get(token, "0").removeprefix("from "))
        rest = start + self.page_size < len(items)
        return {name: items[start : start + self.page_size]} | (
            {token: f"from {start + self.page_size}"} if rest else {}
        )

    def _ListLabelingJobs(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["MaxResults"] <= 100
        names = ("LabelingJobName", "LabelingJobArn", "CreationTime", "LastModifiedTime", "LabelingJobStatus")
        listed = [{name: each[name] for name in names} | {"LabelCounters": each["LabelCounters"]} for each in self.jobs]
        listed = [each | {"WorkteamArn": TEAM_ARN} for each in listed]
        return self._page(listed, "LabelingJobSummaryList", parameters, "NextToken")

    def _DescribeLabelingJob(self, parameters: dict[str, Any]) -> dict[str, Any]:
        for each in self.jobs:
            if each["LabelingJobName"] == parameters["LabelingJobName"]:
                return each
        raise refused("ResourceNotFound", message="Requested resource not found.")

    def _ListWorkteams(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return self._page(self.teams, "Workteams", parameters, "NextToken")

    def _DescribeWorkteam(self, parameters: dict[str, Any]) -> dict[str, Any]:
        for each in self.teams:
            if each["WorkteamName"] == parameters["WorkteamName"]:
                return {"Workteam": each}
        raise refused("ValidationException", message="Workteam does not exist")

    def _ListLabelingJobsForWorkteam(self, parameters: dict[str, Any]) -> dict[str, Any]:
        jobs = self.team_jobs.get(parameters["WorkteamArn"].rpartition("/")[2], [])
        return self._page(jobs, "LabelingJobSummaryList", parameters, "NextToken")

    def _ListUsers(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self._pool(parameters)
        wanted = parameters.get("AttributesToGet")
        listed = [
            each | {"Attributes": [of for of in each["Attributes"] if not wanted or of["Name"] in wanted]}
            for each in self.users
        ]
        return self._page(listed, "Users", parameters, "PaginationToken")

    def _ListGroups(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self._pool(parameters)
        groups = [{"GroupName": name, "UserPoolId": POOL} for name in self.groups]
        return self._page(groups, "Groups", parameters, "NextToken")

    def _ListUsersInGroup(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self._pool(parameters)
        subs = self.groups[parameters["GroupName"]]
        members = [each for each in self.users if each["Attributes"][0]["Value"] in subs]
        return self._page(members, "Users", parameters, "NextToken")

    def _pool(self, parameters: dict[str, Any]) -> None:
        assert parameters["Limit"] <= 60
        if parameters["UserPoolId"] != POOL:
            raise refused("ResourceNotFoundException", message="User pool does not exist.")

    def _GetObject(self, parameters: dict[str, Any]) -> dict[str, Any]:
        uri = f"s3://{parameters['Bucket']}/{parameters['Key']}"
        if uri not in self.documents:
            raise refused("NoSuchKey", 404)
        return {"Body": BytesIO(self.documents[uri])}
