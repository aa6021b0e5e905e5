"""The identity map: follows complete listings, forgets who left, and never brings back who was erased."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from labelhouse.errors import SettingError
from labelhouse.identities import load_identities
from labelhouse.identity_map import Directory, Person, erase, names, remember_all
from labelhouse.settings import Settings, load_settings

POOL = "us-east-1_AbCdEf123"
MONDAY = datetime(2024, 5, 6, 7, tzinfo=UTC)


def settings_of(folder: Path, **changes: Any) -> Settings:
    given = {"identities": "clear", "identity_map_uri": f"sqlite:///{folder / 'people' / 'map.db'}"} | changes
    return load_settings({}, lake=folder / "lake", own_pseudonym_key=True, **given)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_of(tmp_path)


def person(name: str) -> Person:
    return Person(f"p_{name.encode().hex():0>32}", name, f"{name}@example.com")


ADA, BOB, CLEO = person("ada-canary"), person("bob-canary"), person("cleo-canary")


def listed(*people: Person, days: int = 0, pool: str = POOL) -> Directory:
    return Directory(pool, MONDAY + timedelta(days=days), people)


def known(settings: Settings) -> set[str | None]:
    return {found.user_name for found in names(settings, [each.pseudonym for each in (ADA, BOB, CLEO)]).values()}


def test_the_map_knows_who_was_listed(settings: Settings) -> None:
    remember_all(settings, [listed(ADA, BOB)])
    assert names(settings, [ADA.pseudonym, CLEO.pseudonym, "p_nobody"]) == {ADA.pseudonym: ADA}


def test_who_left_the_pool_is_forgotten_and_other_pools_are_left_alone(settings: Settings) -> None:
    remember_all(settings, [listed(ADA, BOB), listed(CLEO, pool="eu-west-1_Other")])
    remember_all(settings, [listed(BOB, days=1)])
    assert known(settings) == {"bob-canary", "cleo-canary"}
    remember_all(settings, [listed(days=2)])
    assert known(settings) == {"cleo-canary"}


def test_an_older_listing_brings_nobody_back(settings: Settings) -> None:
    remember_all(settings, [listed(BOB, days=1), listed(ADA, BOB)])
    remember_all(settings, [listed(ADA)])
    assert known(settings) == {"bob-canary"}


def test_a_name_that_changed_is_the_new_one(settings: Settings) -> None:
    remember_all(settings, [listed(ADA)])
    remember_all(settings, [listed(ADA._replace(user_name="countess"), days=1)])
    assert known(settings) == {"countess"}


def test_people_without_a_name_take_no_row(settings: Settings) -> None:
    remember_all(settings, [listed(Person(ADA.pseudonym, None, None), BOB)])
    assert list(names(settings, [ADA.pseudonym, BOB.pseudonym])) == [BOB.pseudonym]


def test_who_was_erased_stays_erased_while_the_pool_still_lists_him(settings: Settings) -> None:
    remember_all(settings, [listed(ADA, BOB)])
    assert erase(settings, ADA.pseudonym) is True
    assert erase(settings, ADA.pseudonym) is False, "there was nothing left"
    remember_all(settings, [listed(ADA, BOB, days=1)])
    assert known(settings) == {"bob-canary"}


def test_a_person_is_erased_by_sub_too(settings: Settings) -> None:
    sub = "0f3c2a9e-canary-2222-3333-444455556666"
    behind = ADA._replace(pseudonym=load_identities(settings).pseudonym(sub))
    remember_all(settings, [listed(behind)])
    assert erase(settings, sub) is True
    assert names(settings, [behind.pseudonym]) == {}


def test_erased_names_are_gone_from_the_file_itself(settings: Settings, tmp_path: Path) -> None:
    everybody = [person(f"worker-{number}-canary") for number in range(200)]
    remember_all(settings, [listed(ADA, *everybody)])
    assert any(b"ada-canary" in path.read_bytes() for path in (tmp_path / "people").iterdir())
    erase(settings, ADA.pseudonym)
    remember_all(settings, [listed(*everybody[:100], days=1)])
    left = b"".join(path.read_bytes() for path in (tmp_path / "people").iterdir())
    assert b"worker-7-canary" in left
    assert b"ada-canary" not in left
    assert b"worker-150-canary" not in left


def test_only_its_owner_can_read_the_file(settings: Settings, tmp_path: Path) -> None:
    remember_all(settings, [listed(ADA)])
    assert stat.S_IMODE((tmp_path / "people" / "map.db").stat().st_mode) == 0o600


def test_under_pseudonyms_nothing_is_written_and_nobody_shown(settings: Settings, tmp_path: Path) -> None:
    remember_all(settings, [listed(ADA)])
    masked = settings_of(tmp_path, identities="pseudonyms")
    remember_all(masked, [listed(BOB, days=1)])
    assert names(masked, [ADA.pseudonym, BOB.pseudonym]) == {}
    assert known(settings) == {"ada-canary"}
    assert erase(masked, ADA.pseudonym) is True, "what was kept in clear before can still be erased"


def test_many_names_are_asked_for_at_once(settings: Settings) -> None:
    everybody = [person(f"w{number}") for number in range(25_000)]
    remember_all(settings, [listed(*everybody)])
    assert len(names(settings, [each.pseudonym for each in everybody])) == 25_000


def test_several_loads_may_remember_at_the_same_time(settings: Settings) -> None:
    with ThreadPoolExecutor(8) as threads:
        for done in [threads.submit(remember_all, settings, [listed(ADA, BOB, days=n % 4)]) for n in range(40)]:
            done.result()
    assert known(settings) == {"ada-canary", "bob-canary"}


def test_a_map_that_cannot_be_used_is_said_without_its_password(tmp_path: Path) -> None:
    missing = settings_of(tmp_path, identity_map_uri="postgresql://someone:secret-word@127.0.0.1:9/people")
    with pytest.raises(SettingError, match="LABELHOUSE_IDENTITY_MAP_URI: the identity map cannot be used") as raised:
        remember_all(missing, [listed(ADA)])
    assert "secret-word" not in str(raised.value)
    assert "ada-canary" not in str(raised.value)
    (tmp_path / "no-database").write_text("this is no database, and never was one" * 100)
    other = settings_of(tmp_path, identity_map_uri=f"sqlite:///{tmp_path / 'no-database'}")
    with pytest.raises(SettingError, match="file is not a database"):
        names(other, [ADA.pseudonym])


def test_without_a_map_nobody_can_be_erased(tmp_path: Path) -> None:
    nowhere = load_settings({}, lake=tmp_path / "lake", own_pseudonym_key=True)
    with pytest.raises(SettingError, match="there is no identity map"):
        erase(nowhere, ADA.pseudonym)
