"""An account that trains: jobs, trial components, endpoints and their log group, page by page, failing when told to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from control_plane import Account
from served_aws import refused

REGION, ACCOUNT = "us-east-1", "011122223333"
BEGAN = datetime(2024, 5, 6, 7, 8, 9, 123000, tzinfo=UTC)
GROUP = "/aws/sagemaker/TrainingJobs"
SAGEMAKER, LOGS = f"sagemaker://{REGION}", f"logs://{REGION}{GROUP}"
#: What must not be found anywhere.
CANARY, EMAIL = "canary-secret", "canary.person@example.com"


def arn(kind: str, name: str) -> str:
    """Of something in the account."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"


def training_job(name: str = "fruit-1", status: str = "Completed", **changes: Any) -> dict[str, Any]:
    """A job as DescribeTrainingJob gives it; a change to `...` leaves the field out."""
    given = {
        "TrainingJobName": name,
        "TrainingJobArn": arn("training-job", name),
        "ModelArtifacts": {"S3ModelArtifacts": f"s3://models/{name}/model.tar.gz"},
        "TrainingJobStatus": status,
        "SecondaryStatus": status,
        "HyperParameters": {"lr": "0.1", "optimizer": '"adam"'},
        "AlgorithmSpecification": {
            "TrainingImage": "image:1",
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": "train:error", "Regex": "Train_error=(.*?);"},
                {"Name": "validation:error", "Regex": "Valid_error=(.*?);"},
            ],
        },
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "CreationTime": BEGAN,
        "TrainingStartTime": BEGAN + timedelta(minutes=2),
        "TrainingEndTime": BEGAN + timedelta(minutes=22),
        "LastModifiedTime": BEGAN + timedelta(minutes=23),
        "TrainingTimeInSeconds": 1200,
        "BillableTimeInSeconds": 400,
        "EnableManagedSpotTraining": True,
        "FinalMetricDataList": [
            {"MetricName": "train:error", "Value": 0.25, "Timestamp": BEGAN + timedelta(minutes=20)},
            {"MetricName": "validation:error", "Value": float("nan"), "Timestamp": BEGAN + timedelta(minutes=20)},
        ],
        "ExperimentConfig": {"ExperimentName": "fruit", "TrialName": "weekly"},
        "Environment": {"API_KEY": CANARY},
    } | changes
    return {key: value for key, value in given.items() if value is not ...}


def component(name: str = "run-1", status: str = "Completed", **changes: Any) -> dict[str, Any]:
    """A component as DescribeTrialComponent gives it."""
    given = {
        "TrialComponentName": name,
        "TrialComponentArn": arn("experiment-trial-component", name),
        "DisplayName": f"display {name}",
        "Source": {"SourceArn": arn("training-job", "fruit-1"), "SourceType": "SageMakerTrainingJob"},
        "Status": {"PrimaryStatus": status, "Message": "as it should be"},
        "StartTime": BEGAN,
        "EndTime": BEGAN + timedelta(minutes=20),
        "CreationTime": BEGAN,
        "LastModifiedTime": BEGAN + timedelta(minutes=21),
        "CreatedBy": {"UserProfileName": CANARY, "IamIdentity": {"Arn": f"arn:aws:iam::1:user/{CANARY}"}},
        "LastModifiedBy": {"UserProfileName": CANARY},
        "Parameters": {
            "lr": {"NumberValue": 0.1},
            "layers": {"NumberValue": 3.0},
            "optimizer": {"StringValue": "adam"},
        },
        "Metrics": [{"MetricName": "train:error", "Min": 0.2, "Max": 0.9, "Avg": 0.4, "Last": 0.25, "Count": 10}],
    } | changes
    return {key: value for key, value in given.items() if value is not ...}


def endpoint(name: str = "fruit-live", **changes: Any) -> dict[str, Any]:
    """An endpoint as DescribeEndpoint gives it."""
    return {
        "EndpointName": name,
        "EndpointArn": arn("endpoint", name),
        "EndpointConfigName": f"{name}-config",
        "ProductionVariants": [{"VariantName": "AllTraffic", "CurrentWeight": 1.0, "CurrentInstanceCount": 3}],
        "EndpointStatus": "InService",
        "CreationTime": BEGAN,
        "LastModifiedTime": BEGAN,
    } | changes


def config(name: str) -> dict[str, Any]:
    """A configuration as DescribeEndpointConfig gives it."""
    variant = {"VariantName": "AllTraffic", "ModelName": "fruit-7", "InstanceType": "ml.m5.large"}
    return {
        "EndpointConfigName": name,
        "EndpointConfigArn": arn("endpoint-config", name),
        "ProductionVariants": [variant | {"InitialInstanceCount": 2, "InitialVariantWeight": 1.0}],
        "CreationTime": BEGAN,
    }


def said(number: int, at: datetime, message: str, job: str = "fruit-1") -> dict[str, Any]:
    """A line in the log group."""
    timestamp = round(at.timestamp() * 1000)
    return {
        "eventId": f"{number:056}",
        "logStreamName": f"{job}/algo-1-1714979289",
        "timestamp": timestamp,
        "ingestionTime": timestamp + 5,
        "message": message,
    }


@dataclass
class Trainings(Account):
    """What is trained, and what it says.

    Args:
        trials: trial → experiment and creation, of all components.
        configs: names of the endpoint configurations that exist.
    """

    training_jobs: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    trials: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def _ListTrainingJobs(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["MaxResults"] <= 100
        names = ("TrainingJobName", "TrainingJobArn", "CreationTime", "LastModifiedTime", "TrainingJobStatus")
        listed = [
            {name: each[name] for name in (*names, "WarmPoolStatus") if name in each} for each in self.training_jobs
        ]
        return self._page(listed, "TrainingJobSummaries", parameters, "NextToken")

    def _DescribeTrainingJob(self, parameters: dict[str, Any]) -> dict[str, Any]:
        for each in self.training_jobs:
            if each["TrainingJobName"] == parameters["TrainingJobName"]:
                return each
        raise refused("ValidationException", message="Requested resource not found.")

    def _ListTags(self, parameters: dict[str, Any]) -> dict[str, Any]:
        tags = [{"Key": "team", "Value": "fruit"}, {"Key": "asked-by", "Value": EMAIL}]
        return self._page(tags, "Tags", parameters, "NextToken")

    def _ListTrialComponents(self, parameters: dict[str, Any]) -> dict[str, Any]:
        names = ("TrialComponentName", "TrialComponentArn", "Status", "CreationTime", "LastModifiedTime", "CreatedBy")
        listed = [{name: each[name] for name in names if name in each} for each in self.components]
        return self._page(listed, "TrialComponentSummaries", parameters, "NextToken")

    def _DescribeTrialComponent(self, parameters: dict[str, Any]) -> dict[str, Any]:
        for each in self.components:
            if each["TrialComponentName"] == parameters["TrialComponentName"]:
                return each
        raise refused("ResourceNotFound", message="Trial component does not exist.")

    def _ListTrials(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["TrialComponentName"]
        trials = [
            {"TrialName": name, "TrialArn": arn("experiment-trial", name), "CreationTime": created_at}
            for name, (_, created_at) in self.trials.items()
        ]
        return self._page(trials, "TrialSummaries", parameters, "NextToken")

    def _DescribeTrial(self, parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["TrialName"]
        if name not in self.trials:
            raise refused("ResourceNotFound", message="Trial does not exist.")
        return {"TrialName": name, "ExperimentName": self.trials[name][0]}

    def _ListEndpoints(self, parameters: dict[str, Any]) -> dict[str, Any]:
        names = ("EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime", "EndpointStatus")
        listed = [{name: each[name] for name in names} for each in self.endpoints]
        return self._page(listed, "Endpoints", parameters, "NextToken")

    def _DescribeEndpoint(self, parameters: dict[str, Any]) -> dict[str, Any]:
        for each in self.endpoints:
            if each["EndpointName"] == parameters["EndpointName"]:
                return each
        raise refused("ValidationException", message='Could not find endpoint "x".')

    def _DescribeEndpointConfig(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return config(parameters["EndpointConfigName"])

    def _DescribeLogGroups(self, parameters: dict[str, Any]) -> dict[str, Any]:
        group_arn = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{GROUP}:*"
        created = {"creationTime": round(BEGAN.timestamp() * 1000)}
        return {"logGroups": [{"logGroupName": GROUP, "arn": group_arn, **created}] if self.events else []}

    def _FilterLogEvents(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["logGroupName"] == GROUP
        first, last = parameters["startTime"], parameters["endTime"]
        there = [each for each in self.events if first <= each["timestamp"] <= last]
        return self._page(there, "events", parameters, "nextToken")
