"""What a user did wrong is one sentence that says what, where, the value and what is allowed."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from labelhouse.errors import SettingError, SourceError
from labelhouse.identities import load_identities
from labelhouse.settings import JobNameRule, Place, SourceSettings, load_settings


def test_an_error_is_one_sentence() -> None:
    error = SourceError("the folder does not exist", where="--source", value="/x", allowed="a folder")
    assert str(error) == "--source: the folder does not exist: '/x' (allowed: a folder)"


def test_an_error_survives_the_way_between_processes() -> None:
    error = SettingError("value not allowed", where="A", value=3, allowed="1 or 2")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy)) == (SettingError, str(error))


def test_unknown_settings_are_refused_with_the_known_ones() -> None:
    with pytest.raises(SettingError, match=r"LABELHOUSE_LAEK.*LABELHOUSE_LAKE"):
        load_settings({"LABELHOUSE_LAEK": "x"})


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("LABELHOUSE_REPORTING_TIME_ZONE", "Mars/Olympus", "IANA"),
        ("LABELHOUSE_HOLD_QUARANTINED_RATIO", "2", "less than or equal to 1"),
        ("LABELHOUSE_RETAINED_RELEASES", "none", "integer"),
        ("LABELHOUSE_LAKE", "/tmp/lake#1", "without '#' and '\\?'"),
        ("LABELHOUSE_SOURCES", "{", "LABELHOUSE_SOURCES.*'{'.*labeling_output"),
        ("LABELHOUSE_SOURCES", '["s3://a"]', "LABELHOUSE_SOURCES: .*dictionary"),
        ("LABELHOUSE_SOURCES", '{"cloudtrail": []}', "LABELHOUSE_SOURCES.cloudtrail.places: .*at least 1"),
        ("LABELHOUSE_SOURCES", '{"cloudtrail": ""}', "LABELHOUSE_SOURCES.cloudtrail.places.0.uri: .*at least 1"),
        ("LABELHOUSE_SOURCES", '{"cloudtrail": {"place": "x"}}', "LABELHOUSE_SOURCES.cloudtrail.places: .*required"),
        ("LABELHOUSE_SOURCES", '{"a": {"places": "x", "look_back": 1}}', "LABELHOUSE_SOURCES.a.look_back: .*not perm"),
        ("LABELHOUSE_SOURCES", '{"a": {"places": "x", "schedule": "often"}}', "a.schedule: .*'often'.*@hourly.*null"),
        ("LABELHOUSE_SOURCES", '{"a": {"places": "x", "schedule": "* * * *"}}', "five fields"),
        ("LABELHOUSE_SOURCES", '{"a": {"places": "x", "look_back_hours": -1}}', "look_back_hours: .*-1"),
        ("LABELHOUSE_SOURCES", '{"a": {"places": "x", "requests_per_second": 0}}', "greater than 0"),
        ("LABELHOUSE_SOURCES", '{"a": [{"uri": "x", "connection": "a#b"}]}', "a.places.0.connection: .*'a#b'"),
        ("LABELHOUSE_IDENTITIES", "names", "'pseudonyms' or 'clear'"),
        ("LABELHOUSE_IDENTITIES", "clear", "LABELHOUSE_IDENTITY_MAP_URI: .*SQLAlchemy URI"),
        ("LABELHOUSE_IDENTITY_MAP_URI", "sqlite:///lake/private/people.db", "outside the lake"),
        ("LABELHOUSE_CHECK_THRESHOLDS", "48", "LABELHOUSE_CHECK_THRESHOLDS.*"),
        ("LABELHOUSE_CHECK_THRESHOLDS", "{", "LABELHOUSE_CHECK_THRESHOLDS.*stale_hours"),
        ("LABELHOUSE_CHECK_THRESHOLDS", '{"a.b": "x"}', "LABELHOUSE_CHECK_THRESHOLDS.a.b: .*number"),
        ("LABELHOUSE_PRICES", "0.23", "LABELHOUSE_PRICES"),
        ("LABELHOUSE_PRICES", "{", "LABELHOUSE_PRICES.*instance_hour_usd"),
        ("LABELHOUSE_PRICES", '{"instance_usd": {}}', "LABELHOUSE_PRICES.instance_usd: .*[Ee]xtra"),
        ("LABELHOUSE_PRICES", '{"task_usd": {"*": -1}}', "LABELHOUSE_PRICES.task_usd.*: .*greater than or equal to 0"),
        ("LABELHOUSE_PRICES", '{"task_usd": {"*": 0.0000001}}', "no more than 6 decimal places"),
        ("LABELHOUSE_PRICES", '{"worker_hour_usd": {"a": "dear"}}', "LABELHOUSE_PRICES.worker_hour_usd.a: .*decimal"),
        ("LABELHOUSE_JOB_NAME_RULES", "^batch", "LABELHOUSE_JOB_NAME_RULES.*'\\^batch'.*pattern"),
        ("LABELHOUSE_JOB_NAME_RULES", '[{"pattern": "(a"}]', "JOB_NAME_RULES.0.pattern: .*RE2"),
        ("LABELHOUSE_JOB_NAME_RULES", '[{"pattern": "a(?!b)"}]', "look-around"),
        ("LABELHOUSE_JOB_NAME_RULES", '[{"pattern": "(a)\\\\1"}]', "back references"),
        ("LABELHOUSE_JOB_NAME_RULES", '[{"pattern": "a", "batch": "\\\\1"}]', "no more than the 0 groups"),
        ("LABELHOUSE_JOB_NAME_RULES", '[{"pattern": "a", "level": "third"}]', "'first', 'second' or 'audit'"),
    ],
)
def test_values_out_of_range_name_the_setting(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=allowed) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_a_short_key_is_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELHOUSE_PSEUDONYM_KEY", "too-short-secret")
    with pytest.raises(SettingError, match="32 characters") as caught:
        load_settings()
    assert "too-short-secret" not in str(caught.value)


def test_without_a_key_nothing_is_pseudonymised(tmp_path) -> None:
    with pytest.raises(SettingError, match="LABELHOUSE_PSEUDONYM_KEY"):
        load_identities(load_settings({}, lake=tmp_path))


@pytest.mark.parametrize(
    ("given", "places"),
    [
        ("s3://bucket/prefix", [Place(uri="s3://bucket/prefix")]),
        (["s3://one", {"uri": "s3://two", "connection": "aws_eu"}], [("s3://one", None), ("s3://two", "aws_eu")]),
        ({"places": "s3://one"}, [("s3://one", None)]),
        (
            {"places": [{"uri": "logs://eu-west-1/x", "connection": "a.b-c_1"}]},
            [("logs://eu-west-1/x", "a.b-c_1")],
        ),
    ],
    ids=["URI", "list", "one place", "places"],
)
def test_a_source_is_a_uri_or_places(given: Any, places: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELHOUSE_SOURCES", json.dumps({"labeling_output": given}))
    expected = [each if isinstance(each, Place) else Place(uri=each[0], connection=each[1]) for each in places]
    for settings in (load_settings(), load_settings({}, sources={"labeling_output": given})):
        assert list(settings.sources["labeling_output"].places) == expected
        assert settings.sources["labeling_output"].schedule == "@hourly"


def test_how_far_a_source_looks_back() -> None:
    """What the settings say goes before what the source says; null is since ever, and not the same as unset."""
    own = timedelta(days=30)
    unset, never, week = (
        SourceSettings.model_validate({"places": "s3://a"} | more)
        for more in ({}, {"daily_look_back_days": None}, {"daily_look_back_days": 7, "look_back_hours": 0.5})
    )
    assert [each.daily_look_back(own) for each in (unset, never, week)] == [own, None, timedelta(days=7)]
    assert unset.daily_look_back(None) is None
    assert (unset.look_back, week.look_back) == (timedelta(hours=2), timedelta(minutes=30))


@pytest.mark.parametrize("schedule", [None, "@daily", "*/15 * * * *", "0 6 * * MON-FRI"])
def test_schedules_that_are_understood(schedule: str | None) -> None:
    assert SourceSettings.model_validate({"places": "s3://a", "schedule": schedule}).schedule == schedule


def test_job_name_rules_keep_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    rules = [
        {"pattern": "^b([0-9]+)-audit", "batch": "\\1", "level": "audit"},
        {"pattern": "(?i)^B(?P<number>[0-9]+)", "batch": "no. \\1", "level": None},
        {"pattern": "\\\\1", "batch": "a literal", "level": "first"},
    ]
    monkeypatch.setenv("LABELHOUSE_JOB_NAME_RULES", json.dumps(rules))
    assert load_settings().job_name_rules == tuple(JobNameRule(**rule) for rule in rules)


def test_the_identity_map_lies_outside_the_lake(tmp_path: Path) -> None:
    lake, beside = tmp_path / "lake", f"sqlite:///{tmp_path}/people.db"
    assert load_settings({}, lake=lake, identities="clear", identity_map_uri=beside).identity_map_uri == beside
    for inside in (f"sqlite:///{lake}/people.db", f"sqlite:///{lake}/../lake/people.db?timeout=60"):
        with pytest.raises(SettingError, match="outside the lake"):
            load_settings({}, lake=lake, identities="clear", identity_map_uri=inside)


def test_uris_that_may_hold_passwords_are_refused_without_being_shown(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="LABELHOUSE_IDENTITY_MAP_URI") as caught:
        load_settings({}, lake=tmp_path, identity_map_uri=["postgresql://user:secret@host/people"])
    assert "secret" not in str(caught.value)
