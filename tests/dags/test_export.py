"""The task that waits for an export: deferred, found again, given up in the end."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException, TaskDeferred

from labelhouse.errors import SettingError
from labelhouse.orchestration import export as steps
from labelhouse.orchestration.export import ExportLogs, place_of
from labelhouse.settings import load_settings
from served_aws import clients_of, refused

GROUP = "aws/sagemaker/groundtruth/WorkerActivity"
US, EU = f"logs://us-east-1/{GROUP}", f"logs://eu-west-1/{GROUP}"
PLACES = [US, {"uri": EU, "connection": "aws_eu"}, "s3://deliveries/worker-activity"]
FORM = {"start": "2026-01-01T00:00:00Z", "end": None, "place": EU}


class Logs:
    """CloudWatch Logs with one export, whose status at each look the test says.

    Args:
        statuses: of the export from its beginning on, or what CreateExportTask raises.
    """

    def __init__(self, *statuses: str | Exception) -> None:
        self.statuses, self.tasks = list(statuses), list[dict[str, Any]]()
        self.asked: list[str] = []
        self.created: list[dict[str, Any]] = []

    def clients(self, name: str) -> Any:
        self.asked.append(name)
        return clients_of(self.answer)(name.partition("#")[0])

    def answer(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        if operation == "DescribeExportTasks":
            for task in self.tasks if "taskId" in parameters else ():
                task["status"] = {"code": self.statuses.pop(0)}
            return {"exportTasks": self.tasks}
        if isinstance(self.statuses[0], Exception):
            raise self.statuses.pop(0)  # type: ignore[misc]
        self.created.append(parameters)
        self.tasks.append({"taskId": "1", "taskName": parameters["taskName"], "status": {"code": "PENDING"}})
        return {"taskId": "1"}


@pytest.fixture
def operator() -> ExportLogs:
    return ExportLogs(task_id="export", source_name="worker_activity")


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Logs:
    logs = Logs()
    monkeypatch.setenv("LABELHOUSE_SOURCES", json.dumps({"worker_activity": PLACES}))
    monkeypatch.setenv("LABELHOUSE_LOG_EXPORT_URI", "s3://exports/logs")
    monkeypatch.setattr(steps, "clients_of", lambda settings: logs.clients)
    return logs


def context(**form: Any) -> Any:
    run = SimpleNamespace(run_id="manual__1", run_after=datetime(2026, 2, 1, tzinfo=UTC))
    return {"params": FORM | form, "dag_run": run}


def until_done(operator: ExportLogs, most: int = 10) -> tuple[Any, list[dict[str, Any]]]:
    """What the task returns in the end, and what it handed to the triggerer each time."""
    handed: list[dict[str, Any]] = []
    method = "execute"
    for _ in range(most):
        deferred = None
        try:
            arguments = handed[-1] | {"event": "the time"} if handed else {}
            return operator.resume_execution(method, arguments, context()), handed
        except TaskDeferred as waiting:
            deferred = waiting
        method = deferred.method_name
        handed.append(json.loads(json.dumps(deferred.kwargs)))
        waits_until = deferred.trigger.serialize()[1]["moment"]
        assert timedelta() < waits_until - datetime.now(UTC) <= operator.LOOK_AGAIN
    raise AssertionError("it never ends")


def test_it_waits_without_a_worker_and_says_where_the_export_lies(operator: ExportLogs, logs: Logs) -> None:
    busy = refused("LimitExceededException")
    logs.statuses = [busy, busy, "PENDING", "RUNNING", "COMPLETED"]
    place, deferrals = until_done(operator)
    assert [each["export_id"] for each in deferrals] == [None, None, "1", "1"]
    (created,) = logs.created
    assert place == {"uri": f"s3://exports/{created['destinationPrefix']}", "connection": "aws_eu"}
    assert created["logGroupName"] == f"/{GROUP}"
    assert (created["fromTime"], created["to"]) == (1767225600000, 1769903999999), "until the run was asked for"
    assert set(logs.asked) == {"logs@eu-west-1#aws_eu"}


def test_an_attempt_after_one_that_died_goes_on_with_its_export(operator: ExportLogs, logs: Logs) -> None:
    logs.statuses = ["RUNNING", "RUNNING", "COMPLETED"]
    with pytest.raises(TaskDeferred):
        operator.execute(context())
    _, deferrals = until_done(operator)
    assert (len(logs.created), len(deferrals)) == (1, 1)


@pytest.mark.parametrize(
    ("statuses", "failure", "words"),
    [
        (["FAILED"], AirflowFailException, "not completed"),
        ([refused("InvalidParameterException", 400, "no policy")], AirflowFailException, "no policy"),
        ([refused("ThrottlingException")], AirflowException, "Throttling"),
    ],
    ids=["export failed", "refused", "throttled"],
)
def test_it_fails_in_one_sentence_and_for_good_where_another_try_is_no_use(
    operator: ExportLogs, logs: Logs, statuses: list[Any], failure: type[Exception], words: str
) -> None:
    logs.statuses = statuses
    with pytest.raises(AirflowException, match=words) as raised:
        operator.execute(context())
    assert type(raised.value) is failure


@pytest.mark.parametrize(("status", "words"), [("RUNNING", "not complete"), ("", "another export.*does not end")])
def test_it_gives_up_after_a_day(operator: ExportLogs, logs: Logs, status: str, words: str) -> None:
    logs.statuses = [status] if status else [refused("LimitExceededException")]
    long_ago = (datetime.now(UTC) - operator.LONGEST_WAIT - timedelta(minutes=1)).isoformat()
    with pytest.raises(AirflowFailException, match=f"{words} after 1 day"):
        operator.look_again(context(), since=long_ago)


def test_a_form_without_a_start_is_one_sentence(operator: ExportLogs, logs: Logs) -> None:
    with pytest.raises(AirflowFailException, match="start: is missing"):
        operator.execute(context(start=None))


def test_only_log_groups_of_the_settings_are_exported() -> None:
    """The form points at no other account: a place has the connection that an admin gave it."""
    settings = load_settings({}, sources={"worker_activity": PLACES, "labeling_jobs": "sagemaker://us-east-1"})
    assert place_of(settings, "worker_activity", EU).connection == "aws_eu"
    for wanted in (None, "", "logs://us-east-1/other", "s3://deliveries/worker-activity"):
        with pytest.raises(SettingError, match=f"place: names no single log group.*{US}, {EU}"):
            place_of(settings, "worker_activity", wanted)
    with pytest.raises(SettingError, match="a logs:// place of labeling_jobs in LABELHOUSE_SOURCES"):
        place_of(settings, "labeling_jobs", None)
    single = load_settings({}, sources={"worker_activity": [US, "s3://deliveries"]})
    assert place_of(single, "worker_activity", None).uri == US


def test_no_form_says_where_logs_go(operator: ExportLogs, logs: Logs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELHOUSE_LOG_EXPORT_URI", "")
    with pytest.raises((AirflowException, SettingError), match="LABELHOUSE_LOG_EXPORT_URI: is missing"):
        operator.execute(context(bucket="s3://elsewhere/x"))
    assert not logs.created
