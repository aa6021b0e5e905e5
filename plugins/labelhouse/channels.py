"""Who is told of alarms, and how: the form of the setting `notifications`. Secrets are in Airflow connections."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sns(_Told):
    """A topic of Amazon SNS; without a connection it is `aws_conn_id`, without a region that of the connection."""

    target_arn: str = Field(pattern=r"^arn:[\w-]+:sns:")
    aws_conn_id: str | None = None
    region_name: str | None = None


class Slack(_Told):
    """A channel of Slack, told by an app: the connection holds its token."""

    channel: str = Field(min_length=1)
    slack_conn_id: str = "slack_api_default"


class SlackWebhook(_Told):
    """An incoming webhook of Slack, which the connection holds."""

    slack_webhook_conn_id: str = "slack_default"


class Smtp(_Told):
    """E-mail; the connection says by which server, and from whom where it is not said here."""

    to: tuple[str, ...] = Field(min_length=1)
    from_email: str | None = None
    smtp_conn_id: str = "smtp_default"


class Apprise(_Told):
    """Whatever Apprise knows; the connection holds the services' URLs."""

    apprise_conn_id: str = "apprise_default"
    tag: str = "all"


class Notifier(_Told):
    """One way to tell people: exactly one of these."""

    sns: Sns | None = None
    slack: Slack | None = None
    slack_webhook: SlackWebhook | None = None
    smtp: Smtp | None = None
    apprise: Apprise | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_kind(cls, value: Any) -> Any:
        if not isinstance(value, dict) or len(value) != 1 or not set(value) <= set(cls.model_fields):
            raise ValueError(f"an object with one key, which is {', '.join(cls.model_fields)}")
        return value

    @property
    def kind(self) -> str:
        """Which of them it is."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)
