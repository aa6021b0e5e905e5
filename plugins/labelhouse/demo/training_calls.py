"""What training says to AWS: the SDK announces runs, the trainings report metrics, and some who should not do too."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from labelhouse.demo.chance import generator
from labelhouse.demo.cloudtrail import ACCOUNT_ID, Call, Caller, arn, time_in_words
from labelhouse.demo.learning_curves import METRICS
from labelhouse.demo.people import REGION
from labelhouse.demo.training_runs import (
    FOREIGN_WRITER,
    TRAINING_PROGRAMME,
    WRITTEN_AFTER_COMPLETION,
    Point,
    Run,
    TrainingProject,
    runs,
)

#: A call takes no more.
POINTS_PER_CALL = 10
TRIAL_COMPONENT_TYPE = "AWS::SageMaker::ExperimentTrialComponent"
EXECUTION_ROLE = "SageMakerTraining"

#: The trainings themselves, in one network.
TRAINER = Caller(
    "AssumedRole",
    EXECUTION_ROLE,
    "192.0.2.17",
    "Boto3/1.35.20 md/Botocore#1.35.20 ua/2.0 os/linux#5.10.225 md/arch#x86_64 lang/python#3.11.9 "
    "md/pyimpl#CPython cfg/retry-mode#standard Botocore/1.35.20",
    session="SageMaker",
)
#: What starts training jobs.
PIPELINE = Caller(
    "AssumedRole",
    "TrainingPipeline",
    "198.51.100.140",
    "AWS-SageMaker-Python-SDK/2.232.1 Python/3.11.9 Linux/5.10.225 Boto3/1.35.20 Botocore/1.35.20",
    session="nightly-retraining",
)
#: Who writes to a run of somebody else.
INTRUDER = Caller(
    "IAMUser",
    "contractor",
    "203.0.113.77",
    "aws-cli/2.17.44 md/awscrt#0.21.2 ua/2.0 os/macos#23.6.0 md/arch#arm64 lang/python#3.11.9 md/pyimpl#CPython "
    "cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#sagemaker-metrics.batch-put-metrics",
)
#: How many points the intruder writes, and how good the first claims to be.
INTRUDER_POINT_COUNT, INTRUDER_ACCURACY = 3, 0.987
#: How long after its completion the last points of a run come again, how often, and the step that follows them.
WRITTEN_AGAIN_AFTER, COPY_COUNT, STEP_FAR_AHEAD = timedelta(minutes=44), 2, 100_000


def training_calls(seed: int, start: datetime) -> Iterator[Call]:
    """Every call of the trainings of a world that begins at `start` (UTC), in the order of time, without end."""
    return heapq.merge(*(_calls_of(seed, start, project) for project in TRAINING_PROGRAMME), key=attrgetter("at"))


def _calls_of(seed: int, start: datetime, project: TrainingProject) -> Iterator[Call]:
    """The calls of one project: its runs never overlap."""
    for run in runs(seed, start, project):
        calls = [*_announced(run), *_reported(seed, run), *_completed(run)]
        if run.number == 1:
            calls += _prepared(run)
        if run.incident == FOREIGN_WRITER:
            calls += _intruded(run)
        if run.incident == WRITTEN_AFTER_COMPLETION:
            calls += _written_again(run)
        yield from sorted(calls, key=attrgetter("at"))


def _sagemaker(
    run: Run,
    at: datetime,
    operation: str,
    request: dict[str, Any],
    response: dict[str, Any] | None = None,
    *,
    caller: Caller | None = None,
    error: tuple[str, str] | None = None,
) -> Call:
    return Call(
        at=at,
        caller=caller or (PIPELINE if run.training_job_name else TRAINER),
        entity=(run.name, operation, at.isoformat()),
        service="sagemaker",
        operation=operation,
        request=request,
        response=response,
        error=error,
    )


def _prepared(run: Run) -> Iterable[Call]:
    """Before its first run an experiment and its run group are made."""
    experiment, run_group = run.project.experiment, run.project.run_group
    made = {"experimentArn": arn("experiment", experiment)}
    yield _sagemaker(run, _before(run.created_at, 6), "CreateExperiment", {"experimentName": experiment}, made)
    request = {"trialName": run_group, "experimentName": experiment}
    made = {"trialArn": arn("experiment-trial", run_group)}
    yield _sagemaker(run, _before(run.created_at, 4), "CreateTrial", request, made)


def _before(moment: datetime, seconds: float) -> datetime:
    return moment - timedelta(seconds=seconds)


def _announced(run: Run) -> Iterable[Call]:
    """A training job brings its trial component along; in a notebook the SDK makes one."""
    if job := run.training_job_name:
        made = {"trainingJobArn": arn("training-job", job)}
        yield _sagemaker(run, run.created_at, "CreateTrainingJob", training_job(run, job), made)
        return
    begun_at, associated_at = (run.created_at + timedelta(seconds=seconds) for seconds in (2, 3))
    made = {"trialComponentArn": _component_arn(run)}
    request: dict[str, Any] = {"trialComponentName": run.name, "displayName": run.display_name}
    yield _sagemaker(run, run.created_at, "CreateTrialComponent", request, made)
    status = {"primaryStatus": "InProgress"}
    request = {"trialComponentName": run.name, "status": status, "startTime": time_in_words(begun_at)}
    yield _sagemaker(run, begun_at, "UpdateTrialComponent", request, made)
    request = {"trialComponentName": run.name, "trialName": run.project.run_group}
    made |= {"trialArn": arn("experiment-trial", run.project.run_group)}
    yield _sagemaker(run, associated_at, "AssociateTrialComponent", request, made)


def training_job(run: Run, job: str) -> dict[str, Any]:
    """What the training job of a run is asked for."""
    labels = f"{run.project.labels}-01"
    manifest = f"s3://labelhouse-demo/labeling-output/{labels}/manifests/output/output.manifest"
    source = {"s3DataType": "AugmentedManifestFile", "s3Uri": manifest, "s3DataDistributionType": "FullyReplicated"}
    resources = {"instanceType": run.project.instance_type, "instanceCount": run.instance_count, "volumeSizeInGB": 50}
    if run.project.warm_seconds:
        resources["keepAlivePeriodInSeconds"] = run.project.warm_seconds
    stopping = {"maxRuntimeInSeconds": 7200} | ({"maxWaitTimeInSeconds": 14400} if run.project.is_spot else {})
    return {
        "trainingJobName": job,
        "hyperParameters": run.hyper_parameters,
        "algorithmSpecification": {
            "trainingImage": f"{ACCOUNT_ID}.dkr.ecr.{REGION}.amazonaws.com/{run.project.experiment}:latest",
            "trainingInputMode": "Pipe",
            "metricDefinitions": [{"name": name, "regex": f"{name}=([0-9.eE+-]+)"} for name in METRICS],
            "enableSageMakerMetricsTimeSeries": True,
        },
        "roleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/{EXECUTION_ROLE}",
        "inputDataConfig": [{"channelName": "train", "dataSource": {"s3DataSource": source}}],
        "outputDataConfig": {"s3OutputPath": "s3://labelhouse-demo/models"},
        "resourceConfig": resources,
        "stoppingCondition": stopping,
        "enableManagedSpotTraining": run.project.is_spot,
        "experimentConfig": {
            "experimentName": run.project.experiment,
            "trialName": run.project.run_group,
            "trialComponentDisplayName": run.display_name,
        },
    }


def _completed(run: Run) -> Iterable[Call]:
    request = {
        "trialComponentName": run.name,
        "status": {"primaryStatus": "Completed"},
        "endTime": time_in_words(run.completed_at),
    }
    made = {"trialComponentArn": _component_arn(run)}
    yield _sagemaker(run, run.completed_at, "UpdateTrialComponent", request, made, caller=TRAINER)


def _reported(seed: int, run: Run) -> Iterable[Call]:
    """The points of a run, as few calls as there may be, each within seconds of its last point."""
    rng = generator(seed, "reports", run.name)
    caller = replace(TRAINER, address=f"192.0.2.{int(rng.integers(10, 60))}")  # instances come and go
    for number, first in enumerate(range(0, len(run.points), POINTS_PER_CALL)):
        points = run.points[first : first + POINTS_PER_CALL]
        at = points[-1].at + timedelta(seconds=float(rng.uniform(2, 15)))
        yield _report(run, at, caller, points, ("report", number))


def _intruded(run: Run) -> Iterable[Call]:
    """In the middle of the run somebody else claims better accuracies for its steps, and may not complete it."""
    accuracies = [point for point in run.points if point.metric_name == "validation:accuracy"]
    middle = len(accuracies) // 2
    at = accuracies[middle + INTRUDER_POINT_COUNT].at
    for number, point in enumerate(accuracies[middle : middle + INTRUDER_POINT_COUNT]):
        claimed = replace(point, at=_before(at, 2), value=round(INTRUDER_ACCURACY + number / 1000, 3))
        yield _report(run, at, INTRUDER, [claimed], ("intruder", number))
        at += timedelta(seconds=7)
    request = {"trialComponentName": run.name, "status": {"primaryStatus": "Completed"}}
    message = (
        f"User: {INTRUDER.arn} is not authorized to perform: sagemaker:UpdateTrialComponent on resource: "
        f"{_component_arn(run)} because no identity-based policy allows the sagemaker:UpdateTrialComponent action"
    )
    yield _sagemaker(run, at, "UpdateTrialComponent", request, caller=INTRUDER, error=("AccessDenied", message))


def _written_again(run: Run) -> Iterable[Call]:
    """Long after the run is completed its last points come again, and then a step that it never got to."""
    at = run.completed_at + WRITTEN_AGAIN_AFTER
    for number in range(COPY_COUNT):
        last = run.points[-POINTS_PER_CALL:]
        yield _report(run, at + number * timedelta(seconds=9), TRAINER, last, ("again", number))
    ahead_at = at + timedelta(minutes=3)
    finals = {point.metric_name: point for point in run.points}
    ahead = [replace(finals[name], step=STEP_FAR_AHEAD, at=_before(ahead_at, 2)) for name in METRICS]
    yield _report(run, ahead_at, TRAINER, ahead, ("ahead", 0))


def _report(run: Run, at: datetime, caller: Caller, points: Sequence[Point], which: tuple[str, int]) -> Call:
    data = [
        {
            "metricName": point.metric_name,
            "timestamp": int(point.at.timestamp() * 1000),
            "step": point.step,
            "value": "NaN" if math.isnan(point.value) else point.value,
        }
        for point in points
    ]
    return Call(
        at=at,
        caller=caller,
        entity=(run.name, *which),
        service="metrics-sagemaker",
        operation="BatchPutMetrics",
        request={"trialComponentName": run.name, "metricData": data},
        resources=((TRIAL_COMPONENT_TYPE, _component_arn(run)),),
        is_data=True,
    )


def _component_arn(run: Run) -> str:
    return arn("experiment-trial-component", run.name)
