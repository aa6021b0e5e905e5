"""CloudWatch Logs of the account: the logs of workers and of trainings, in pages as odd as AWS's."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from labelhouse.demo.chance import generator
from labelhouse.demo.changes import LogEvent
from labelhouse.demo.cloudtrail import ACCOUNT_ID
from labelhouse.demo.places import LOG_GROUP, TRAINING_LOG_GROUP
from labelhouse.demo.region import Region
from labelhouse.demo.wire import ApiError, Parameters, operation, page, position, token

REFUSAL = "InvalidParameterException"
#: The log of trainings is kept so long.
TRAINING_LOG_DAYS = 14
#: A page ends at this many bytes, or when this much time was searched, however few events were found.
_PAGE_BYTES, _PAGE_MILLISECONDS = 1 << 20, 12 * 3_600_000
_LONGEST_PAGE = 10_000
#: Of the requests without a token, one of so many is answered with nothing but a token; and of these tokens one of
#: so many with nothing but itself, the first time.
_EMPTY_FIRST_PAGE, _REPEATED_TOKEN = 4, 3


def _filter_log_events(region: Region, request: Parameters) -> dict[str, Any]:
    """Start and end are both included; only an answer without a token is the last one."""
    name = request.get("logGroupName") or request.get("logGroupIdentifier", "").rpartition("log-group:")[2]
    group = find_group(region, name)
    begin, end = request.get("startTime", 0), request.get("endTime", 1 << 62)
    if begin > end:
        raise ApiError(REFUSAL, "The startTime must not be after the endTime.")
    nothing_before = max(begin, region.log_span(group)[0]) - 1
    place = position(region, request, "nextToken", REFUSAL)
    if place is None and _drawn(request, _EMPTY_FIRST_PAGE):
        return _log_page([], token(region, request, "nextToken", [nothing_before, "~", True]))
    timestamp, event_id, may_repeat = place or [nothing_before, "~", False]
    if may_repeat and _drawn(request | {"nextToken": ""}, _REPEATED_TOKEN):
        asked = request["nextToken"]
        if asked not in region.repeated_tokens:
            region.repeated_tokens.add(asked)
            return _log_page([], asked)
    return _search(region, request, group, (timestamp, event_id), end)


def _search(region: Region, request: Parameters, group: str, after: tuple[int, str], end: int) -> dict[str, Any]:
    searched_until = min(end, after[0] + _PAGE_MILLISECONDS)
    found: list[LogEvent] = []
    size = 0
    for event in region.log_events(after, searched_until, group):
        size += len(event.message)
        if found and (size > _PAGE_BYTES or len(found) == request.get("limit", _LONGEST_PAGE)):
            last = found[-1]
            return _log_page(found, token(region, request, "nextToken", [last.timestamp, last.event_id, False]))
        found.append(event)
    if searched_until < min(end, region.log_span(group)[1]):
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
    prefix = request.get("logGroupNamePrefix", "")
    groups = [name for name in sorted(_groups(region)) if name.startswith(prefix)]
    shown, rest = page(region, groups, request, "nextToken", request.get("limit", 50), REFUSAL)
    return {"logGroups": [_described(region, name) for name in shown], **rest}


def _described(region: Region, name: str) -> dict[str, Any]:
    group_arn = f"arn:aws:logs:{region.name}:{ACCOUNT_ID}:log-group:{name}"
    kept = {"retentionInDays": TRAINING_LOG_DAYS} if name == TRAINING_LOG_GROUP else {}
    return {
        "logGroupName": name,
        "creationTime": milliseconds(_groups(region)[name]),
        **kept,
        "metricFilterCount": 0,
        "arn": f"{group_arn}:*",
        "storedBytes": sum(len(event.message) for event in region.log_events(group=name)),
        "logGroupClass": "STANDARD",
        "logGroupArn": group_arn,
    }


def _groups(region: Region) -> dict[str, datetime]:
    """The log groups that there are by now, and when SageMaker made them."""
    groups = {}
    if region.teams:
        groups[LOG_GROUP] = min(team.created_at for team in region.teams.values())
    if region.training_jobs:
        groups[TRAINING_LOG_GROUP] = min(job.description["CreationTime"] for job in region.training_jobs.values())
    return groups


def find_group(region: Region, name: str) -> str:
    """The name of a log group, however it was written; raises ApiError where the region has none of that name."""
    name = name.removesuffix(":*")
    if name not in _groups(region):
        raise ApiError("ResourceNotFoundException", "The specified log group does not exist.")
    return name


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
