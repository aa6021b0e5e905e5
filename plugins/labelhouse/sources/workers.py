"""Source `workers`: the users of Cognito user pools, who are the workers of private teams.

A pool on a UTC day is a unit: everybody who is in it, with pseudonym, status and groups. It is complete or it is not
loaded, because who is missing in a snapshot has left. Nothing but the attribute `sub` is asked for, and of the answers
nothing else is kept; where `identities` is `clear`, user names and e-mail addresses go to the identity map.

Where nobody may call the API, a folder of saved answers does: `aws cognito-idp list-users --user-pool-id ID`, a file a
pool and day, with the pool's id in its path (`us-east-1_AbCdEf123/2026-11-21.json`).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from labelhouse.errors import SourceError
from labelhouse.identity_map import Directory, Person
from labelhouse.sources import Clients, Source, Unit, UnitGone, Window, one_by_one, told_by_place
from labelhouse.sources.control_plane import AccessDeniedError, Api, Pascal, dated, moment, parts_of, saved
from labelhouse.sources.documents import (
    CLOCK_SKEW,
    Unreadable,
    decode,
    encode,
    encode_flawed,
    flaw,
    kind,
    shaped,
    unpack,
)
from labelhouse.sources.objects import key_of, list_objects, read_object
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities

_SCHEME = "cognito-idp"
#: Cognito gives no more users or groups a page.
_MOST_A_PAGE = 60
_POOL = re.compile(r"(?<![A-Za-z0-9])(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})_[0-9A-Za-z]+(?![0-9A-Za-z])")
#: What is kept of a user, beside the attributes that are asked for.
_FACTS = ("Enabled", "UserStatus", "UserCreateDate", "UserLastModifiedDate")
#: Attributes that name a person, as far as anybody may see them.
_NAMES = ("email", "name", "preferred_username")

log = logging.getLogger(__name__)


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The pool as it is today; or the saved answers below a folder or prefix.

    Raises:
        SourceError: the place is missing or unreadable.
    """
    place = parts_of(uri, _SCHEME, 2)
    if place is None:
        yield from dated(list_objects(uri, clients))
        return
    now = datetime.now(UTC)
    yield Unit(f"{_SCHEME}://{'/'.join(place)}/{now:%Y-%m-%d}", "", now, 0)


def read_unit(unit: Unit, clients: Clients) -> bytes:
    """Everybody who is in a pool, as JSON, without anything that names a person but `sub`.

    Raises:
        SourceError: the pool does not exist, or its listing does not come to an end.
    """
    return _read(unit, clients, has_names=False)


def read_clear(unit: Unit, clients: Clients) -> bytes:
    """As `read_unit`, with names and e-mail addresses."""
    return _read(unit, clients, has_names=True)


def _read(unit: Unit, clients: Clients, *, has_names: bool) -> bytes:
    if not unit.uri.startswith(f"{_SCHEME}://"):
        return read_object(unit, clients)
    region, pool_id, _day = unit.uri.removeprefix(f"{_SCHEME}://").split("/")
    api = Api(clients, _SCHEME, region, unit.uri)
    # Cognito refuses to give attributes that somebody lacks; everybody has a sub
    wanted = {} if has_names else {"AttributesToGet": ["sub"]}
    try:
        users = api.listing(
            "list_users",
            "Users",
            _sub_of,
            token="PaginationToken",  # noqa: S106 - of a page
            UserPoolId=pool_id,
            Limit=_MOST_A_PAGE,
            **wanted,
        )
        groups = _groups(api, pool_id)
    except UnitGone:  # a pool that was never there must not look like one without users
        allowed = f"{_SCHEME}://REGION/USER_POOL_ID of a pool that exists"
        raise SourceError("the user pool does not exist", value=unit.uri, allowed=allowed) from None
    kept = [_kept(user, groups, has_names=has_names) for user in sorted(users, key=_sub_of)]
    return saved({"UserPoolId": pool_id, "Users": kept})


def _sub_of(user: dict[str, Any]) -> str:
    """The `sub` of a user as the API gives him; his name where he has none, which AWS does not let happen."""
    attributes = {each["Name"]: each.get("Value") for each in user.get("Attributes", ())}
    return attributes.get("sub") or f"user name {user['Username']}"


def _groups(api: Api, pool_id: str) -> dict[str, list[str]] | None:
    """`sub` → the groups that the user is in; None where they may not be listed."""
    found: dict[str, list[str]] = {}
    try:
        groups = api.listing(
            "list_groups", "Groups", lambda group: group["GroupName"], UserPoolId=pool_id, Limit=_MOST_A_PAGE
        )
        for name in sorted(group["GroupName"] for group in groups):
            members = api.listing(
                "list_users_in_group", "Users", _sub_of, UserPoolId=pool_id, GroupName=name, Limit=_MOST_A_PAGE
            )
            for user in members:
                found.setdefault(_sub_of(user), []).append(name)
    except AccessDeniedError as refusal:
        log.warning("The groups of the workers stay unknown: %s", refusal)
        return None
    return found


def _kept(user: dict[str, Any], groups: dict[str, list[str]] | None, *, has_names: bool) -> dict[str, Any]:
    """A user without whatever nobody asked for."""
    wanted = ("sub", *_NAMES) if has_names else ("sub",)
    attributes = sorted(
        ({"Name": each["Name"], "Value": each.get("Value")} for each in user["Attributes"] if each["Name"] in wanted),
        key=lambda each: each["Name"],
    )
    kept = {name: user[name] for name in _FACTS if name in user} | {"Attributes": attributes}
    if has_names:
        kept["Username"] = user["Username"]
    return kept if groups is None else kept | {"Groups": groups.get(_sub_of(user), [])}


class _Attribute(Pascal):
    name: str
    value: str | None = None


class _User(Pascal):
    attributes: list[_Attribute] = msgspec.field(default_factory=list)
    username: str | None = None
    enabled: bool | None = None
    user_status: str | None = None
    user_create_date: str | float | None = None
    user_last_modified_date: str | float | None = None
    groups: list[str] | None = None


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The rows of the users of a pool, or their quarantine; who they are, for the identity map. Data never raises."""
    parsed = Parsed(unit.unit_at, identities)
    try:
        answer, is_suspect = decode(unpack(data))
        if is_suspect and (found := flaw(answer)):
            raise Unreadable(found)
        users = _users_of(answer)
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), data, cleaned=False)
        yield parsed
        return
    pool = _POOL.search(str(answer.get("UserPoolId") or "")) or _POOL.search(key_of(unit.uri))
    place = {"user_pool_id": pool and pool[0], "aws_region": pool and pool["region"]}
    latest_at = datetime.now(UTC) + CLOCK_SKEW
    people: dict[str, Person] = {}
    for number, each in enumerate(users):
        try:
            user = shaped(each, _User, "the user")
            person = _person(user, identities)
            row = place | _row(user, person, latest_at, identities)
        except Unreadable as reason:
            parsed.quarantine(str(number), str(reason), encode_flawed(each), cleaned=False)
            continue
        if person.pseudonym in people:
            parsed.filtered()  # AWS may name somebody on two pages
            continue
        people[person.pseudonym] = person
        parsed.row("workers", str(number), None, **row)
        parsed.loaded()
    if pool:
        parsed.people.append(Directory(pool[0], unit.unit_at, tuple(people.values())))
    yield parsed


def _users_of(answer: Any) -> list[Any]:
    if not isinstance(answer, dict):
        raise Unreadable(f"the answer is {kind(answer)}, not an object")
    if not isinstance(answer.get("Users"), list):
        raise Unreadable("Users is missing, or no list")
    if answer.get("PaginationToken") or answer.get("NextToken"):
        raise Unreadable("the listing breaks off: it has a token for another page")
    users: list[Any] = answer["Users"]
    return users


def _person(user: _User, identities: Identities) -> Person:
    attributes = {each.name: each.value for each in user.attributes}
    sub = attributes.get("sub")
    if not sub:
        raise Unreadable("the attribute sub is missing")
    # pools that sign people in by e-mail give them a user name that is their sub
    given = user.username if user.username != sub else None
    name = given or attributes.get("preferred_username") or attributes.get("name")
    return Person(identities.pseudonym(sub), name or None, attributes.get("email") or None)


def _row(user: _User, person: Person, latest_at: datetime, identities: Identities) -> dict[str, Any]:
    """Raises Unreadable where a value is not what it should be."""
    return {
        "worker_pseudonym": person.pseudonym,
        "identity_provider": "Cognito",
        "user_status": user.user_status and identities.clean_text(user.user_status),
        "is_enabled": user.enabled,
        "created_at": moment(user.user_create_date, "UserCreateDate", latest_at),
        "last_modified_at": moment(user.user_last_modified_date, "UserLastModifiedDate", latest_at),
        "user_groups_json": None if user.groups is None else encode(identities.clean(user.groups)),
    }


SOURCE = Source(
    name="workers",
    description="Users of Cognito user pools, as pseudonyms. The URI is cognito-idp://REGION/USER_POOL_ID, or a folder "
    "or s3:// prefix that holds answers of `aws cognito-idp list-users`, the id of the pool in their paths.",
    tables=("workers",),
    list_units=list_units,
    read_unit=read_unit,
    parse=one_by_one(parse),
    same_content=told_by_place,  # a pool that does not change is not a copy of what it was yesterday
    read_clear=read_clear,
)
