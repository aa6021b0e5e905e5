"""What SageMaker knows of the trainings: jobs that start, train and end, and the runs that they are.

Beside the programme there is a family that nobody trains any more: `lane-markings-segmenter` was trained once a week,
then failed five weeks in a row, and was given up twenty weeks before the world began.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import numpy as np

from labelhouse.demo.chance import generator
from labelhouse.demo.changes import Change, TrainingJobState, TrialComponentState
from labelhouse.demo.cloudtrail import ACCOUNT_ID, arn
from labelhouse.demo.people import REGION
from labelhouse.demo.training_calls import PIPELINE, TRAINER, training_job
from labelhouse.demo.training_log import log_events
from labelhouse.demo.training_runs import TRAINING_PROGRAMME, Run, TrainingProject, runs

#: The family that nobody trains any more, its weeks of success and of failure, and those since.
FORGOTTEN, TRAINED_WEEKS, FAILED_WEEKS, SILENT_WEEKS = "lane-markings-segmenter", 16, 5, 20
FORGOTTEN_REASON = (
    "AlgorithmError: ExecuteUserScriptError: ExitCode 1 "
    'ErrorMessage "KeyError: \'lane-markings-metadata\'" Command "/usr/bin/python3 train.py", exit code: 1'
)
#: Share of its time that a training on spare capacity is billed for.
_SPOT_RATIO = (0.3, 0.4)
_A_WEEK = timedelta(weeks=1)
#: A field with names of their own, which are nobody's to capitalise.
_NAMED = "hyperParameters"


def training_changes(seed: int, start: datetime) -> Iterator[Change]:
    """Training jobs, trial components and logs of a world that begins at `start` (UTC), in the order of time."""
    every = (_of_project(seed, start, project) for project in TRAINING_PROGRAMME)
    return heapq.merge(_forgotten(seed, start), *every, key=attrgetter("at"))


def _of_project(seed: int, start: datetime, project: TrainingProject) -> Iterator[Change]:
    for run in runs(seed, start, project):
        changes: list[Change] = list(_components(run))
        if job := run.training_job_name:
            changes += [*_jobs(seed, run, job), *log_events(seed, run, job)]
        yield from sorted(changes, key=attrgetter("at"))


def _jobs(seed: int, run: Run, name: str) -> Iterator[TrainingJobState]:
    """The states of a run's job: created, training, ended, and its instances let go."""
    rng = generator(seed, "training job", name)
    started_at = run.points[0].at - timedelta(seconds=float(rng.uniform(25, 55)))
    ended_at = run.completed_at - timedelta(seconds=float(rng.uniform(5, 20)))
    trained = round((ended_at - started_at).total_seconds())
    billed = round(trained * float(rng.uniform(*_SPOT_RATIO))) if run.project.is_spot else trained
    asked: dict[str, Any] = _capitalized(training_job(run, name))
    begun = asked | {
        "TrainingJobArn": arn("training-job", name),
        "TrainingJobStatus": "InProgress",
        "SecondaryStatus": "Starting",
        "CreationTime": run.created_at,
        "LastModifiedTime": run.created_at,
        "ModelArtifacts": {"S3ModelArtifacts": ""},
        "EnableNetworkIsolation": False,
        "EnableInterContainerTrafficEncryption": False,
    }
    yield TrainingJobState(run.created_at, name, begun)
    training = begun | {
        "SecondaryStatus": "Training",
        "TrainingStartTime": started_at,
        "LastModifiedTime": started_at,
    }
    yield TrainingJobState(started_at, name, training)
    ended = training | {
        "TrainingJobStatus": "Completed",
        "SecondaryStatus": "Completed",
        "TrainingEndTime": ended_at,
        "LastModifiedTime": run.completed_at,
        "TrainingTimeInSeconds": trained,
        "BillableTimeInSeconds": billed,
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://labelhouse-demo/models/{name}/output/model.tar.gz"},
        "FinalMetricDataList": _finals(run),
    }
    if warm := run.project.warm_seconds:
        let_go_at = run.completed_at + timedelta(seconds=warm)
        yield TrainingJobState(run.completed_at, name, ended | {"WarmPoolStatus": {"Status": "Available"}})
        pool = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": warm}
        ended |= {"WarmPoolStatus": pool, "LastModifiedTime": let_go_at}
        yield TrainingJobState(let_go_at, name, ended)
    else:
        yield TrainingJobState(run.completed_at, name, ended)


def _finals(run: Run) -> list[dict[str, Any]]:
    """The last number of each metric, as a float of 32 bits."""
    finals = {point.metric_name: point for point in run.points if not math.isnan(point.value)}
    return [
        {"MetricName": name, "Value": float(np.float32(point.value)), "Timestamp": point.at}
        for name, point in sorted(finals.items())
    ]


def _components(run: Run) -> Iterator[TrialComponentState]:
    """The trial component of a run: made, begun, completed."""
    trials = ((run.project.run_group, run.project.experiment),)
    begun = _component(run.name, run.display_name, run.created_at, run.training_job_name) | {
        "Parameters": {name: _parameter(value) for name, value in run.hyper_parameters.items()},
    }
    yield TrialComponentState(run.created_at, run.name, begun, trials)
    completed = begun | {
        "Status": {"PrimaryStatus": "Completed"},
        "EndTime": run.completed_at,
        "LastModifiedTime": run.completed_at,
        "Metrics": list(_sums(run)),
    }
    yield TrialComponentState(run.completed_at, run.name, completed, trials)


def _component(name: str, display_name: str, at: datetime, job: str | None) -> dict[str, Any]:
    made_by = {"IamIdentity": {"Arn": (PIPELINE if job else TRAINER).arn, "PrincipalId": "AROAEXAMPLE:somebody"}}
    source = {"SourceArn": arn("training-job", job), "SourceType": "SageMakerTrainingJob"} if job else None
    return {
        "TrialComponentName": name,
        "TrialComponentArn": arn("experiment-trial-component", name),
        "DisplayName": display_name,
        "Status": {"PrimaryStatus": "InProgress"},
        "StartTime": at,
        "CreationTime": at,
        "CreatedBy": made_by,
        "LastModifiedTime": at,
        "LastModifiedBy": made_by,
    } | ({"Source": source} if source else {})


def _parameter(text: str) -> dict[str, Any]:
    return {"StringValue": text} if text.isalpha() else {"NumberValue": float(text)}


def _sums(run: Run) -> Iterator[dict[str, Any]]:
    for name in sorted({point.metric_name for point in run.points}):
        points = [point for point in run.points if point.metric_name == name and not math.isnan(point.value)]
        values = [point.value for point in points]
        yield {
            "MetricName": name,
            "SourceArn": arn("experiment-trial-component", run.name),
            "TimeStamp": points[-1].at,
            "Max": max(values),
            "Min": min(values),
            "Last": values[-1],
            "Count": len(values),
            "Avg": float(np.mean(values)),
            "StdDev": float(np.std(values)),
        }


def _forgotten(seed: int, start: datetime) -> Iterator[Change]:
    """The family that nobody trains any more: its jobs and runs, from long before the world began."""
    weeks = TRAINED_WEEKS + FAILED_WEEKS
    states: list[Change] = []
    for number in range(weeks):
        created_at = start - (SILENT_WEEKS + weeks - number) * _A_WEEK
        states += _forgotten_job(seed, number + 1, created_at, is_failed=number >= TRAINED_WEEKS)
    return iter(sorted(states, key=attrgetter("at")))


def _forgotten_job(seed: int, number: int, created_at: datetime, *, is_failed: bool) -> Iterator[Change]:
    rng = generator(seed, "training job", FORGOTTEN, number)
    created_at += timedelta(minutes=float(rng.uniform(0, 40)))
    name = f"{FORGOTTEN}-{created_at:%Y-%m-%d-%H-%M-%S}-{created_at.microsecond // 1000:03d}"
    started_at = created_at + timedelta(seconds=float(rng.uniform(120, 200)))
    seconds = round(float(rng.uniform(70, 110) if is_failed else rng.uniform(2400, 3000)))
    ended_at = started_at + timedelta(seconds=seconds)
    status = "Failed" if is_failed else "Completed"
    description = {
        "TrainingJobName": name,
        "TrainingJobArn": arn("training-job", name),
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "HyperParameters": {"learning_rate": "0.01", "mini_batch_size": "8", "optimizer": "sgd"},
        "AlgorithmSpecification": {
            "TrainingImage": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/{FORGOTTEN}:latest",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "validation:mIOU", "Regex": "validation:mIOU=([0-9.]+)"}],
        },
        "RoleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/SageMakerTraining",
        "ModelArtifacts": {"S3ModelArtifacts": "" if is_failed else f"s3://labelhouse-demo/models/{name}.tar.gz"},
        "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "InstanceCount": 1, "VolumeSizeInGB": 100},
        "StoppingCondition": {"MaxRuntimeInSeconds": 7200},
        "CreationTime": created_at,
        "TrainingStartTime": started_at,
        "TrainingEndTime": ended_at,
        "LastModifiedTime": ended_at,
        "TrainingTimeInSeconds": seconds,
        "BillableTimeInSeconds": seconds,
        "EnableManagedSpotTraining": False,
        "ExperimentConfig": {"ExperimentName": FORGOTTEN, "TrialName": f"{FORGOTTEN}-weekly"},
    }
    if is_failed:
        description["FailureReason"] = FORGOTTEN_REASON
    else:
        value = float(np.float32(rng.uniform(0.71, 0.74)))
        description["FinalMetricDataList"] = [{"MetricName": "validation:mIOU", "Value": value, "Timestamp": ended_at}]
    yield TrainingJobState(ended_at, name, description)
    run_name = f"{name}-aws-training-job"
    component = _component(run_name, f"week-{number:02d}", created_at, name) | {
        "Status": {"PrimaryStatus": status},
        "EndTime": ended_at,
        "LastModifiedTime": ended_at,
    }
    yield TrialComponentState(ended_at, run_name, component, ((f"{FORGOTTEN}-weekly", FORGOTTEN),))


def _capitalized(value: Any) -> Any:
    """SageMaker's names of what CloudTrail writes in camel case."""
    if isinstance(value, dict):
        return {
            name[0].upper() + name[1:]: each if name == _NAMED else _capitalized(each) for name, each in value.items()
        }
    return [_capitalized(each) for each in value] if isinstance(value, list) else value
