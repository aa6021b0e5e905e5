"""SageMaker's labelling jobs and work teams of the account."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labelhouse.demo.changes import JobState, TeamState
from labelhouse.demo.cloudtrail import ACCOUNT_ID, arn
from labelhouse.demo.ground_truth import manifest_key
from labelhouse.demo.labeling_calls import labeling_job
from labelhouse.demo.people import REGION
from labelhouse.demo.places import BUCKET, OUTPUT_PATH
from labelhouse.demo.region import Region
from labelhouse.demo.wire import ApiError, Parameters, operation, page

REFUSAL = "ValidationException"
#: Without `MaxResults`.
_PAGE = 10
#: What AWS sets where a job's creator sets nothing.
_CONCURRENT_TASKS = 1000


def _list_labeling_jobs(region: Region, request: Parameters) -> dict[str, Any]:
    """By status AWS filters after paging: pages may be empty, and followed by others that are not."""
    name = request.get("NameContains", "").lower()
    jobs = [
        job
        for key, job in region.jobs.items()
        if name in key
        and _is_within(job.created_at.timestamp(), request, "CreationTime")
        and _is_within(job.at.timestamp(), request, "LastModifiedTime")
    ]
    keys: dict[str, Callable[[JobState], Any]] = {
        "Name": lambda job: job.name.lower(),
        "CreationTime": lambda job: (job.created_at, job.name),
        "Status": lambda job: (job.status, job.created_at),
    }
    shown, rest = _sorted_page(region, jobs, request, keys[request.get("SortBy", "CreationTime")])
    wanted = request.get("StatusEquals")
    summaries = [_summary(job) for job in shown if wanted in (None, job.status)]
    return {"LabelingJobSummaryList": summaries, **rest}


def _sorted_page(region: Region, items: list[Any], request: Parameters, key: Callable[[Any], Any]) -> Any:
    ordered = sorted(items, key=key, reverse=request.get("SortOrder") == "Descending")
    return page(region, ordered, request, "NextToken", request.get("MaxResults", _PAGE), REFUSAL)


def _is_within(moment: float, request: Parameters, name: str) -> bool:
    after, before = request.get(f"{name}After"), request.get(f"{name}Before")
    return (after is None or moment > after) and (before is None or moment < before)


def _summary(job: JobState) -> dict[str, Any]:
    said = _description(job)
    human = said["HumanTaskConfig"]
    summary = {
        name: said[name]
        for name in (
            "LabelingJobName",
            "LabelingJobArn",
            "CreationTime",
            "LastModifiedTime",
            "LabelingJobStatus",
            "LabelCounters",
            "FailureReason",
            "LabelingJobOutput",
            "InputConfig",
        )
        if name in said
    }
    return summary | {
        "WorkteamArn": human["WorkteamArn"],
        "PreHumanTaskLambdaArn": human["PreHumanTaskLambdaArn"],
        **human["AnnotationConsolidationConfig"],
    }


def _describe_labeling_job(region: Region, request: Parameters) -> dict[str, Any]:
    job = region.jobs.get(request["LabelingJobName"].lower())
    if job is None:
        missing = arn("labeling-job", request["LabelingJobName"].lower())
        raise ApiError("ResourceNotFound", f"Requested resource not found: {missing}")
    return _description(job)


def _description(job: JobState) -> dict[str, Any]:
    said: dict[str, Any] = _capitalized(labeling_job(job.project, job.name))
    said["HumanTaskConfig"]["MaxConcurrentTaskCount"] = _CONCURRENT_TASKS
    said |= {
        "LabelingJobStatus": job.status,
        "LabelCounters": {
            "TotalLabeled": job.human_labeled_count + job.machine_labeled_count,
            "HumanLabeled": job.human_labeled_count,
            "MachineLabeled": job.machine_labeled_count,
            "FailedNonRetryableError": job.failed_count,
            "Unlabeled": job.unlabeled_count,
        },
        "CreationTime": job.created_at,
        "LastModifiedTime": job.at,
        "JobReferenceCode": job.reference_code,
        "LabelingJobArn": arn("labeling-job", job.name.lower()),
        "Tags": [{"Key": "images", "Value": job.project.images.removeprefix("s3://").partition("/")[0]}],
    }
    if job.failure_reason:
        said["FailureReason"] = job.failure_reason
    if job.status == "Completed":
        said["LabelingJobOutput"] = {"OutputDatasetS3Uri": f"s3://{BUCKET}/{OUTPUT_PATH}/{manifest_key(job.name)}"}
    return said


def _capitalized(value: Any) -> Any:
    """SageMaker's names of what CloudTrail writes in camel case."""
    if isinstance(value, dict):
        return {name[0].upper() + name[1:]: _capitalized(each) for name, each in value.items()}
    return value


def _list_workteams(region: Region, request: Parameters) -> dict[str, Any]:
    name = request.get("NameContains", "").lower()
    teams = [team for key, team in region.teams.items() if name in key]
    keys: dict[str, Callable[[TeamState], Any]] = {
        "Name": lambda team: team.name.lower(),
        "CreateDate": lambda team: (team.created_at, team.name),
    }
    shown, rest = _sorted_page(region, teams, request, keys[request.get("SortBy", "CreateDate")])
    return {"Workteams": [_workteam(team) for team in shown], **rest}


def _describe_workteam(region: Region, request: Parameters) -> dict[str, Any]:
    team = region.teams.get(request["WorkteamName"].lower())
    if team is None:
        raise ApiError(REFUSAL, f"Could not find work team {request['WorkteamName']} in account {ACCOUNT_ID}.")
    return {"Workteam": _workteam(team)}


def _workteam(team: TeamState) -> dict[str, Any]:
    members = {"UserPool": team.user_pool_id, "UserGroup": team.user_group, "ClientId": team.client_id}
    return {
        "WorkteamName": team.name,
        "MemberDefinitions": [{"CognitoMemberDefinition": members}],
        "WorkteamArn": team.arn,
        "WorkforceArn": arn("workforce", "default"),
        "SubDomain": f"{team.client_id[:10]}.labeling.{REGION}.sagemaker.aws",
        "Description": team.description,
        "CreateDate": team.created_at,
        "LastUpdatedDate": team.at,
        "NotificationConfiguration": {},
    }


def _list_labeling_jobs_for_workteam(region: Region, request: Parameters) -> dict[str, Any]:
    code = request.get("JobReferenceCodeContains", "")
    jobs = [
        job
        for job in region.jobs.values()
        if _description(job)["HumanTaskConfig"]["WorkteamArn"] == request["WorkteamArn"]
        and code in job.reference_code
        and _is_within(job.created_at.timestamp(), request, "CreationTime")
    ]
    if not jobs and request["WorkteamArn"] not in {team.arn for team in region.teams.values()}:
        raise ApiError("ResourceNotFound", f"Requested resource not found: {request['WorkteamArn']}")
    shown, rest = _sorted_page(region, jobs, request, lambda job: (job.created_at, job.name))
    return {"LabelingJobSummaryList": [_team_summary(job) for job in shown], **rest}


def _team_summary(job: JobState) -> dict[str, Any]:
    return {
        "LabelingJobName": job.name,
        "JobReferenceCode": job.reference_code,
        "WorkRequesterAccountId": ACCOUNT_ID,
        "CreationTime": job.created_at,
        "LabelCounters": {
            "HumanLabeled": job.human_labeled_count,
            "PendingHuman": job.unlabeled_count if job.status == "InProgress" else 0,
            "Total": job.project.object_count,
        },
        "NumberOfHumanWorkersPerDataObject": job.project.answers_per_object,
    }


_PAGING = ("MaxResults", "NextToken", "SortBy", "SortOrder")
_CREATION = ("CreationTimeAfter", "CreationTimeBefore")
OPERATIONS = {
    "ListLabelingJobs": operation(
        _list_labeling_jobs,
        *_PAGING,
        *_CREATION,
        "LastModifiedTimeAfter",
        "LastModifiedTimeBefore",
        "NameContains",
        "StatusEquals",
    ),
    "DescribeLabelingJob": operation(_describe_labeling_job, "LabelingJobName"),
    "ListWorkteams": operation(_list_workteams, *_PAGING, "NameContains"),
    "DescribeWorkteam": operation(_describe_workteam, "WorkteamName"),
    "ListLabelingJobsForWorkteam": operation(
        _list_labeling_jobs_for_workteam, *_PAGING, *_CREATION, "WorkteamArn", "JobReferenceCodeContains"
    ),
}
