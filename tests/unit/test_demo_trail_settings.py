"""What the doctor finds out about the demo's trail, which is gone with its account."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from moto.cloudtrail.models import cloudtrail_backends
from moto.core.models import DEFAULT_ACCOUNT_ID

from labelhouse.demo.account import Account, everything
from labelhouse.demo.people import REGION
from labelhouse.demo.places import sources
from labelhouse.demo.trail_settings import NAME
from labelhouse.doctor.examine import examine
from labelhouse.settings import load_settings


def test_it_logs_what_is_read_and_signs_nothing() -> None:
    now = datetime.now(UTC)
    account = Account(everything(7, now - timedelta(hours=3)), lambda: now)
    account.start()

    def client(service: str) -> Any:
        keys = {"aws_access_key_id": "demo", "aws_secret_access_key": "demo"}
        return boto3.client(service.partition("@")[0], region_name=REGION, endpoint_url=account.endpoint_url, **keys)

    try:
        settings = load_settings({}, sources={"cloudtrail": sources(7)["cloudtrail"]})
        found = [(str(each.state), each.what) for each in examine(settings.sources, client)]
        described = client("cloudtrail").describe_trails()["trailList"]
    finally:
        account.stop()
    assert found == [("note", f"the trail {NAME} is without log file validation")]
    assert [each["Name"] for each in described] == [NAME]
    assert not cloudtrail_backends[DEFAULT_ACCOUNT_ID][REGION].trails
