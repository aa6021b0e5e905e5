"""A lake to write to, and a bucket that trails are delivered to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from labelhouse.lake.catalog import Lake
from labelhouse.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)


@pytest.fixture
def lake(settings: Settings) -> Lake:
    return Lake(settings)


@pytest.fixture(scope="module")
def simulated() -> Iterator[Any]:
    """A client of a simulated S3."""
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")


@pytest.fixture
def s3(simulated: Any) -> Iterator[Any]:
    """That client, while there is a bucket `trails`."""
    simulated.create_bucket(Bucket="trails")
    yield simulated
    for page in simulated.get_paginator("list_objects_v2").paginate(Bucket="trails"):
        for found in page.get("Contents", ()):
            simulated.delete_object(Bucket="trails", Key=found["Key"])
    simulated.delete_bucket(Bucket="trails")
