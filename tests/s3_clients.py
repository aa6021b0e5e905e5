"""Clients of a simulated S3, as the pipeline asks for them."""

from __future__ import annotations

from typing import Any

import boto3
from botocore.config import Config

from labelhouse.sources import Clients


def client_of(endpoint: str, **config: Any) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, **config),
    )


def only(client: Any) -> Clients:
    return {"s3": client}.__getitem__
