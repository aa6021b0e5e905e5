"""What a user did wrong is one sentence that says what, where, the value and what is allowed."""

from __future__ import annotations

import pickle

import pytest

from labelhouse.errors import SettingError, SourceError
from labelhouse.identities import load_identities
from labelhouse.settings import load_settings


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
