"""Users of Cognito pools: what is asked of AWS, what is kept of it, and what a snapshot gives."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from control_plane import BEGAN, EMAIL, POOL, REGION, SUB, Account, user
from control_plane_units import IDENTITIES, UNIT_AT, only_row, parse, units
from labelhouse.errors import SourceError
from labelhouse.identity_map import Directory, Person
from labelhouse.sources.workers import SOURCE, read_clear
from served_aws import refused

PLACE = f"cognito-idp://{REGION}/{POOL}"
SUBS = ["a-sub-1", "b-sub-2", "c-sub-3", "d-sub-4", "e-sub-5"]


def read(account: Account) -> bytes:
    (unit,) = units(SOURCE, PLACE, account.clients)
    return SOURCE.read_unit(unit, account.clients)


def read_with_names(account: Account) -> bytes:
    (unit,) = units(SOURCE, PLACE, account.clients)
    return read_clear(unit, account.clients)


def test_a_pool_is_a_unit_a_day_whose_content_tells() -> None:
    began = datetime.now(UTC)
    (unit,) = units(SOURCE, PLACE, Account().clients)
    assert unit.uri == f"cognito-idp://us-east-1/{POOL}/{unit.unit_at:%Y-%m-%d}"
    assert unit.version == ""
    assert began <= unit.unit_at <= datetime.now(UTC)
    assert SOURCE.same_content(unit.uri) != SOURCE.same_content(unit.uri[:-1]), "no day is a copy of another"


def test_every_page_of_users_groups_and_members_is_asked_for() -> None:
    account = Account(users=[user(sub) for sub in SUBS], groups={"all": SUBS, "some": SUBS[1:3], "none": []})
    result = parse(SOURCE, read(account))
    groups = {row["worker_pseudonym"]: json.loads(row["user_groups_json"]) for row in result.tables["workers"]}
    assert groups == {IDENTITIES.pseudonym(sub): ["all", "some"] if sub in SUBS[1:3] else ["all"] for sub in SUBS}
    assert [call.get("PaginationToken") for call in account.asked("ListUsers")] == [None, "from 2", "from 4"]
    assert len(account.asked("ListUsersInGroup")) == 3 + 1 + 1


def test_nothing_that_names_a_person_is_asked_for_nor_kept() -> None:
    account = Account(users=[user()], groups={"fruit": [SUB]})
    data = read(account)
    assert {tuple(call["AttributesToGet"]) for call in account.asked("ListUsers")} == {("sub",)}
    assert json.loads(data) == {
        "UserPoolId": POOL,
        "Users": [
            {
                "Attributes": [{"Name": "sub", "Value": SUB}],
                "Enabled": True,
                "Groups": ["fruit"],
                "UserCreateDate": BEGAN.isoformat(),
                "UserLastModifiedDate": (BEGAN + timedelta(minutes=1)).isoformat(),
                "UserStatus": "CONFIRMED",
            }
        ],
    }


def test_a_user_gives_every_column() -> None:
    assert only_row(SOURCE, read(Account(users=[user()], groups={"fruit": [SUB]}))) == {
        "position": "0",
        "event_at": UNIT_AT,
        "worker_pseudonym": IDENTITIES.pseudonym(SUB),
        "user_pool_id": POOL,
        "aws_region": REGION,
        "identity_provider": "Cognito",
        "user_status": "CONFIRMED",
        "is_enabled": True,
        "created_at": BEGAN,
        "last_modified_at": BEGAN + timedelta(minutes=1),
        "user_groups_json": '["fruit"]',
    }


def test_rows_hold_no_name_even_where_names_were_asked_for() -> None:
    account = Account(users=[user()], groups={f"of {EMAIL}": [SUB]})
    result = parse(SOURCE, read_with_names(account))
    assert "AttributesToGet" not in account.asked("ListUsers")[0]
    for trace in (SUB, "example.com", "name-of", "+15550001"):
        assert trace not in json.dumps(result.tables, default=str)
    assert result.people == [
        Directory(POOL, UNIT_AT, (Person(IDENTITIES.pseudonym(SUB), f"name-of-{SUB}", f"{SUB}@example.com"),))
    ]
    assert b"+15550001" not in read_with_names(account), "nobody needs a telephone number"


@pytest.mark.parametrize(
    ("username", "attributes", "name"),
    [
        ("ada", {"preferred_username": "countess", "name": "Ada Lovelace"}, "ada"),
        (SUB, {"preferred_username": "countess", "name": "Ada Lovelace"}, "countess"),
        (SUB, {"name": "Ada Lovelace"}, "Ada Lovelace"),
        (SUB, {}, None),
    ],
)
def test_a_name_is_what_people_know(username: str, attributes: dict[str, str], name: str | None) -> None:
    given = [{"Name": key, "Value": value} for key, value in {"sub": SUB, **attributes}.items()]
    (directory,) = parse(SOURCE, {"UserPoolId": POOL, "Users": [user(Username=username, Attributes=given)]}).people
    assert directory.people == (Person(IDENTITIES.pseudonym(SUB), name, None),)


def test_the_same_people_are_the_same_bytes_in_whatever_order_they_come() -> None:
    account = Account(users=[user(sub) for sub in SUBS])
    first = read(account)
    account.users.reverse()
    assert read(account) == first


def test_who_is_on_two_pages_is_in_the_snapshot_once() -> None:
    account = Account(users=[user("a"), user("b"), user("b"), user("c")])
    assert len(json.loads(read(account))["Users"]) == 3
    saved = parse(SOURCE, {"UserPoolId": POOL, "Users": account.users})
    assert saved.counts == {"read": 4, "loaded": 3, "filtered": 1, "quarantined": 0}


def test_groups_that_may_not_be_listed_stay_unknown() -> None:
    account = Account(users=[user()], unservable={"ListGroups": refused("AccessDeniedException")})
    assert only_row(SOURCE, read(account))["user_groups_json"] is None
    account.unservable["ListGroups"] = refused("InvalidParameterException")
    with pytest.raises(SourceError, match="cognito-idp:ListGroups"):
        read(account)


def test_a_pool_that_does_not_exist_is_no_empty_pool() -> None:
    account = Account()
    (unit,) = units(SOURCE, PLACE + "x", account.clients)
    with pytest.raises(SourceError, match="the user pool does not exist"):
        SOURCE.read_unit(unit, account.clients)
    empty = parse(SOURCE, read(account))
    assert empty.counts == {"read": 0, "loaded": 0, "quarantined": 0, "filtered": 0}
    assert empty.people == [Directory(POOL, UNIT_AT, ())], "nobody is left in it"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"UserPoolId": POOL, "Users": [user()], "PaginationToken": "x"}, "the listing breaks off: "),
        ({"UserPoolId": POOL, "Users": [user()], "NextToken": "x"}, "the listing breaks off: "),
        ({"UserPools": []}, "Users is missing, or no list"),
        ([], "the answer is a list, not an object"),
        (b'{"Users": [{"Username": "' + b"x" * 10, "the JSON ends too early"),
    ],
)
def test_a_listing_that_is_not_whole_gives_nobody(document: Any, reason: str) -> None:
    result = parse(SOURCE, document)
    ((position, found),) = result.reasons
    assert (position, found[: len(reason)]) == ("0", reason)
    assert (dict(result.tables), result.people) == ({}, [])
    assert result.quarantined[0]["is_encrypted"] is True


def test_a_user_without_sub_is_kept_encrypted_and_costs_nobody_else() -> None:
    users = [user("a"), user(Attributes=[{"Name": "email", "Value": EMAIL}]), user("b", UserCreateDate="x"), 7]
    result = parse(SOURCE, {"UserPoolId": POOL, "Users": users})
    assert [reason for _, reason in result.reasons] == [
        "the attribute sub is missing",
        "UserCreateDate is not a time such as 2019-04-18T16:40:59Z",
        "the user is a number, not an object",
    ]
    assert len(result.tables["workers"]) == 1
    assert all(row["is_encrypted"] and EMAIL.encode() not in row["raw_bytes"] for row in result.quarantined)


def test_saved_answers_name_their_pool_by_their_path(tmp_path: Path) -> None:
    folder = tmp_path / "eu-west-1_Xy12"
    folder.mkdir()
    (folder / "2024-06-01.json").write_text(json.dumps({"Users": [user()]}, default=datetime.isoformat))
    (unit,) = units(SOURCE, str(tmp_path), {}.__getitem__)
    assert unit.unit_at == datetime(2024, 6, 1, tzinfo=UTC), "the day in its name, whenever it was copied"
    row = only_row(SOURCE, SOURCE.read_unit(unit, {}.__getitem__), unit.uri)
    assert (row["user_pool_id"], row["aws_region"], row["user_groups_json"]) == ("eu-west-1_Xy12", "eu-west-1", None)


def test_a_listing_of_an_unknown_pool_replaces_nobody_in_the_identity_map() -> None:
    result = parse(SOURCE, {"Users": [user()]}, "file:///saved/users.json")
    assert result.tables["workers"][0]["user_pool_id"] is None
    assert result.people == []
