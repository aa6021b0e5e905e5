"""An account that has one of everything that sources read, and the places where they read it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import count
from typing import Any

from control_plane import ACCOUNT, BEGAN, POOL, job, team, team_job, user
from doctored import BUCKET, GROUP, Aws, Given, log_group, trail
from served_aws import refused
from trail import Trail, fingerprint, public_key

REGION = "us-east-1"
LOG_NAME = "/aws/sagemaker/TrainingJobs"
_ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
_JOB, _COMPONENT, _TRIAL = "fruit-detector-1", "fruit-run-1", "fruit-trial"
_NUMBERS = count(1)
#: Source → its places: files first, where it has an API that after them.
PLACES = {
    "a2i_output": [f"s3://{BUCKET}/a2i"],
    "cloudtrail": [f"s3://{BUCKET}/AWSLogs"],
    "cloudwatch_metrics": [f"s3://{BUCKET}/metrics", f"cloudwatch://{REGION}"],
    "endpoints": [f"s3://{BUCKET}/endpoints", f"sagemaker://{REGION}"],
    "labeling_job_states": [f"s3://{BUCKET}/states"],
    "labeling_jobs": [f"s3://{BUCKET}/jobs", f"sagemaker://{REGION}"],
    "labeling_output": [f"s3://{BUCKET}/output"],
    "model_predictions": [f"s3://{BUCKET}/capture"],
    "trail_digests": [f"s3://{BUCKET}/AWSLogs/{ACCOUNT}/CloudTrail-Digest"],
    "training_jobs": [f"s3://{BUCKET}/trainings", f"sagemaker://{REGION}"],
    "training_logs": [f"s3://{BUCKET}/logs", f"logs://{REGION}{LOG_NAME}"],
    "trial_components": [f"s3://{BUCKET}/components", f"sagemaker://{REGION}"],
    "worker_activity": [f"s3://{BUCKET}/activity", f"logs://{REGION}{GROUP}"],
    "workers": [f"s3://{BUCKET}/people", f"cognito-idp://{REGION}/{POOL}"],
    "workteams": [f"s3://{BUCKET}/teams", f"sagemaker://{REGION}"],
}
#: Keys of files that the sources take for theirs; what is in them is nobody's business here.
_FILES = (
    "a2i/flow/2024/05/06/07/08/09/loop/output.json",
    "metrics/answer.json",
    "endpoints/2024-05-06/live.json",
    "states/2024/05/06/07/states",
    "jobs/job.json",
    "output/Sort-Fruit/manifests/output/output.manifest",
    "output/Sort-Fruit/annotation-tool/data.json",
    "capture/live/AllTraffic/2024/05/06/07/08-09-123-0a1b.jsonl",
    "trainings/job.json",
    "logs/job.log",
    "components/run.json",
    "activity/export/stream/000000.gz",
    f"people/{POOL}/2024-05-06.json",
    "teams/2024-05-06/team.json",
)


def whole_account() -> Aws:
    """Everything of it is there now, and was a year ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    delivered = Trail(bucket=BUCKET, account=ACCOUNT, started_at=now - timedelta(hours=3))
    delivered.hour()
    delivered.hour()
    files = dict.fromkeys(_FILES, b"") | delivered.files
    return Aws(_files(files, delivered.metadata) | _labelling() | _training() | _operations() | trail())


def _files(files: dict[str, bytes], metadata: dict[str, dict[str, str]]) -> dict[str, Given]:
    def listed(parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["Bucket"] == BUCKET
        prefix, delimiter = parameters.get("Prefix", ""), parameters.get("Delimiter")
        below = sorted(key for key in files if key.startswith(prefix))
        if delimiter:
            folders = {key[: key.index("/", len(prefix)) + 1] for key in below if "/" in key[len(prefix) :]}
            return {"CommonPrefixes": [{"Prefix": each} for each in sorted(folders)]}
        return {
            "Contents": [{"Key": key, "ETag": '"1"', "LastModified": BEGAN, "Size": len(files[key])} for key in below]
        }

    def given(parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters["Key"] not in files:
            raise refused("NoSuchKey", 404)
        return {"Body": BytesIO(files[parameters["Key"]]), "Metadata": metadata.get(parameters["Key"], {})}

    return {"ListObjectsV2": listed, "GetObject": given}


def _labelling() -> dict[str, Given]:
    labelled = job(LabelCategoryConfigS3Uri=f"s3://{BUCKET}/output/Sort-Fruit/annotation-tool/data.json")
    names = ("LabelingJobName", "LabelingJobArn", "CreationTime", "LastModifiedTime", "LabelingJobStatus")
    summary = {name: labelled[name] for name in names} | {
        "LabelCounters": labelled["LabelCounters"],
        "WorkteamArn": team()["WorkteamArn"],
    }
    return {
        "ListLabelingJobs": {"LabelingJobSummaryList": [summary]},
        "DescribeLabelingJob": labelled,
        "ListWorkteams": {"Workteams": [team()]},
        "DescribeWorkteam": {"Workteam": team()},
        "ListLabelingJobsForWorkteam": {"LabelingJobSummaryList": [team_job()]},
        "ListUsers": {"Users": [user()]},
        "ListGroups": {"Groups": [{"GroupName": "fruit", "UserPoolId": POOL}]},
        "ListUsersInGroup": {"Users": [user()]},
    }


def _training() -> dict[str, Given]:
    trained = {
        "TrainingJobName": _JOB,
        "TrainingJobArn": f"{_ARN}:training-job/{_JOB}",
        "CreationTime": BEGAN,
        "TrainingJobStatus": "Completed",
    }
    component = {
        "TrialComponentName": _COMPONENT,
        "TrialComponentArn": f"{_ARN}:experiment-trial-component/{_COMPONENT}",
        "CreationTime": BEGAN,
    }
    trial = {"TrialName": _TRIAL, "TrialArn": f"{_ARN}:experiment-trial/{_TRIAL}", "CreationTime": BEGAN}
    return {
        "ListTrainingJobs": {"TrainingJobSummaries": [trained]},
        "DescribeTrainingJob": trained
        | {
            "ModelArtifacts": {"S3ModelArtifacts": ""},
            "SecondaryStatus": "Completed",
            "AlgorithmSpecification": {"TrainingInputMode": "File"},
            "ResourceConfig": {"VolumeSizeInGB": 1},
            "StoppingCondition": {},
        },
        "ListTags": {"Tags": []},
        "ListTrialComponents": {"TrialComponentSummaries": [component]},
        "DescribeTrialComponent": component,
        "ListTrials": {"TrialSummaries": [trial]},
        "DescribeTrial": trial | {"ExperimentName": "fruit"},
    }


def _operations() -> dict[str, Given]:
    endpoint = {
        "EndpointName": "live",
        "EndpointArn": f"{_ARN}:endpoint/live",
        "CreationTime": BEGAN,
        "LastModifiedTime": BEGAN,
        "EndpointStatus": "InService",
    }
    metric = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "Invocations",
        "Dimensions": [{"Name": "EndpointName", "Value": "live"}, {"Name": "VariantName", "Value": "AllTraffic"}],
    }
    return {
        "ListEndpoints": {"Endpoints": [endpoint]},
        "DescribeEndpoint": endpoint | {"EndpointConfigName": "live-1"},
        "DescribeEndpointConfig": {
            "EndpointConfigName": "live-1",
            "EndpointConfigArn": f"{_ARN}:endpoint-config/live-1",
            "ProductionVariants": [{"VariantName": "AllTraffic"}],
            "CreationTime": BEGAN,
        },
        "ListMetrics": lambda parameters: {
            "Metrics": [metric] if parameters["Namespace"] == metric["Namespace"] else []
        },
        "GetMetricData": {"MetricDataResults": []},
        "GetCallerIdentity": {"Account": ACCOUNT, "UserId": "AIDA", "Arn": f"arn:aws:iam::{ACCOUNT}:user/reader"},
        "ListPublicKeys": {"PublicKeyList": [{"Value": public_key(), "Fingerprint": fingerprint()}]},
        **_logs(),
    }


def _logs() -> dict[str, Given]:
    job_name = f"fruit-detector-{next(_NUMBERS)}"  # what is known of a job is not asked again
    line = json.dumps({"n": 1})

    def groups(parameters: dict[str, Any]) -> dict[str, Any]:
        created = round((datetime.now(UTC) - timedelta(days=3)).timestamp() * 1000)
        return {
            "logGroups": [
                {
                    "logGroupName": parameters["logGroupNamePrefix"],
                    "creationTime": created,
                    "arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{parameters['logGroupNamePrefix']}:*",
                }
            ]
        }

    def events(parameters: dict[str, Any]) -> dict[str, Any]:
        event = {
            "timestamp": parameters["startTime"],
            "message": line,
            "logStreamName": f"{job_name}/algo-1-1714979289",
        }
        return {"events": [event]}

    return log_group() | {
        "DescribeLogGroups": groups,
        "FilterLogEvents": events,
        "DescribeExportTasks": {"exportTasks": []},
        "CreateExportTask": {"taskId": "1"},
    }
