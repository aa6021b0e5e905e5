"""CloudWatch Logs of the account: the workers' log, in pages as odd as AWS's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from labelhouse.demo.chance import generator
from labelhouse.demo.changes import LogEvent
from labelhouse.demo.cloudtrail import ACCOUNT_ID
from labelhouse.demo.places import LOG_GROUP
from labelhouse.demo.region import Region
from labelhouse.demo.wire import ApiError, Parameters, operation, page, position, token

REFUSAL = "InvalidParameterException"
#: A page ends at this many bytes, or when this much time was searched, however few events were found.
_PAGE_BYTES, _PAGE_MILLISECONDS = 1 << 20, 12 * 3_600_000
_LONGEST_PAGE = 10_000
#: Of the requests without a token, one of so many is answered with nothing but a token; and of these tokens one of
#: so many with nothing but itself, the first time.
_EMPTY_FIRST_PAGE, _REPEATED_TOKEN = 4, 3


def _filter_log_events(region: Region, request: Parameters) -> dict[str, Any]:
    """Start and end are both included; only an answer without a token is the last one."""
    name = request.get("logGroupName") or request.get("logGroupIdentifier", "").rpartition("log-group:")[2]
    find_group(region, name)
    begin, end = request.get("startTime", 0), request.get("endTime", 1 << 62)
    if begin > end:
        raise ApiError(REFUSAL, "The startTime must not be after the endTime.")
    nothing_before = max(begin, region.log_span[0]) - 1
    place = position(region, request, "nextToken", REFUSAL)
    if place is None and _drawn(request, _EMPTY_FIRST_PAGE):
        return _log_page([], token(region, request, "nextToken", [nothing_before, "~", True]))
    timestamp, event_id, may_repeat = place or [nothing_before, "~", False]
    if may_repeat and _drawn(request | {"nextToken": ""}, _REPEATED_TOKEN):
        asked = request["nextToken"]
        if asked not in region.repeated_tokens:
            region.repeated_tokens.add(asked)
            return _log_page([], asked)
    return _search(region, request, (timestamp, event_id), end)


def _search(region: Region, request: Parameters, after: tuple[int, str], end: int) -> dict[str, Any]:
    searched_until = min(end, after[0] + _PAGE_MILLISECONDS)
    found: list[LogEvent] = []
    size = 0
    for event in region.log_events(after, searched_until):
        size += len(event.message)
        if found and (size > _PAGE_BYTES or len(found) == request.get("limit", _LONGEST_PAGE)):
            last = found[-1]
            return _log_page(found, token(region, request, "nextToken", [last.timestamp, last.event_id, False]))
        found.append(event)
    if searched_until < min(end, region.log_span[1]):
        return _log_page(found, token(region, request, "nextToken", [searched_until, "~", False]))
    return _log_page(found)


def _log_page(found: list[LogEvent], next_token: str | None = None) -> dict[str, Any]:
    events = [
        {
            "logStreamName": event.stream,
            "timestamp": event.timestamp,
            "message": event.message,
            "ingestionTime": milliseconds(event.at),
            "eventId": event.event_id,
        }
        for event in found
    ]
    return {"events": events, "searchedLogStreams": []} | ({"nextToken": next_token} if next_token else {})


def _drawn(request: Parameters, one_of: int) -> bool:
    """By a draw that a request with the same parameters always has the same luck in."""
    return bool(generator(0, "page", str(sorted(request.items()))).integers(one_of) == 0)


def _describe_log_groups(region: Region, request: Parameters) -> dict[str, Any]:
    groups = [LOG_GROUP] if region.teams and LOG_GROUP.startswith(request.get("logGroupNamePrefix", "")) else []
    shown, rest = page(region, groups, request, "nextToken", request.get("limit", 50), REFUSAL)
    group_arn = f"arn:aws:logs:{region.name}:{ACCOUNT_ID}:log-group:{LOG_GROUP}"
    groups_shown = [
        {
            "logGroupName": name,
            "creationTime": milliseconds(min(team.created_at for team in region.teams.values())),
            "metricFilterCount": 0,
            "arn": f"{group_arn}:*",
            "storedBytes": sum(len(event.message) for event in region.log_events()),
            "logGroupClass": "STANDARD",
            "logGroupArn": group_arn,
        }
        for name in shown
    ]
    return {"logGroups": groups_shown, **rest}


def find_group(region: Region, name: str) -> None:
    """Raises ApiError where the region has no log group of that name."""
    if name.removesuffix(":*") != LOG_GROUP or not region.teams:
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")


def milliseconds(moment: datetime) -> int:
    """As CloudWatch Logs tells time: ms since 1970."""
    return int(moment.timestamp() * 1000)


OPERATIONS = {
    "FilterLogEvents": operation(
        _filter_log_events,
        "logGroupName",
        "logGroupIdentifier",
        "startTime",
        "endTime",
        "nextToken",
        "limit",
        "interleaved",
    ),
    "DescribeLogGroups": operation(_describe_log_groups, "logGroupNamePrefix", "nextToken", "limit"),
}
