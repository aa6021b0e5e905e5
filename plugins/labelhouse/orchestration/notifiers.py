"""Telling people: messages, the providers' own notifiers behind the channels of the settings, failed and late runs.

A message holds names of alarms and DAGs, a sentence and a link; nothing of a worker. Secrets are in Airflow
connections, and what a failing notifier says is not passed on: it may quote an address with its token.
"""

from __future__ import annotations

import html
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import conf
from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowException

from labelhouse.channels import Notifier
from labelhouse.errors import SettingError
from labelhouse.settings import PREFIX, Settings, load_settings

if TYPE_CHECKING:
    from airflow.sdk import BaseNotifier

    from labelhouse.checks.alarms import Change

#: The channel that is told of failed and late runs, and that the shipped alarms name.
OPERATIONS = "operations"
#: An extraction that takes longer than that, its time in the queue included, is late.
LONGEST_EXTRACTION = timedelta(hours=3)
#: The subject of an SNS message has at most so many characters, all of them ASCII.
_SNS_SUBJECT_LENGTH = 100
_PACKAGES = {
    "slack": "apache-airflow-providers-slack",
    "slack_webhook": "apache-airflow-providers-slack",
    "apprise": "apache-airflow-providers-apprise",
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What people are told: a line, and the text below it."""

    subject: str
    text: str


def message_of(change: Change) -> Message:
    """What is told of a change of an alarm's state."""
    before = f" (before: {change.from_state})" if change.from_state else ""
    lines = [
        f"Alarm {change.alarm_name} is in {change.to_state}{before} since {change.changed_at:%Y-%m-%d %H:%M} UTC.",
        change.reason,
        *_link("labelhouse/quality"),
    ]
    return Message(f"{change.to_state}: {change.alarm_name}", "\n".join(lines))


def send(notifier: Notifier, message: Message, settings: Settings, context: Any) -> None:
    """Sends a message by one notifier.

    Raises:
        SettingError: its package is not installed.
        AirflowException: it could not be sent; without the notifier's own words.
    """
    try:
        made = _made(notifier, message, settings)
    except ImportError:
        raise SettingError(
            f"needs the package {_PACKAGES.get(notifier.kind, notifier.kind)}",
            where=f"{PREFIX}NOTIFICATIONS",
            value=notifier.kind,
            allowed="an installation with labelhouse[notifications]",
        ) from None
    try:
        if notifier.apprise:
            _notify_by_apprise(made, context)
        else:
            made.notify(context)  # not called as a callback: that would take the message for a Jinja template
        failure = None
    except Exception as error:
        failure = type(error).__name__
    if failure:  # outside the handler: the log shows no chain of causes
        raise AirflowException(f"{notifier.kind} could not send the message ({failure})")


def tell(channel: str, message: Message, context: Any) -> None:
    """Tells everybody on a channel; who cannot be told is logged and keeps nobody else from being told."""
    settings = load_settings()
    notifiers = settings.notifications.get(channel, ())
    if not notifiers:
        log.warning("The channel %s is not configured, so nobody is told: %s", channel, message.subject)
    for notifier in notifiers:
        try:
            send(notifier, message, settings, context)
        except (AirflowException, SettingError) as error:
            log.error("%s: %s", message.subject, error)


def tell_failed_run(context: Mapping[str, Any]) -> None:
    """Notes a failed run of a DAG for the alarm that counts them, and tells operations. Every DAG's callback."""
    from labelhouse.marts.failed_runs import note_failed_run

    dag_id, run_id = context["dag"].dag_id, context["run_id"]
    try:
        note_failed_run(load_settings().lake.resolve(), dag_id, run_id)
    except OSError as error:
        log.error("The failed run cannot be noted: %s", error.strerror)
    text = [f"Run {run_id} of {dag_id} failed; the last line of its red task says why.", *_run_link(dag_id, run_id)]
    tell(OPERATIONS, Message(f"FAILED: {dag_id}", "\n".join(text)), context)


def tell_late_run(context: Mapping[str, Any]) -> None:
    """Tells operations of a scheduled run that has not ended in time; others take as long as what they were asked."""
    run = context["dag_run"]
    if run["run_type"] != "scheduled":
        return
    dag_id, run_id = run["dag_id"], run["dag_run_id"]
    text = [f"Run {run_id} of {dag_id} has not ended {LONGEST_EXTRACTION} after it was queued."]
    tell(OPERATIONS, Message(f"LATE: {dag_id}", "\n".join([*text, *_run_link(dag_id, run_id)])), context)


#: Airflow's deadline of every extraction. It runs in the executor: the triggerer needs neither our code nor secrets.
#: A source whose runs do not even begin is found by the alarm `late_source`.
EXTRACTION_DEADLINE = DeadlineAlert(
    reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=LONGEST_EXTRACTION, callback=SyncCallback(tell_late_run)
)


def _made(notifier: Notifier, message: Message, settings: Settings) -> BaseNotifier:
    """The provider's notifier; ImportError where it is not installed."""
    if sns := notifier.sns:
        from airflow.providers.amazon.aws.notifications.sns import SnsNotifier

        return SnsNotifier(
            aws_conn_id=sns.aws_conn_id or settings.aws_conn_id,
            target_arn=sns.target_arn,
            region_name=sns.region_name,
            subject=message.subject.encode("ascii", "replace").decode()[:_SNS_SUBJECT_LENGTH],
            message=message.text,
        )
    if slack := notifier.slack:
        from airflow.providers.slack.notifications.slack import SlackNotifier

        text = _as_slack_text(message)
        return SlackNotifier(slack_conn_id=slack.slack_conn_id, channel=slack.channel, text=text, username="labelhouse")
    if webhook := notifier.slack_webhook:
        from airflow.providers.slack.notifications.slack_webhook import SlackWebhookNotifier

        return SlackWebhookNotifier(slack_webhook_conn_id=webhook.slack_webhook_conn_id, text=_as_slack_text(message))
    if smtp := notifier.smtp:
        from airflow.providers.smtp.notifications.smtp import SmtpNotifier

        return SmtpNotifier(
            smtp_conn_id=smtp.smtp_conn_id,
            from_email=smtp.from_email,
            to=list(smtp.to),
            subject=message.subject,
            html_content=f"<p>{html.escape(message.text)}</p>".replace("\n", "</p>\n<p>"),
        )
    assert notifier.apprise
    from airflow.providers.apprise.notifications.apprise import AppriseNotifier

    return AppriseNotifier(
        apprise_conn_id=notifier.apprise.apprise_conn_id,
        tag=notifier.apprise.tag,
        title=message.subject,
        body=message.text,
    )


def _as_slack_text(message: Message) -> str:
    """Slack's own escapes: no text can mention anybody or hide where a link leads."""
    return html.escape(f"{message.subject}\n{message.text}", quote=False)


def _notify_by_apprise(notifier: BaseNotifier, context: Any) -> None:
    """Apprise does not raise when it fails, it warns."""
    from apprise import LogCapture

    with LogCapture(level=logging.WARNING) as warnings:  # type: ignore[no-untyped-call]
        notifier.notify(context)
        if warnings.getvalue():
            raise AirflowException("Apprise warned")


def _link(path: str) -> list[str]:
    base = str(conf.get("api", "base_url", fallback="") or "").rstrip("/")
    return [f"{base}/{path}"] if base else []


def _run_link(dag_id: str, run_id: str) -> list[str]:
    return _link(f"dags/{dag_id}/runs/{run_id}")
