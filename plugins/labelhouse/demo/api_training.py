"""SageMaker's training jobs, trial components and trials of the account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from labelhouse.demo.changes import TrainingJobState, TrialComponentState
from labelhouse.demo.cloudtrail import arn
from labelhouse.demo.region import Region
from labelhouse.demo.wire import ApiError, Parameters, operation, page

REFUSAL = "ValidationException"
#: Without `MaxResults`.
_PAGE = 10
_JOB_SUMMARY = (
    "TrainingJobName",
    "TrainingJobArn",
    "CreationTime",
    "TrainingEndTime",
    "LastModifiedTime",
    "TrainingJobStatus",
    "SecondaryStatus",
    "WarmPoolStatus",
)
_COMPONENT_SUMMARY = (
    "TrialComponentName",
    "TrialComponentArn",
    "DisplayName",
    "Status",
    "StartTime",
    "EndTime",
    "CreationTime",
    "CreatedBy",
    "LastModifiedTime",
    "LastModifiedBy",
)


def _list_training_jobs(region: Region, request: Parameters) -> dict[str, Any]:
    """By status AWS filters after paging: pages may be empty, and followed by others that are not."""
    name = request.get("NameContains", "").lower()
    jobs = [
        job
        for job in region.training_jobs.values()
        if name in job.name.lower()
        and _is_within(job.description["CreationTime"], request, "CreationTime")
        and _is_within(job.description["LastModifiedTime"], request, "LastModifiedTime")
    ]
    keys: dict[str, Callable[[TrainingJobState], Any]] = {
        "Name": lambda job: job.name.lower(),
        "CreationTime": lambda job: (job.description["CreationTime"], job.name),
        "Status": lambda job: (job.description["TrainingJobStatus"], job.name),
    }
    shown, rest = sorted_page(region, jobs, request, keys[request.get("SortBy", "CreationTime")])
    wanted = request.get("StatusEquals")
    summaries = [
        _some(job.description, _JOB_SUMMARY) for job in shown if wanted in (None, job.description["TrainingJobStatus"])
    ]
    return {"TrainingJobSummaries": summaries, **rest}


def _describe_training_job(region: Region, request: Parameters) -> dict[str, Any]:
    job = region.training_jobs.get(request["TrainingJobName"])
    if job is None:
        raise ApiError(REFUSAL, "Requested resource not found.")
    return job.description


def _list_tags(region: Region, request: Parameters) -> dict[str, Any]:
    """Every training job is tagged with its experiment."""
    kind, _, name = request["ResourceArn"].rpartition(":")[2].partition("/")
    job = region.training_jobs.get(name) if kind == "training-job" else None
    tags = [{"Key": "experiment", "Value": job.description["ExperimentConfig"]["ExperimentName"]}] if job else []
    shown, rest = page(region, tags, request, "NextToken", request.get("MaxResults", 50), REFUSAL)
    return {"Tags": shown, **rest}


def _list_trial_components(region: Region, request: Parameters) -> dict[str, Any]:
    components = [
        component
        for component in region.trial_components.values()
        if _is_within(component.description["CreationTime"], request, "Created")
    ]
    keys: dict[str, Callable[[TrialComponentState], Any]] = {
        "Name": lambda component: component.name,
        "CreationTime": lambda component: (component.description["CreationTime"], component.name),
    }
    shown, rest = sorted_page(region, components, request, keys[request.get("SortBy", "CreationTime")])
    summaries = []
    for component in shown:
        summary = _some(component.description, _COMPONENT_SUMMARY)
        if source := component.description.get("Source"):
            summary["TrialComponentSource"] = source
        summaries.append(summary)
    return {"TrialComponentSummaries": summaries, **rest}


def _describe_trial_component(region: Region, request: Parameters) -> dict[str, Any]:
    component = region.trial_components.get(request["TrialComponentName"])
    if component is None:
        raise ApiError("ResourceNotFound", f"Trial component {request['TrialComponentName']} does not exist.")
    return component.description


def _list_trials(region: Region, request: Parameters) -> dict[str, Any]:
    trials = _trials(region)
    if name := request.get("TrialComponentName"):
        component = region.trial_components.get(name)
        if component is None:
            raise ApiError("ResourceNotFound", f"Trial component {name} does not exist.")
        trials = {trial: trials[trial] for trial, _ in component.trials}
    if experiment := request.get("ExperimentName"):
        trials = {trial: made for trial, made in trials.items() if made[0] == experiment}
    keys: dict[str, Callable[[tuple[str, Any]], Any]] = {
        "Name": lambda trial: trial[0],
        "CreationTime": lambda trial: (trial[1][1], trial[0]),
    }
    shown, rest = sorted_page(region, list(trials.items()), request, keys[request.get("SortBy", "CreationTime")])
    summaries = [
        {
            "TrialName": trial,
            "TrialArn": arn("experiment-trial", trial),
            "CreationTime": created_at,
            "LastModifiedTime": created_at,
        }
        for trial, (_, created_at) in shown
    ]
    return {"TrialSummaries": summaries, **rest}


def _describe_trial(region: Region, request: Parameters) -> dict[str, Any]:
    name = request["TrialName"]
    if name not in (trials := _trials(region)):
        raise ApiError("ResourceNotFound", f"Trial {name} does not exist.")
    experiment, created_at = trials[name]
    return {
        "TrialName": name,
        "TrialArn": arn("experiment-trial", name),
        "DisplayName": name,
        "ExperimentName": experiment,
        "CreationTime": created_at,
        "LastModifiedTime": created_at,
    }


def _trials(region: Region) -> dict[str, tuple[str, datetime]]:
    """Experiment and creation of every trial: shortly before its first run."""
    found: dict[str, tuple[str, datetime]] = {}
    for component in region.trial_components.values():
        created_at = component.description["CreationTime"]
        for trial, experiment in component.trials:
            found[trial] = (experiment, min(created_at, found.get(trial, (experiment, created_at))[1]))
    return found


def sorted_page(region: Region, items: Sequence[Any], request: Parameters, key: Callable[[Any], Any]) -> Any:
    """A page of items, the newest first unless they are asked for otherwise; and the token for the next one."""
    ordered = sorted(items, key=key, reverse=request.get("SortOrder", "Descending") == "Descending")
    return page(region, ordered, request, "NextToken", request.get("MaxResults", _PAGE), REFUSAL)


def _is_within(moment: datetime, request: Parameters, name: str) -> bool:
    at = moment.timestamp()
    after, before = request.get(f"{name}After"), request.get(f"{name}Before")
    return (after is None or at > after) and (before is None or at < before)


def _some(description: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: description[name] for name in names if name in description}


_PAGING = ("MaxResults", "NextToken", "SortBy", "SortOrder")
_TIMES = ("CreationTimeAfter", "CreationTimeBefore", "LastModifiedTimeAfter", "LastModifiedTimeBefore")
OPERATIONS = {
    "ListTrainingJobs": operation(_list_training_jobs, *_PAGING, *_TIMES, "NameContains", "StatusEquals"),
    "DescribeTrainingJob": operation(_describe_training_job, "TrainingJobName"),
    "ListTags": operation(_list_tags, "ResourceArn", "NextToken", "MaxResults"),
    "ListTrialComponents": operation(_list_trial_components, *_PAGING, "CreatedAfter", "CreatedBefore"),
    "DescribeTrialComponent": operation(_describe_trial_component, "TrialComponentName"),
    "ListTrials": operation(_list_trials, *_PAGING, "ExperimentName", "TrialComponentName"),
    "DescribeTrial": operation(_describe_trial, "TrialName"),
}
