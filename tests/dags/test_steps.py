"""The steps behind the DAGs, without an Airflow around them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowException, AirflowFailException
from moto.server import ThreadedMotoServer

from labelhouse.errors import HeldError, LabelhouseError, LakeError, SettingError, SourceError, SourceUnavailableError
from labelhouse.extraction import LoadSummary
from labelhouse.orchestration.assets import RAW_ASSETS
from labelhouse.orchestration.clients import clients_of
from labelhouse.orchestration.extract import changed_tables, window_of
from labelhouse.orchestration.steps import in_one_sentence
from labelhouse.settings import SourceSettings, load_settings
from labelhouse.sources import Window, all_sources

EMPTY_FORM = {"start": None, "end": None}
#: 08:00 on the second of March is the last hour of the first in UTC; midnight is no midnight there.
TOKYO = timezone(timedelta(hours=9))
TOKYO_MORNING = datetime(2026, 3, 2, 8, tzinfo=TOKYO)
TOKYO_MIDNIGHT = datetime(2026, 3, 2, tzinfo=TOKYO)


def utc(*moment: int) -> datetime:
    return datetime(*moment, tzinfo=UTC)


def run(kind: str, start: datetime | None = None, end: datetime | None = None) -> Any:
    return SimpleNamespace(run_type=kind, data_interval_start=start, data_interval_end=end)


@pytest.mark.parametrize(
    ("dag_run", "form", "window"),
    [
        (run("scheduled", utc(2026, 3, 1, 14), utc(2026, 3, 1, 15)), {}, Window(utc(2026, 3, 1, 12), None)),
        (run("scheduled", utc(2026, 3, 1, 23), utc(2026, 3, 2)), {}, Window(None, None)),
        (run("backfill", utc(2026, 3, 1, 23), utc(2026, 3, 2)), {}, Window(utc(2026, 3, 1, 23), utc(2026, 3, 2))),
        (run("manual"), {}, Window(None, None)),
        (run("manual", utc(2026, 3, 1, 14), utc(2026, 3, 1, 15)), {}, Window(None, None)),
        (run("manual"), {"start": "2026-03-01T00:00:00Z"}, Window(utc(2026, 3, 1), None)),
        (run("manual"), {"end": "2026-03-01T01:00:00+01:00"}, Window(None, utc(2026, 3, 1))),
        (
            run("asset_materialization"),
            {"start": "2026-03-01T00:00:00", "end": "2026-03-02T00:00:00"},
            Window(utc(2026, 3, 1), utc(2026, 3, 2)),
        ),
    ],
    ids=[
        "look-back",
        "once a day",
        "backfill",
        "empty form",
        "form, not interval",
        "start only",
        "end only",
        "no zone",
    ],
)
def test_the_window_of_a_run(dag_run: Any, form: dict[str, str], window: Window) -> None:
    assert window_of(dag_run, EMPTY_FORM | form) == window


@pytest.mark.parametrize(
    ("dag_run", "form", "window"),
    [
        (run("scheduled", utc(2026, 3, 1, 14), utc(2026, 3, 1, 15)), {}, Window(utc(2026, 3, 1, 12), None)),
        (run("scheduled", utc(2026, 3, 1, 23), utc(2026, 3, 2)), {}, Window(utc(2026, 1, 30, 23), None)),
        (run("scheduled", TOKYO_MORNING, TOKYO_MORNING + timedelta(hours=1)), {}, Window(utc(2026, 1, 30, 23), None)),
        (run("scheduled", TOKYO_MIDNIGHT - timedelta(hours=1), TOKYO_MIDNIGHT), {}, Window(utc(2026, 3, 1, 12), None)),
        (run("backfill", utc(2026, 3, 1, 23), utc(2026, 3, 2)), {}, Window(utc(2026, 3, 1, 23), utc(2026, 3, 2))),
        (run("manual", utc(2026, 3, 1, 23), utc(2026, 3, 2)), {}, Window(None, None)),
        (run("manual"), {"start": "2020-01-01T00:00:00Z"}, Window(utc(2020, 1, 1), None)),
    ],
    ids=["hour", "day's last", "day's last, in another zone", "midnight elsewhere", "backfill", "empty form", "form"],
)
def test_the_window_of_a_run_where_deliveries_end_some_time(dag_run: Any, form: dict[str, str], window: Window) -> None:
    assert window_of(dag_run, EMPTY_FORM | form, timedelta(days=30)) == window


OWN = SourceSettings.model_validate({"places": "s3://a", "look_back_hours": 6, "daily_look_back_days": 14})
SINCE_EVER = SourceSettings.model_validate({"places": "s3://a", "daily_look_back_days": None})


@pytest.mark.parametrize(
    ("interval", "own", "start"),
    [
        ((utc(2026, 3, 1, 14), utc(2026, 3, 1, 15)), OWN, utc(2026, 3, 1, 8)),
        ((utc(2026, 3, 1, 23), utc(2026, 3, 2)), OWN, utc(2026, 2, 15, 23)),
        ((utc(2026, 3, 1, 23), utc(2026, 3, 2)), SINCE_EVER, None),
        ((utc(2026, 3, 1, 23, 45), utc(2026, 3, 2)), OWN, utc(2026, 2, 15, 23, 45)),
        ((utc(2026, 3, 2), utc(2026, 3, 2, 0, 15)), OWN, utc(2026, 3, 1, 18)),
        ((utc(2026, 3, 1, 4, 30), utc(2026, 3, 2, 4, 30)), OWN, utc(2026, 2, 15, 4, 30)),
    ],
    ids=["hour", "day's last hour", "since ever", "day's last quarter", "next day's first quarter", "once a day"],
)
def test_the_settings_say_how_far_a_source_looks_back(
    interval: tuple[datetime, datetime], own: SourceSettings, start: datetime | None
) -> None:
    """However often it is read: once a day it looks far back, whenever that is."""
    window = window_of(run("scheduled", *interval), EMPTY_FORM, timedelta(days=30), own)
    assert window == Window(start, None)


def test_sources_say_how_far_back_the_last_run_of_a_day_looks() -> None:
    """CloudTrail tries for thirty days to deliver; what has no such end is looked at from the beginning."""
    days = {name: source.daily_look_back for name, source in all_sources().items()}
    assert (days["cloudtrail"], days["labeling_output"]) == (timedelta(days=30), None)


def test_an_empty_window_is_refused() -> None:
    with pytest.raises(SettingError, match="start: does not lie before the end"):
        window_of(run("manual"), {"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T00:00:00Z"})


def test_a_load_announces_the_tables_that_it_changed() -> None:
    for source in all_sources().values():
        quiet = changed_tables(source.name, LoadSummary(unit_count=1))
        assert set(quiet) == {*source.tables, "ingest_ledger"}
        assert set(changed_tables(source.name, LoadSummary(unit_count=1, records_quarantined=1))) - set(quiet) == {
            "quarantine"
        }
        assert set(quiet) <= set(RAW_ASSETS)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (HeldError("the publication is held at input checks: worker_responses: …"), AirflowFailException),
        (SettingError("unknown setting"), AirflowFailException),
        (SourceError("the bucket does not exist", value="s3://nowhere"), AirflowFailException),
        (SourceUnavailableError("S3 does not answer now"), AirflowException),
        (LakeError("the catalog cannot be opened (database is locked)"), AirflowException),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_an_error_of_the_house_is_one_sentence_and_tried_again_where_that_may_help(
    error: LabelhouseError, failure: type[AirflowException], caplog: pytest.LogCaptureFixture
) -> None:
    @in_one_sentence
    def step() -> None:
        raise error

    with pytest.raises(AirflowException) as raised:
        step()
    assert type(raised.value) is failure
    assert str(raised.value) == str(error)
    assert raised.value.__context__ is None, "no chain of causes in the log"
    assert [record.getMessage() for record in caplog.records] == [str(error)]


def test_any_other_error_is_left_to_airflow() -> None:
    @in_one_sentence
    def step() -> None:
        raise ConnectionResetError("by peer")

    with pytest.raises(ConnectionResetError):
        step()


def test_clients_come_from_the_connection_and_one_serves_a_whole_task(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = {
        "conn_type": "aws",
        "login": "key",
        "password": "secret",
        "extra": {"region_name": "eu-west-1", "endpoint_url": "http://127.0.0.1:5999"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_ELSEWHERE", json.dumps(connection))
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    clients = clients_of(load_settings({}, aws_conn_id="elsewhere"))
    s3 = clients("s3")
    assert s3.meta.endpoint_url == "http://127.0.0.1:5999"
    assert s3.meta.region_name == "eu-west-1"
    assert clients("s3") is s3


def aws(**extra: Any) -> str:
    """An Airflow connection, as `AIRFLOW_CONN_*` holds one."""
    return json.dumps({"conn_type": "aws", "login": "key", "password": "secret", "extra": extra})


def test_every_place_is_read_through_its_own_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", aws(region_name="us-east-1"))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_EU", aws(region_name="eu-west-1", endpoint_url="http://127.0.0.1:5998"))
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    clients = clients_of(load_settings({}))
    made = [clients(name).meta for name in ("logs", "logs@eu-central-1", "logs#aws_eu", "logs@eu-central-1#aws_eu")]
    assert [meta.region_name for meta in made] == ["us-east-1", "eu-central-1", "eu-west-1", "eu-central-1"]
    assert [meta.endpoint_url for meta in made[2:]] == ["http://127.0.0.1:5998"] * 2


def test_a_connection_may_assume_a_role_in_another_account(monkeypatch: pytest.MonkeyPatch) -> None:
    role = "arn:aws:iam::210987654321:role/labelhouse-reader"
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        here = {"endpoint_url": f"http://{host}:{port}"}
        there = aws(region_name="eu-west-1", role_arn=role, service_config={"sts": here}, **here)
        monkeypatch.setenv("AIRFLOW_CONN_AWS_THERE", there)
        monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
        clients = clients_of(load_settings({}))
        caller = clients("sts#aws_there").get_caller_identity()
    finally:
        server.stop()
    assert caller["Account"] == "210987654321"
    assert ":assumed-role/labelhouse-reader/" in caller["Arn"]
