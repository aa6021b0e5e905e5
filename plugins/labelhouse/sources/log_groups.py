"""Log groups of CloudWatch Logs, asked hour by hour.

`FilterLogEvents` takes both ends of a time in milliseconds and includes them, so an hour ends a millisecond before the
next one begins. CloudWatch takes events that are two weeks old, or two hours ahead: an hour is never closed, and only
its content tells whether it has changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from labelhouse.errors import SourceError
from labelhouse.sources import Clients, Unit, Window
from labelhouse.sources.control_plane import Api, arn_of
from labelhouse.sources.documents import CLOCK_SKEW

SCHEME = "logs://"
_PLACE = re.compile(
    r"logs://(?P<region>[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2})(?::(?P<account>[0-9]{12}))?"
    r"(?P<group>/[A-Za-z0-9_/.#-]{0,510}[A-Za-z0-9_.#-])/?"
)
_HOUR = "%Y-%m-%dT%HZ"
_AN_HOUR = timedelta(hours=1)
#: Events that a page holds at most.
_MOST_A_PAGE = 10_000


class ApiEvent(msgspec.Struct, omit_defaults=True, gc=False):
    """An event as FilterLogEvents gives it, and as an hour of the log keeps it."""

    timestamp: int | None = None
    event_id: str | None = msgspec.field(default=None, name="eventId")
    log_stream_name: str | None = msgspec.field(default=None, name="logStreamName")
    message: str | None = None


_EVENTS = msgspec.json.Encoder()


class LogGroup(NamedTuple):
    """A log group; its account is None where its URI does not say it."""

    region: str
    account_id: str | None
    name: str


@dataclass(frozen=True, slots=True)
class LogGroups:
    """The log groups that a source reads.

    Args:
        form: what their URIs look like.
        made_when: what SageMaker makes them upon, in words.
    """

    form: str
    made_when: str

    def at(self, uri: str) -> LogGroup:
        """The log group at a URI.

        Raises:
            SourceError: it names none.
        """
        found = _PLACE.fullmatch(uri)
        if not found:
            raise SourceError("no log group is named", value=uri, allowed=self.form)
        return LogGroup(found["region"], found["account"], found["group"])

    def of_hour(self, uri: str) -> LogGroup:
        """The log group that an hour is of, by the URI of the hour."""
        return self.at(uri.rpartition("/")[0])

    def list_hours(self, uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
        """The hours of a log group: from its creation, or as far back as it keeps events, to where clocks may be ahead.

        The account stands behind the region in their URIs: every account has a log group of this name.

        Raises:
            SourceUnavailableError: CloudWatch Logs does not answer now.
            SourceError: there is no such log group, or it cannot be read.
        """
        group = self.at(uri)
        found, now = self._described(group, uri, clients), datetime.now(UTC)
        begin = _begin(found, now)
        account = arn_of(found.get("arn")).account_id
        place = f"{SCHEME}{group.region}{f':{account}' if account else ''}{group.name}"
        if window.start is not None:
            begin = max(begin, window.start.astimezone(UTC))
        hour = begin.replace(minute=0, second=0, microsecond=0)
        end = min(window.end or datetime.max.replace(tzinfo=UTC), now + CLOCK_SKEW)
        while hour < end:
            yield Unit(f"{place}/{hour:{_HOUR}}", "", hour, 0)
            hour += _AN_HOUR

    def hour(self, unit: Unit, clients: Clients) -> list[ApiEvent]:
        """The events of an hour, by time and id.

        Raises:
            UnitGone: the log group was deleted.
            SourceUnavailableError: CloudWatch Logs does not answer now.
            SourceError: it cannot be read.
        """
        place, _, hour = unit.uri.rpartition("/")
        group = self.at(place)
        start = datetime.strptime(hour, _HOUR).replace(tzinfo=UTC)
        first, last = (round(moment.timestamp() * 1000) for moment in (start, start + _AN_HOUR))
        found = Api(clients, "logs", group.region, unit.uri).listing(
            "filter_log_events",
            "events",
            lambda event: event.get("eventId") or (event.get("logStreamName"), event["timestamp"], event["message"]),
            token="nextToken",  # noqa: S106 - of a page
            logGroupName=group.name,
            startTime=first,
            endTime=last - 1,
            limit=_MOST_A_PAGE,
        )
        events = [
            ApiEvent(event["timestamp"], event.get("eventId"), event.get("logStreamName"), event["message"])
            for event in found
            if first <= event["timestamp"] < last
        ]
        events.sort(
            key=lambda event: (event.timestamp, event.event_id or "", event.log_stream_name or "", event.message)
        )
        return events

    def _described(self, group: LogGroup, uri: str, clients: Clients) -> dict[str, Any]:
        """What CloudWatch says about the log group."""
        groups = Api(clients, "logs", group.region, uri).listing(
            "describe_log_groups",
            "logGroups",
            lambda found: found["logGroupName"],
            token="nextToken",  # noqa: S106 - of a page
            logGroupNamePrefix=group.name,
        )
        found = next((each for each in groups if each["logGroupName"] == group.name), None)
        if found is None:
            raise SourceError(
                "the log group does not exist",
                value=uri,
                allowed=f"one that does; SageMaker makes it {self.made_when}",
            )
        return found


def _begin(found: dict[str, Any], now: datetime) -> datetime:
    """When the first hour begins that it may have and has not begun to forget."""
    # events may be two weeks older than the group that takes them
    begin = datetime.fromtimestamp(found["creationTime"] / 1000, UTC) - timedelta(days=14)
    days = found.get("retentionInDays")
    # an hour of which a part is gone would take the place of the whole one
    return max(begin, now - timedelta(days=days) + _AN_HOUR) if days else begin


def encoded(events: Iterable[ApiEvent]) -> bytes:
    """Events, a line of JSON each: the same bytes for the same events."""
    return _EVENTS.encode_lines(events)
