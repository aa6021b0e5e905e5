"""What the account's operators are told: an SNS topic, and the queue of theirs that keeps what it was sent."""

from __future__ import annotations

import json

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.sns.models import SNSBackend, sns_backends
from moto.sqs.models import SQSBackend, sqs_backends

from labelhouse.demo.cloudtrail import ACCOUNT_ID
from labelhouse.demo.people import REGION

NAME = "labelhouse-operations"
TOPIC_ARN = f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:{NAME}"
#: `LABELHOUSE_NOTIFICATIONS` of the demo.
NOTIFICATIONS = {"operations": [{"sns": {"target_arn": TOPIC_ARN}}]}


def open_topic() -> None:
    """Makes the topic, and the queue that is subscribed to it."""
    topic = _sns().create_topic(NAME)
    assert topic.arn == TOPIC_ARN
    _sns().subscribe(topic.arn, _sqs().create_queue(NAME).queue_arn, "sqs")


def close_topic() -> None:
    """Forgets both, with all that was sent."""
    _sns().reset()
    _sqs().reset()


def subjects() -> list[str]:
    """The subjects of all that was sent, oldest first; looking takes nothing out of the queue."""
    return [json.loads(message.body)["Subject"] for message in _sqs().get_queue(NAME).messages]


def _sns() -> SNSBackend:
    return sns_backends[DEFAULT_ACCOUNT_ID][REGION]


def _sqs() -> SQSBackend:
    return sqs_backends[DEFAULT_ACCOUNT_ID][REGION]
