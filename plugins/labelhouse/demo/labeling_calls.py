"""What running the labelling says to AWS: a work team with its people, and the labelling jobs of the programme."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from operator import attrgetter
from typing import Any

from labelhouse.demo.chance import generator, hexadecimal
from labelhouse.demo.cloudtrail import ACCOUNT_ID, Call, Caller, arn
from labelhouse.demo.jobs import FORTNIGHT_DAYS, PROGRAMME, Project
from labelhouse.demo.people import REGION, Worker, team
from labelhouse.demo.places import BUCKET, INPUT_PATH, OUTPUT_PATH, user_pool
from labelhouse.demo.world import TASK_LIFETIME

WORKTEAM, WORKER_GROUP = "field-labelers", "labelers"
#: The accounts of those who left are deleted then.
KEPT_AFTER_LEAVING = timedelta(days=6)
#: What the crowd is paid for an answer: dollars, cents, tenths of a cent.
CROWD_PRICE = {"dollars": 0, "cents": 3, "tenthFractionsOfACent": 6}
#: Whoever runs the labelling signs in with an address: their sessions are named after it.
OPERATOR = Caller(
    "AssumedRole",
    "AWSReservedSSO_LabelingOperations_5f2a9c41d07be836",
    "198.51.100.23",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    session="operations@example.com",
)
#: A task that is accepted and not submitted goes back to the others then.
TASK_TIME_LIMIT = timedelta(minutes=15)
#: AWS's own accounts for the crowd and for the Lambda functions of its task types, in this region.
_CROWD_TEAM = f"arn:aws:sagemaker:{REGION}:394669845002:workteam/public-crowd/default"
_FUNCTIONS = f"arn:aws:lambda:{REGION}:432418664414:function"
_UI = f"arn:aws:sagemaker:{REGION}:394669845002:human-task-ui"
#: Task → how AWS's functions and user interfaces for it are called, and what people are asked to do.
_TASKS = {
    "image-classification": ("ImageMultiClass", "Choose what the image shows"),
    "object-detection": ("BoundingBox", "Draw a box around every vehicle"),
    "video-object-tracking": ("VideoObjectTracking", "Follow every vehicle from frame to frame"),
    "semantic-segmentation": ("SemanticSegmentation", "Paint the parts of the street"),
    "text-span": ("NamedEntityRecognition", "Mark what was delivered where and when"),
    "point_cloud_object_tracking": ("3DPointCloudObjectTracking", "Follow forklifts and people"),
    "label-verification": ("VerificationBoundingBox", "Say whether the boxes are good"),
}
_UIS = {"video-object-tracking", "text-span", "point_cloud_object_tracking"}


def labeling_calls(seed: int, start: datetime) -> Iterator[Call]:
    """Every call around labelling in a world that begins at `start` (UTC), in the order of time, without end.

    The team is put together in the half hour before.
    """
    return heapq.merge(team_calls(seed, start), _job_calls(start), key=attrgetter("at"))


def team_calls(seed: int, start: datetime) -> Iterator[Call]:
    """The calls about the work team and its people, in the order of time.

    Who leaves can no longer sign in from then on, and is deleted after `KEPT_AFTER_LEAVING`.
    """
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    calls = [_workteam_call(seed, "CreateWorkteam", start - timedelta(minutes=25), "Everybody on the three sites")]
    for number, worker in enumerate(team(seed)):
        first_day, end_day = worker.habits.days
        joins_at = start - timedelta(minutes=20 - number)
        if first_day:
            joins_at = midnight + timedelta(days=first_day, hours=-9)
            calls.append(_workteam_call(seed, "UpdateWorkteam", joins_at + timedelta(minutes=4), "One more in Nairobi"))
        calls += _joining_calls(seed, worker, joins_at)
        if end_day != float("inf"):
            leaves_at = midnight + timedelta(days=end_day, hours=14)
            calls.append(_user_call(seed, worker, "AdminRemoveUserFromGroup", leaves_at, {"groupName": WORKER_GROUP}))
            calls.append(
                _workteam_call(seed, "UpdateWorkteam", leaves_at + timedelta(minutes=2), "One fewer in Manila")
            )
            calls.append(_user_call(seed, worker, "AdminDisableUser", leaves_at + timedelta(minutes=3), {}))
            calls.append(_user_call(seed, worker, "AdminDeleteUser", leaves_at + KEPT_AFTER_LEAVING, {}))
    return iter(sorted(calls, key=attrgetter("at")))


def _joining_calls(seed: int, worker: Worker, at: datetime) -> list[Call]:
    address = {"name": "email", "value": _address(worker)}
    user = {
        "username": _address(worker),
        "attributes": [{"name": "sub", "value": worker.sub}, address],
        "enabled": True,
        "userStatus": "FORCE_CHANGE_PASSWORD",
    }
    request = {"userAttributes": [address], "temporaryPassword": "HIDDEN_DUE_TO_SECURITY_REASONS"}
    return [
        _user_call(seed, worker, "AdminCreateUser", at, request, {"user": user}),
        _user_call(seed, worker, "AdminAddUserToGroup", at + timedelta(seconds=4), {"groupName": WORKER_GROUP}),
    ]


def _user_call(
    seed: int,
    worker: Worker,
    operation: str,
    at: datetime,
    request: dict[str, Any],
    response: dict[str, Any] | None = None,
) -> Call:
    return Call(
        at=at,
        caller=OPERATOR,
        entity=("user", worker.name, operation),
        service="cognito-idp",
        operation=operation,
        request={"userPoolId": user_pool(seed), "username": _address(worker), **request},
        response=response,
        additional={"sub": worker.sub},
    )


def _address(worker: Worker) -> str:
    return f"{worker.name}@example.com"


def _workteam_call(seed: int, operation: str, at: datetime, description: str) -> Call:
    client_id = hexadecimal(generator(seed, "client id"), 26)
    members = {"userPool": user_pool(seed), "userGroup": WORKER_GROUP, "clientId": client_id}
    definitions = [{"cognitoMemberDefinition": members}]
    workteam_arn = arn("workteam", f"private-crowd/{WORKTEAM}")
    workteam = {"workteamName": WORKTEAM, "memberDefinitions": definitions, "workteamArn": workteam_arn}
    return Call(
        at=at,
        caller=OPERATOR,
        entity=("work team", operation, at.isoformat()),
        service="sagemaker",
        operation=operation,
        request={"workteamName": WORKTEAM, "memberDefinitions": definitions, "description": description},
        response={"workteamArn": workteam_arn} if operation == "CreateWorkteam" else {"workteam": workteam},
    )


def _job_calls(start: datetime) -> Iterator[Call]:
    """One call a job, at the moment from which people see its tasks."""
    for fortnight in count():
        for project in sorted(PROGRAMME, key=attrgetter("launch_day")):
            days = fortnight * FORTNIGHT_DAYS + project.launch_day
            name = f"{project.stem}-{fortnight + 1:02d}"
            yield Call(
                at=start + timedelta(days=days),
                caller=OPERATOR,
                entity=("labelling job", name),
                service="sagemaker",
                operation="CreateLabelingJob",
                request=labeling_job(project, name),
                response={"labelingJobArn": arn("labeling-job", name.lower())},
            )


def labeling_job(project: Project, name: str) -> dict[str, Any]:
    """The parameters of `CreateLabelingJob`, in CloudTrail's camel case."""
    function, task = _TASKS[project.task]
    if project.adjusts or (project.follows and project.task != "label-verification"):
        function, task = f"Adjustment{function}", f"Check: {task}"
    manifest = f"s3://{BUCKET}/{INPUT_PATH}/{name}.manifest"
    price = {"publicWorkforceTaskPrice": {"amountInUsd": CROWD_PRICE}} if project.is_public else {}
    return {
        "labelingJobName": name,
        "labelAttributeName": project.label_attribute_name,
        "inputConfig": {"dataSource": {"s3DataSource": {"manifestS3Uri": manifest}}},
        "outputConfig": {"s3OutputPath": f"s3://{BUCKET}/{OUTPUT_PATH}/"},
        "roleArn": f"arn:aws:iam::{ACCOUNT_ID}:role/GroundTruthExecution",
        "labelCategoryConfigS3Uri": f"s3://{BUCKET}/{INPUT_PATH}/{name}.categories.json",
        "humanTaskConfig": {
            "workteamArn": _CROWD_TEAM if project.is_public else arn("workteam", f"private-crowd/{WORKTEAM}"),
            "uiConfig": _ui(project, function),
            "preHumanTaskLambdaArn": f"{_FUNCTIONS}:PRE-{function}",
            "taskTitle": task,
            "taskDescription": task,
            "numberOfHumanWorkersPerDataObject": project.answers_per_object,
            "taskTimeLimitInSeconds": TASK_TIME_LIMIT // timedelta(seconds=1),
            "taskAvailabilityLifetimeInSeconds": TASK_LIFETIME // timedelta(seconds=1),
            "annotationConsolidationConfig": {"annotationConsolidationLambdaArn": f"{_FUNCTIONS}:ACS-{function}"},
            **price,
        },
    }


def _ui(project: Project, function: str) -> dict[str, str]:
    """AWS's own user interface for sequences and texts, for the others a template of the account."""
    if project.task in _UIS:
        return {"humanTaskUiArn": f"{_UI}/{_TASKS[project.task][0]}"}
    return {"uiTemplateS3Uri": f"s3://{BUCKET}/{INPUT_PATH}/{function}.liquid.html"}
