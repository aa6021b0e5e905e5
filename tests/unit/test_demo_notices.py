"""The demo's topic: what is published to it over HTTP lies in the operators' queue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import boto3

from labelhouse.demo import notices
from labelhouse.demo.account import Account, everything

START = datetime(2026, 3, 4, 9, tzinfo=UTC)


def test_what_is_published_arrives_and_is_forgotten_with_the_account() -> None:
    account = Account(everything(7, START), lambda: START + timedelta(hours=1))
    account.start()
    try:
        assert notices.subjects() == []
        sns = boto3.client(
            "sns",
            endpoint_url=account.endpoint_url,
            region_name="us-east-1",
            aws_access_key_id="demo",
            aws_secret_access_key="demo",
        )
        for subject in ("ALARM: one", "OK: one"):
            sns.publish(TopicArn=notices.TOPIC_ARN, Subject=subject, Message="what and why")
        assert notices.subjects() == notices.subjects() == ["ALARM: one", "OK: one"]
    finally:
        account.stop()
    notices.open_topic()
    assert notices.subjects() == []
    notices.close_topic()
