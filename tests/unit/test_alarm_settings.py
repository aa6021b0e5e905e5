"""The settings of alarms: who is told, and when alarms are evaluated."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labelhouse.errors import SettingError
from labelhouse.settings import load_settings

CANARY = "ada.lovelace@example.org"
TOPIC = "arn:aws:sns:us-east-1:123456789012:alarms"


def loaded(monkeypatch: pytest.MonkeyPatch, notifications: Any) -> Any:
    text = notifications if isinstance(notifications, str) else json.dumps(notifications)
    monkeypatch.setenv("LABELHOUSE_NOTIFICATIONS", text)
    return load_settings().notifications


def test_a_channel_is_a_list_of_notifiers(monkeypatch: pytest.MonkeyPatch) -> None:
    each = [{"sns": {"target_arn": TOPIC}}, {"slack": {"channel": "#x"}}, {"slack_webhook": {}}, {"apprise": {}}]
    found = loaded(monkeypatch, {"operations": [*each, {"smtp": {"to": [CANARY]}}], "nobody": []})
    kinds = [notifier.kind for notifier in found["operations"]]
    assert kinds == ["sns", "slack", "slack_webhook", "apprise", "smtp"]
    assert found["nobody"] == ()


@pytest.mark.parametrize(
    ("notifications", "sentence"),
    [
        (
            {"a": [{"snss": {}}]},
            "LABELHOUSE_NOTIFICATIONS.a.0: value not allowed (allowed: an object with one key, which",
        ),
        ({"a": [{"sns": {"target_arn": TOPIC}, "apprise": {}}]}, "an object with one key, which is sns, slack,"),
        ({"a": [{"sns": {"target_arn": TOPIC, "region": "x"}}]}, "LABELHOUSE_NOTIFICATIONS.a.0.sns.region"),
        ({"a": [{"sns": {"target_arn": CANARY}}]}, "LABELHOUSE_NOTIFICATIONS.a.0.sns.target_arn"),
        ({"a": [{"smtp": {"to": CANARY}}]}, "LABELHOUSE_NOTIFICATIONS.a.0.smtp.to"),
        ({"a": [{"smtp": {"to": []}}]}, "LABELHOUSE_NOTIFICATIONS.a.0.smtp.to"),
        ({"a": [{"slack_webhook": {"url": CANARY}}]}, "LABELHOUSE_NOTIFICATIONS.a.0.slack_webhook.url"),
        (f'{{"a": [{CANARY}', "LABELHOUSE_NOTIFICATIONS: is no JSON of the form it needs (allowed: "),
    ],
    ids=str,
)
def test_what_is_not_understood_is_refused_without_the_addresses_in_it(
    notifications: Any, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SettingError) as refused:
        loaded(monkeypatch, notifications)
    assert sentence in str(refused.value)
    assert CANARY not in str(refused.value)


@pytest.mark.parametrize(("given", "expected"), [(None, "*/10 * * * *"), ("@hourly", "@hourly"), ("", None)])
def test_alarms_are_evaluated_when_the_setting_says(
    given: str | None, expected: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given is not None:
        monkeypatch.setenv("LABELHOUSE_ALARM_SCHEDULE", given)
    assert load_settings().alarm_schedule == expected


def test_a_schedule_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABELHOUSE_ALARM_SCHEDULE", "often")
    with pytest.raises(SettingError, match=r"LABELHOUSE_ALARM_SCHEDULE: value not allowed: 'often' \(allowed: @hourly"):
        load_settings()
