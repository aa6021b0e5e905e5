"""AWS clients for the command line, from boto3's default chain."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def client(name: str) -> Any:
    """A client from boto3's default chain: environment, profile, instance role; `service@region` for another region,
    `service#profile` for the account and role of a profile.
    """
    return _made(name, retries={"mode": "adaptive", "max_attempts": 10}, connect_timeout=10, read_timeout=60)


@cache
def quick_client(name: str) -> Any:
    """As `client`, for somebody who would rather know now: one more try, and no long wait for an answer."""
    return _made(name, retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=20)


def account(profile: str | None) -> str | None:
    """The account of a profile, or of the default chain; None where AWS does not say."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = quick_client(f"sts@us-east-1#{profile}" if profile else "sts@us-east-1").get_caller_identity()
    except (BotoCoreError, ClientError):
        return None
    return str(answer["Account"])


def _made(name: str, **config: Any) -> Any:
    import boto3
    from botocore.config import Config

    from labelhouse.sources.requests import ClientName

    service, region, profile = ClientName.parse(name)
    session = boto3.Session(profile_name=profile) if profile else boto3
    return session.client(service, region_name=region, config=Config(**config))
