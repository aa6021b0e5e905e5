"""Cognito's users and groups of the account: names and addresses are here, and nowhere in answers and logs."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from labelhouse.demo.changes import UserState
from labelhouse.demo.region import Region
from labelhouse.demo.wire import ApiError, Parameters, operation, page

REFUSAL = "InvalidParameterException"
#: Cognito answers with at most 60 and may answer with fewer, without having come to the end.
_PAGE = 9


def _list_users(region: Region, request: Parameters) -> dict[str, Any]:
    users = _users(region, request)
    shown, rest = page(region, users, request, "PaginationToken", _limit(request), REFUSAL)
    return {"Users": [_user(user, request.get("AttributesToGet")) for user in shown], **rest}


def _list_users_in_group(region: Region, request: Parameters) -> dict[str, Any]:
    _find_group(region, request)
    users = [user for user in _users(region, request) if request["GroupName"] in user.groups]
    shown, rest = page(region, users, request, "NextToken", _limit(request), REFUSAL)
    return {"Users": [_user(user) for user in shown], **rest}


def _list_groups(region: Region, request: Parameters) -> dict[str, Any]:
    _users(region, request)
    shown, rest = page(region, _groups(region, request), request, "NextToken", _limit(request), REFUSAL)
    return {"Groups": shown, **rest}


def _admin_list_groups_for_user(region: Region, request: Parameters) -> dict[str, Any]:
    user = next((user for user in _users(region, request) if request["Username"] in (user.username, user.sub)), None)
    if user is None:
        raise ApiError("UserNotFoundException", "User does not exist.")
    groups = [group for group in _groups(region, request) if group["GroupName"] in user.groups]
    shown, rest = page(region, groups, request, "NextToken", _limit(request), REFUSAL)
    return {"Groups": shown, **rest}


def _limit(request: Parameters) -> int:
    return min(_PAGE, request.get("Limit") or _PAGE)


def _users(region: Region, request: Parameters) -> list[UserState]:
    """The users of the pool, by age."""
    pool_id = request["UserPoolId"]
    users = [user for user in region.users.values() if user.user_pool_id == pool_id]
    if not users:
        raise ApiError("ResourceNotFoundException", f"User pool {pool_id} does not exist.")
    return sorted(users, key=attrgetter("created_at", "username"))


def _groups(region: Region, request: Parameters) -> list[dict[str, Any]]:
    """The groups that work teams are made of."""
    return [
        {
            "GroupName": team.user_group,
            "UserPoolId": team.user_pool_id,
            "CreationDate": team.created_at,
            "LastModifiedDate": team.created_at,
        }
        for team in region.teams.values()
        if team.user_pool_id == request["UserPoolId"]
    ]


def _find_group(region: Region, request: Parameters) -> None:
    _users(region, request)
    if request["GroupName"] not in {group["GroupName"] for group in _groups(region, request)}:
        raise ApiError("ResourceNotFoundException", "Group not found.")


def _user(user: UserState, wanted: list[str] | None = None) -> dict[str, Any]:
    attributes = {
        "sub": user.sub,
        "email_verified": "true" if user.status == "CONFIRMED" else "false",
        "name": user.username.partition("@")[0].capitalize(),
        "email": user.username,
    }
    return {
        "Username": user.username,
        "Attributes": [
            {"Name": name, "Value": value} for name, value in attributes.items() if wanted is None or name in wanted
        ],
        "UserCreateDate": user.created_at,
        "UserLastModifiedDate": user.modified_at,
        "Enabled": user.is_enabled,
        "UserStatus": user.status,
    }


OPERATIONS = {
    "ListUsers": operation(_list_users, "UserPoolId", "AttributesToGet", "Limit", "PaginationToken"),
    "ListUsersInGroup": operation(_list_users_in_group, "UserPoolId", "GroupName", "Limit", "NextToken"),
    "ListGroups": operation(_list_groups, "UserPoolId", "Limit", "NextToken"),
    "AdminListGroupsForUser": operation(_admin_list_groups_for_user, "UserPoolId", "Username", "Limit", "NextToken"),
}
