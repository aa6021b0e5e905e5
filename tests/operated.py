"""Rows of an account that operates models: metrics of CloudWatch, endpoints, predictions, and the loads of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from build_files import Delivery

LIVE = {"EndpointName": "live", "VariantName": "a"}


@dataclass
class Operated(Delivery):
    """A delivery with the tables of operations; every row is a unit of its own unless it names one."""

    def metric(
        self,
        name: str,
        period_at: datetime,
        value: float,
        dimensions: Mapping[str, str] = LIVE,
        *,
        statistic: str = "Average",
        period: int = 60,
        namespace: str = "AWS/SageMaker",
        **columns: Any,
    ) -> None:
        """A value of one statistic in one period."""
        number = next(self.event_numbers)
        row = {
            "unit_uri": f"cloudwatch://eu-west-1/{namespace}/{period_at:%Y-%m-%dT%HZ}/{period}",
            "position": str(number),
            "event_at": period_at,
            "account_id": "111122223333",
            "aws_region": "eu-west-1",
            "namespace": namespace,
            "metric_name": name,
            "dimensions": dict(dimensions),
            "series_key": ",".join(f"{key}={dimensions[key]}" for key in sorted(dimensions)),
            "statistic": statistic,
            "period_seconds": period,
            "period_at": period_at,
            "metric_value": value,
        }
        self._add("cloudwatch_metrics", row | columns)

    def utilization(self, name: str, period_at: datetime, value: float, **dimensions: str) -> None:
        """A minute's utilisation of an instance (`Host`), or of the endpoint."""
        kind = "TrainingJobs" if dimensions else "Endpoints"
        self.metric(name, period_at, value, dimensions or LIVE, namespace=f"/aws/sagemaker/{kind}")

    def endpoint(self, day: datetime, instance_type: str, **columns: Any) -> None:
        """The variant of the endpoint as it is described on a UTC day."""
        row = {
            "unit_uri": f"sagemaker://eu-west-1/endpoint/live/{day:%Y-%m-%d}",
            "position": "0",
            "event_at": day,
            "endpoint_name": "live",
            "variant_name": "a",
            "account_id": "111122223333",
            "aws_region": "eu-west-1",
            "status": "InService",
            "instance_type": instance_type,
            "instance_count": 2,
        }
        self._add("endpoint_variants", row | columns)

    def training_job(self, name: str, created_at: datetime, instance_type: str, **columns: Any) -> None:
        """A training job of two instances as SageMaker describes it."""
        row = {
            "unit_uri": f"sagemaker://eu-west-1/training-job/{name}",
            "position": "0",
            "event_at": created_at,
            "training_job_name": name,
            "account_id": "111122223333",
            "aws_region": "eu-west-1",
            "status": "Completed",
            "created_at": created_at,
            "last_modified_at": created_at,
            "instance_type": instance_type,
            "instance_count": 2,
        }
        self._add("training_jobs", row | columns)

    def prediction(self, event_at: datetime, label: str | None = None, **columns: Any) -> None:
        """A prediction in a call of its own, in the captured file of its hour."""
        number = next(self.event_numbers)
        row = {
            "unit_uri": f"s3://bucket/capture/live/a/{event_at:%Y/%m/%d/%H}/calls.jsonl",
            "position": str(number),
            "event_at": event_at,
            "event_id": f"call-{number:06}",
            "prediction_index": 0,
            "endpoint_name": "live",
            "variant_name": "a",
            "prediction_label": label,
        }
        self._add("model_predictions", row | columns)

    def load(self, source_name: str, unit_uri: str, loaded_at: datetime, version: str = "v1") -> None:
        """A load of a unit; rows are of the version `v1` and loaded on 1 April 2024 unless they say otherwise."""
        row = {
            "source_name": source_name,
            "unit_uri": unit_uri,
            "unit_version": version,
            "unit_at": datetime(2024, 3, 31, tzinfo=UTC),
            "sha256": "",
            "size_bytes": 0,
            **dict.fromkeys(("read", "loaded", "duplicate", "quarantined", "filtered"), 0),
        }
        counts = {
            f"records_{name}": row.pop(name) for name in ("read", "loaded", "duplicate", "quarantined", "filtered")
        }
        self.rows["ingest_ledger"].append(row | counts | {"event_dates": [], "loaded_at": loaded_at})
