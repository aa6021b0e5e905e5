"""Telling people of alarms, failed and late runs: the providers' own notifiers, and the DAG around them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
import structlog
from airflow.sdk.exceptions import AirflowException, AirflowSkipException
from airflow.sdk.execution_time.callback_supervisor import execute_callback
from moto.server import ThreadedMotoServer

from labelhouse.channels import Notifier
from labelhouse.checks.alarms import Action, Change, evaluate_alarms, note_outcome, recent_changes
from labelhouse.errors import SettingError
from labelhouse.lake.alarm_history import AlarmHistory
from labelhouse.lake.catalog import Lake
from labelhouse.marts.failed_runs import failed_runs
from labelhouse.orchestration import alarms as steps
from labelhouse.orchestration import notifiers
from labelhouse.orchestration.notifiers import Message, message_of, send, tell
from labelhouse.settings import Settings, load_settings
from labelhouse.sources import all_sources

TOKEN = "T000/B000/not-for-any-log"
MESSAGE = Message("ALARM: late_source", "Nothing came. {{ 7 * 7 }} <!channel> & so on")


class Receiver(ThreadingHTTPServer):
    """A server on the loopback that keeps what it is sent, and answers with `status`."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Keeping)
        self.received: list[tuple[str, Any]] = []
        self.status = 200
        self.url = f"http://127.0.0.1:{self.server_port}"


class Keeping(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, json.loads(body)))
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(b'{"ok": true}' if "chat" in self.path else b"ok")

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with Receiver() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        webhook = {"conn_type": "slackwebhook", "host": server.url, "password": TOKEN}
        api = {"conn_type": "slack", "password": "xoxb-token", "extra": {"base_url": server.url + "/"}}
        path = server.url.replace("http", "json") + "/hook"
        apprise = {"conn_type": "apprise", "extra": {"config": {"path": path, "tag": "all"}}}
        for name, connection in (("SLACK_DEFAULT", webhook), ("SLACK_API_DEFAULT", api), ("APPRISE_DEFAULT", apprise)):
            monkeypatch.setenv(f"AIRFLOW_CONN_{name}", json.dumps(connection))
        yield server
        server.shutdown()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    channel = [{"slack_webhook": {}}, {"apprise": {}}]
    monkeypatch.setenv("LABELHOUSE_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("LABELHOUSE_NOTIFICATIONS", json.dumps({"operations": channel}))
    return load_settings()


def notifier(kind: str, **arguments: Any) -> Notifier:
    return Notifier.model_validate({kind: arguments})


def test_sns_is_told_through_the_connection(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "eu-west-1"}
        sns, sqs = (boto3.client(name, endpoint_url=endpoint, **keys) for name in ("sns", "sqs"))
        topic = sns.create_topic(Name="alarms")["TopicArn"]
        queue = sqs.create_queue(QueueName="alarms")["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
        connection = {"conn_type": "aws", "login": "a", "password": "b"}
        extra = {"region_name": "eu-west-1", "endpoint_url": endpoint}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection | {"extra": extra}))
        send(notifier("sns", target_arn=topic), Message("ALARM: Überlauf" + "x" * 100, "Text."), settings, {})
        [message] = sqs.receive_message(QueueUrl=queue)["Messages"]
    finally:
        server.stop()
    told = json.loads(message["Body"])
    assert told["Message"] == "Text."
    assert told["Subject"].startswith("ALARM: ?berlauf")
    assert len(told["Subject"]) == 100


def test_slack_is_told_by_webhook_or_app_and_nobody_can_be_mentioned(settings: Settings, receiver: Receiver) -> None:
    send(notifier("slack_webhook"), MESSAGE, settings, {})
    send(notifier("slack", channel="#labels"), MESSAGE, settings, {})
    (path, webhook), (_, app) = receiver.received
    text = "ALARM: late_source\nNothing came. {{ 7 * 7 }} &lt;!channel&gt; &amp; so on"
    assert path == f"/{TOKEN}"
    assert webhook["text"] == text
    assert (app["channel"], app["text"]) == ("#labels", text)


def test_apprise_is_told(settings: Settings, receiver: Receiver) -> None:
    send(notifier("apprise"), MESSAGE, settings, {})
    [(_, told)] = receiver.received
    assert (told["title"], told["message"]) == (MESSAGE.subject, MESSAGE.text)


def test_an_email_has_the_text_escaped(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from airflow.providers.smtp.notifications.smtp import SmtpNotifier

    sent: list[SmtpNotifier] = []
    monkeypatch.setattr(SmtpNotifier, "notify", lambda self, context: sent.append(self))
    send(notifier("smtp", to=["ops@example.org"]), MESSAGE, settings, {})
    [mail] = sent
    assert (mail.to, mail.subject) == (["ops@example.org"], MESSAGE.subject)
    assert mail.html_content == "<p>Nothing came. {{ 7 * 7 }} &lt;!channel&gt; &amp; so on</p>"


@pytest.mark.parametrize("kind", ["slack_webhook", "apprise"])
def test_a_notifier_that_fails_says_so_without_its_secrets(settings: Settings, receiver: Receiver, kind: str) -> None:
    receiver.status = 500
    with pytest.raises(AirflowException) as failed:
        send(notifier(kind), MESSAGE, settings, {})
    assert str(failed.value).startswith(f"{kind} could not send the message")
    assert TOKEN not in str(failed.value)
    assert (failed.value.__cause__, failed.value.__context__) == (None, None), "its own words are not in the log"


def test_a_package_that_is_not_installed_is_named(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "airflow.providers.slack.notifications.slack_webhook", None)
    with pytest.raises(SettingError) as refused:
        send(notifier("slack_webhook"), MESSAGE, settings, {})
    assert str(refused.value) == (
        "LABELHOUSE_NOTIFICATIONS: needs the package apache-airflow-providers-slack: 'slack_webhook' "
        "(allowed: an installation with labelhouse[notifications])"
    )


def test_who_cannot_be_told_keeps_nobody_else_from_being_told(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SLACK_DEFAULT", json.dumps({"conn_type": "slackwebhook", "host": "no://where"}))
    tell("operations", MESSAGE, {})
    assert [told["title"] for _, told in receiver.received] == [MESSAGE.subject]
    assert "slack_webhook could not send the message" in caplog.text
    tell("nobody", MESSAGE, {})
    assert "The channel nobody is not configured" in caplog.text


def test_a_failed_run_is_noted_and_told(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/")
    notifiers.tell_failed_run({"dag": SimpleNamespace(dag_id="build_marts"), "run_id": "manual__1"})
    [run] = failed_runs(settings.lake)
    assert (run.dag_id, run.run_id) == ("build_marts", "manual__1")
    assert len(receiver.received) == 2
    told = receiver.received[1][1]
    assert told["title"] == "FAILED: build_marts"
    assert told["message"].endswith("https://airflow.example.org/dags/build_marts/runs/manual__1")


@pytest.mark.parametrize(("run_type", "count"), [("scheduled", 2), ("manual", 0), ("backfill", 0)])
def test_only_a_scheduled_run_can_be_late(settings: Settings, receiver: Receiver, run_type: str, count: int) -> None:
    run = {"dag_id": "extract_workers", "dag_run_id": "scheduled__1", "run_type": run_type}
    notifiers.tell_late_run({"dag_run": run})
    assert len(receiver.received) == count


def test_the_deadline_calls_what_tells_of_it(settings: Settings, receiver: Receiver) -> None:
    """As Airflow's executor calls it, with the run as the REST API describes it."""
    callback = notifiers.EXTRACTION_DEADLINE.callback
    run = {"dag_id": "extract_workers", "dag_run_id": "scheduled__1", "run_type": "scheduled"}
    arguments = {"callback_kwargs": callback.kwargs | {"context": {"dag_run": run}}, "log": structlog.get_logger()}
    assert execute_callback(callback.path, dag_rel_path=Path(), bundle_path=None, **arguments) == (True, None)
    assert [told["title"] for _, told in receiver.received if "title" in told] == ["LATE: extract_workers"]


# -- the steps of the DAG ---------------------------------------------------------------------------------------------

CHANGED_AT = datetime.now(UTC).replace(microsecond=123456)
CHANGE = Change(
    alarm_name="late_source.cloudtrail",
    changed_at=CHANGED_AT,
    from_state="OK",
    to_state="ALARM",
    reason="1 of 1 datapoint was above 72.",
    datapoints=(),
    actions=(
        Action("waiting", channel="operations", notifier="slack_webhook", number=0),
        Action("waiting", channel="operations", notifier="apprise", number=1),
        Action("waiting", channel="operations", notifier="sns", number=2),
        Action("waiting", dag_id="build_marts"),
    ),
)


@pytest.fixture
def waiting(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[str]]:
    """A lake with `CHANGE`; the function sets the attempt that the task is at, and says the outcomes so far."""
    AlarmHistory(Lake(settings)).store([CHANGE.as_row()])
    ti = SimpleNamespace(try_number=1, max_tries=4, get_dr_count=lambda **_: 1)
    monkeypatch.setattr(steps, "get_current_context", lambda: {"ti": ti})

    def outcomes(try_number: int = 1) -> list[str]:
        ti.try_number = try_number
        [change] = recent_changes(settings)
        return [action.outcome for action in change.actions]

    return outcomes


def told(number: int) -> Any:
    return steps.tell.function(CHANGE.alarm_name, CHANGED_AT.isoformat(), number)


def test_a_message_is_sent_once_and_noted(waiting: Callable[..., list[str]], receiver: Receiver) -> None:
    told(0)
    assert waiting() == ["told", "waiting", "waiting", "waiting"]
    with pytest.raises(AirflowSkipException):
        told(0)
    [(_, message)] = receiver.received
    since = f"{CHANGED_AT:%Y-%m-%d %H:%M} UTC"
    assert message["text"].splitlines()[1:3] == [
        f"Alarm late_source.cloudtrail is in ALARM (before: OK) since {since}.",
        "1 of 1 datapoint was above 72.",
    ]


def test_a_notifier_that_refuses_is_tried_again_and_then_noted_as_failed(
    waiting: Callable[..., list[str]], receiver: Receiver
) -> None:
    receiver.status = 500
    waiting(try_number=4)
    with pytest.raises(AirflowException):
        told(0)
    assert waiting(try_number=5) == ["waiting"] * 4
    with pytest.raises(AirflowException):
        told(0)
    assert waiting() == ["failed", "waiting", "waiting", "waiting"]
    receiver.status = 200
    told(0)
    assert waiting()[0] == "told", "the task was cleared"


def test_a_notifier_that_the_settings_have_lost_is_noted(waiting: Callable[..., list[str]], receiver: Receiver) -> None:
    with pytest.raises(AirflowSkipException):
        told(2)
    assert waiting()[2] == "not configured"


def test_a_dag_is_started_under_an_id_of_its_change(waiting: Callable[..., list[str]], settings: Settings) -> None:
    [start] = steps.dags_to_start.function()
    assert start == {
        "trigger_dag_id": "build_marts",
        "trigger_run_id": f"alarm__late_source.cloudtrail__{CHANGED_AT.isoformat()}",
        "conf": {"alarm_name": CHANGE.alarm_name, "state": "ALARM", "reason": CHANGE.reason},
    }
    steps.note_starts.function([start])
    assert waiting()[3] == "started"
    with pytest.raises(AirflowSkipException):
        steps.dags_to_start.function()


def test_an_evaluation_hands_on_what_waits_and_skips_when_nothing_does(
    waiting: Callable[..., list[str]], settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(
        "labelhouse.checks.alarms.evaluate_alarms",
        lambda settings: evaluate_alarms(settings, expectations_dir=tmp_path),
    )
    handed = [{"alarm_name": CHANGE.alarm_name, "changed_at": CHANGED_AT.isoformat(), "number": n} for n in range(3)]
    assert steps.evaluate.function() == handed
    for number in range(4):
        note_outcome(settings, CHANGE.alarm_name, CHANGED_AT, number, "told")
    with pytest.raises(AirflowSkipException):
        steps.evaluate.function()


def test_a_message_holds_names_a_state_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example.org/team")
    message = message_of(CHANGE)
    assert message.subject == "ALARM: late_source.cloudtrail"
    assert message.text.splitlines()[2] == "https://airflow.example.org/team/labelhouse/quality"


# -- the DAG files ----------------------------------------------------------------------------------------------------


def test_alarms_are_evaluated_every_ten_minutes_one_run_at_a_time(dags: dict[str, Any]) -> None:
    dag = dags["evaluate_alarms"]
    assert (dag["timetable"], dag["cron"]) == ("CronTriggerTimetable", "*/10 * * * *")
    assert (dag["catchup"], dag["max_active_runs"]) == (False, 1)
    assert {task: facts["downstream"] for task, facts in dag["tasks"].items()} == {
        "evaluate": ["dags_to_start", "tell"],
        "tell": [],
        "dags_to_start": ["note_starts", "start_dag"],
        "start_dag": ["note_starts"],
        "note_starts": [],
    }
    assert [task for task, facts in dag["tasks"].items() if facts["is_mapped"]] == ["tell", "start_dag"]


@pytest.mark.parametrize(
    ("schedule", "expected"), [("0 6 * * *", "0 6 * * *"), ("", None), ("often", "*/10 * * * *")], ids=str
)
def test_the_settings_say_when_alarms_are_evaluated(
    schedule: str, expected: str | None, run_python: Callable[..., Any]
) -> None:
    found = run_python(Path(__file__).with_name("describe_dags.py"), LABELHOUSE_ALARM_SCHEDULE=schedule)
    assert found["evaluate_alarms"]["cron"] == expected


def test_every_dag_tells_of_failed_runs_and_every_extraction_of_late_ones(dags: dict[str, Any]) -> None:
    for dag_id, dag in dags.items():
        assert dag["callbacks"] == ["tell_failed_run"], dag_id
    late = ["3:00:00", "labelhouse.orchestration.notifiers.tell_late_run"]
    for name in all_sources():
        assert dags[f"extract_{name}"]["deadlines"] == [late]
