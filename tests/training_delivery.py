"""Rows of trainings and endpoints for build files: jobs, trial components, lines of logs and variants."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from build_files import Delivery

ACCOUNT_ID, REGION = "111122223333", "eu-west-1"
PLACE = f"{ACCOUNT_ID}/{REGION}"


@dataclass
class TrainingDelivery(Delivery):
    """A delivery that trains as well."""

    def training_job(
        self, name: str, created_at: datetime, seconds: int | None = 3600, *, status: str = "Completed", **columns: Any
    ) -> None:
        """A training job that waits for a minute and then trains so long on one `ml.m5.xlarge`."""
        started_at = created_at + timedelta(minutes=1)
        ended_at = None if seconds is None else started_at + timedelta(seconds=seconds)
        row = {
            "unit_uri": f"sagemaker://{REGION}/training-job/{name}",
            "position": "0",
            "event_at": created_at,
            "training_job_name": name,
            "account_id": ACCOUNT_ID,
            "aws_region": REGION,
            "status": status,
            "created_at": created_at,
            "training_started_at": started_at,
            "training_ended_at": ended_at,
            "last_modified_at": ended_at or created_at,
            "training_seconds": seconds,
            "billable_seconds": seconds,
            "instance_type": "ml.m5.xlarge",
            "instance_count": 1,
            "is_spot": False,
        }
        self._add("training_jobs", row | columns)

    def final_metric(self, job: str, metric: str, value: float | None, metric_at: datetime) -> None:
        """A final metric of a training job."""
        row = {
            "unit_uri": f"sagemaker://{REGION}/training-job/{job}",
            "position": metric,
            "event_at": metric_at,
            "training_job_name": job,
            "metric_name": metric,
            "metric_value": value,
            "value_flag": "nan" if value is None else None,
            "metric_at": metric_at,
        }
        self._add("training_job_metrics", row)

    def component(self, name: str, created_at: datetime, **columns: Any) -> None:
        """A trial component as SageMaker describes it."""
        row = {
            "unit_uri": f"sagemaker://{REGION}/trial-component/{name}",
            "position": "0",
            "event_at": created_at,
            "trial_component_name": name,
            "account_id": ACCOUNT_ID,
            "aws_region": REGION,
            "created_at": created_at,
            "last_modified_at": created_at,
        }
        self._add("trial_components", row | columns)

    def line(self, job: str, metric: str, step: int | None, value: float, line_at: datetime, **columns: Any) -> None:
        """A value that a line of a job's log gives to a metric."""
        number = next(self.event_numbers)
        row = {
            "unit_uri": f"logs://{REGION}/aws/sagemaker/TrainingJobs/{line_at:%Y-%m-%dT%HZ}",
            "position": str(number),
            "event_at": line_at,
            "log_event_id": f"line-{number:06}",
            "training_job_name": job,
            "metric_name": metric,
            "metric_value": value,
            "step": step,
            "step_name": None if step is None else "step",
            "metric_at": line_at,
            "definition": "job",
        }
        self._add("training_log_metrics", row | columns)

    def variant(self, endpoint: str, described_at: datetime, created_at: datetime, **columns: Any) -> None:
        """A variant of an endpoint on two instances, as described on a UTC day."""
        row = {
            "unit_uri": f"sagemaker://{REGION}/endpoint/{endpoint}/{described_at:%Y-%m-%d}",
            "position": str(columns.get("variant_name", "AllTraffic")),
            "event_at": described_at,
            "endpoint_name": endpoint,
            "account_id": ACCOUNT_ID,
            "aws_region": REGION,
            "status": "InService",
            "variant_name": "AllTraffic",
            "instance_type": "ml.c5.large",
            "instance_count": 2,
            "is_serverless": False,
            "created_at": created_at,
        }
        self._add("endpoint_variants", row | columns)


def channels(**uris: str) -> str:
    """Input channels as the raw table keeps them."""
    return json.dumps([{"name": name, "uri": uri} for name, uri in uris.items()])


def utc(month: int, day: int, hours: float = 0) -> datetime:
    """A time of the year that the tests play in."""
    return datetime(2026, month, day, tzinfo=UTC) + timedelta(hours=hours)
