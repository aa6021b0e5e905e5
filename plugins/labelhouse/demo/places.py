"""Where in the account everything lies: its one bucket, and the places that its sources are read from."""

from __future__ import annotations

from typing import Any

from labelhouse.demo.people import REGION, issuer

BUCKET = "labelhouse-demo"
INPUT_PATH, OUTPUT_PATH = "labeling-input", "labeling-output"
TRAIL_PATH, JOB_STATES_PATH = "AWSLogs", "labeling-job-states"
#: Where endpoints' inputs and outputs are captured.
CAPTURE_PATH = "data-capture"
#: Where Ground Truth logs what private workers do.
LOG_GROUP = "/aws/sagemaker/groundtruth/WorkerActivity"
#: Where training jobs log.
TRAINING_LOG_GROUP = "/aws/sagemaker/TrainingJobs"


def user_pool(seed: int) -> str:
    """Id of the user pool that issued the team's identities."""
    return issuer(seed).rpartition("/")[2]


def sources(seed: int) -> dict[str, str]:
    """Source name → URI in the account whose world has this seed."""
    return {
        "labeling_output": f"s3://{BUCKET}/{OUTPUT_PATH}",
        "cloudtrail": f"s3://{BUCKET}/{TRAIL_PATH}",
        "worker_activity": f"logs://{REGION}{LOG_GROUP}",
        "training_logs": f"logs://{REGION}{TRAINING_LOG_GROUP}",
        "training_jobs": f"sagemaker://{REGION}",
        "trial_components": f"sagemaker://{REGION}",
        "endpoints": f"sagemaker://{REGION}",
        "labeling_jobs": f"sagemaker://{REGION}",
        "labeling_job_states": f"s3://{BUCKET}/{JOB_STATES_PATH}",
        "workteams": f"sagemaker://{REGION}",
        "workers": f"cognito-idp://{REGION}/{user_pool(seed)}",
        "cloudwatch_metrics": f"cloudwatch://{REGION}",
        "model_predictions": f"s3://{BUCKET}/{CAPTURE_PATH}",
    }


#: The names of all of them; which they are does not depend on the seed.
SOURCE_NAMES = tuple(sources(0))


def source_settings(seed: int) -> dict[str, Any]:
    """`LABELHOUSE_SOURCES` of the demo: this account sets no limit to its requests, and two weeks are hundreds."""
    return {name: {"places": [uri], "requests_per_second": 100} for name, uri in sources(seed).items()}
