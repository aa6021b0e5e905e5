"""What a record of the worker activity log becomes."""

from __future__ import annotations

import json
import locale
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activity_units import IDENTITIES, PSEUDONYM, SUB, SUBMITTED_AT, Json, at, export, many, parse, record
from labelhouse.identities import Identities
from labelhouse.sources.activity.times import epoch, java_date, task_time

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(**changes: Any) -> Json:
    [found] = parse(export(record(**changes))).rows
    return found


def test_a_record_of_the_documentation() -> None:
    found = row()
    assert len(bytes.fromhex(found.pop("activity_id"))) == 16
    assert {name: value for name, value in found.items() if name not in {"logged_at", "log_stream_name"}} == {
        "position": "0",
        "event_at": SUBMITTED_AT,
        "event_type": "TasksSubmitted",
        "worker_id": "cd449a289e129409",
        "worker_pseudonym": PSEUDONYM,
        "user_pool_id": "us-east-2_IpicJXXXX",
        "accepted_at": SUBMITTED_AT - timedelta(seconds=5),
        "submitted_at": SUBMITTED_AT,
        "returned_at": None,
        "declined_at": None,
        "workteam_arn": "arn:aws:sagemaker:us-east-2:111122223333:workteam/private-crowd/Sample-labeling-team",
        "workteam_name": "Sample-labeling-team",
        "labeling_job_arn": "arn:aws:sagemaker:us-east-2:111122223333:labeling-job/metrics-demo",
        "labeling_job_name": "metrics-demo",
        "account_id": "011122223333",
        "aws_region": "us-east-2",
        "job_reference_code": "111122223333",
        "job_type": "Private",
        "cloudwatch_event_id": None,
        "time_flag": None,
        "other_json": None,
    }


@pytest.mark.parametrize("event_type", ["TasksAccepted", "TasksReturned", "TasksDeclined", "TasksSoldOnTheMoon"])
def test_any_type_of_event_is_kept(event_type: str) -> None:
    assert row(event_type=event_type)["event_type"] == event_type


def test_a_record_of_2019_knows_no_declining() -> None:
    assert row(task_declined_time=...)["declined_at"] is None
    assert row(task_declined_time=...)["activity_id"] == row()["activity_id"]


def test_an_account_keeps_its_leading_zeros() -> None:
    assert row(work_requester_account_id="000000000042")["account_id"] == "000000000042"


@pytest.mark.parametrize(("given", "kept"), [("private.us-east-2.a1", "a1"), ("a1", "a1"), ("private.", "private.")])
def test_a_worker_is_called_as_answers_call_him(given: str, kept: str) -> None:
    assert row(worker_id=given)["worker_id"] == kept


def test_unknown_fields_are_kept_without_identities() -> None:
    found = row(tool={"version": 3, "opened_by": SUB, "asks": "ada@example.com", "email": "x"})
    kept = json.loads(found["other_json"])
    assert kept == {
        "tool": {
            "version": 3,
            "opened_by": PSEUDONYM,
            "asks": IDENTITIES.pseudonym("ada@example.com"),
            "email": IDENTITIES.pseudonym("x"),
        }
    }
    assert found["event_type"] == "TasksSubmitted"


def test_unknown_fields_are_read_as_columns_too() -> None:
    rows = parse(export(*many(100, tool={"version": 3}))).rows
    assert {each["other_json"] for each in rows} == {'{"tool":{"version":3}}'}


def test_a_sub_among_the_what_is_replaced_however_many_there_are() -> None:
    job = f"arn:aws:sagemaker:us-east-2:111122223333:labeling-job/of-{SUB}"
    rows = parse(
        export(*(at(SUBMITTED_AT + timedelta(seconds=second), labeling_job_arn=job) for second in range(100)))
    ).rows
    assert {each["labeling_job_name"] for each in rows} == {f"of-{PSEUDONYM}"}


# --- what a record is called by


def test_a_record_logged_twice_has_one_id_and_every_other_record_another() -> None:
    changes: list[Json] = [{}] + [{name: "Wed Aug 14 16:00:58 UTC 2019"} for name in record() if name.endswith("_time")]
    changes += [{name: "something else"} for name in record() if "time" not in name and name != "worker_id"]
    changes += [{"worker_id": "b"}, {"event_timestamp": "1565798465"}, {"more": 1}, {"more": "1"}]
    first, second = ([row(**change)["activity_id"] for change in changes] for _ in range(2))
    assert first == second
    assert len({*first}) == len(changes)


def test_an_id_tells_nobody_without_the_key_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the sub is in the lake in clear: an id that hashed the sub itself could be found by trying."""
    mine, nobodys = row()["activity_id"], row(cognito_sub_id=...)["activity_id"]
    monkeypatch.setattr("activity_units.IDENTITIES", Identities("another key, as long as the first one"))
    assert row()["activity_id"] != mine
    assert row(cognito_sub_id=...)["activity_id"] == nobodys


# --- times


def test_java_dates_are_read_by_a_fixed_table() -> None:
    for month in range(1, 13):
        for day in (1, 9, 10, 28):
            moment = datetime(2024, month, day, 23, 59, 58, tzinfo=UTC)
            found = task_time(java_date(moment), "t", NOW)
            assert found == (moment, None, int(moment.timestamp()))


def test_the_language_of_the_machine_is_none_of_our_business() -> None:
    before = locale.setlocale(locale.LC_TIME)
    found = next((name for name in ("de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8") if _is_installed(name)), None)
    assert found, "C.UTF-8 is there on every Debian"
    try:
        assert row()["accepted_at"] == SUBMITTED_AT - timedelta(seconds=5)
    finally:
        locale.setlocale(locale.LC_TIME, before)


def _is_installed(name: str) -> bool:
    try:
        locale.setlocale(locale.LC_TIME, name)
    except locale.Error:
        return False
    return True


@pytest.mark.parametrize("empty", ["", None, ...])
def test_no_time_is_no_time_and_not_1970(empty: Any) -> None:
    found = row(task_accepted_time=empty, task_submitted_time=empty)
    assert (found["accepted_at"], found["submitted_at"], found["event_at"]) == (None, None, SUBMITTED_AT)


@pytest.mark.parametrize("given", ["1565798464", 1565798464, "1565798464000", 1565798464000, 1565798464.0])
def test_epochs_are_told_by_their_size(given: Any) -> None:
    assert row(event_timestamp=given)["event_at"] == SUBMITTED_AT


def test_a_fraction_of_an_epoch_is_kept() -> None:
    assert epoch("1565798464.25", "t", NOW).at == SUBMITTED_AT + timedelta(milliseconds=250)
    assert epoch("1565798464250", "t", NOW).at == SUBMITTED_AT + timedelta(milliseconds=250)
