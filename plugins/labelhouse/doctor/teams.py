"""Questions about work teams and the log of their activity.

SageMaker may write the log since somebody made a private team in August 2019 or later; the permission then holds for
all teams of the account and region, older ones, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from labelhouse.doctor.findings import Finding, Heading, State
from labelhouse.doctor.log_groups import exists
from labelhouse.doctor.questions import Examined
from labelhouse.sources.control_plane import Api

#: Teams since then have brought the permission to log.
TRUSTED_SINCE = datetime(2019, 9, 1, tzinfo=UTC)
#: A log without an event for so long is out of use.
LONGEST_SILENCE = timedelta(days=365)
#: So many pages are asked for, most of them empty where events are rare.
MOST_PAGES = 50
_GUIDE: Heading = "workers-activity"
_NEW_TEAM = "make a private team, which may be without members and be deleted again"


def activity(place: Examined) -> Iterator[Finding]:
    """Whether somebody has written to the log within a year, and if not, what the teams have to do with it."""
    region = place.target.region
    assert region
    if not exists(place, region):
        yield from _teams_of_log(place, "the log group does not exist")
        return
    has_events = _has_events(place, region)
    if has_events is None:
        what = f"{MOST_PAGES} pages hold no event, so whether somebody works could not be checked"
        yield place.finding(State.UNKNOWN, what)
    elif not has_events:
        yield from _teams_of_log(place, f"the log group holds no event of the last {LONGEST_SILENCE.days} days")


def old_teams(place: Examined) -> Iterator[Finding]:
    """Whether a team is young enough to have brought the permission to log."""
    assert place.target.region
    teams = _teams(place, place.target.region)
    if teams and _are_old(teams):
        what = "all private work teams are older than August 2019, so their activity may not be logged"
        yield place.finding(State.NOTE, what, _NEW_TEAM, _GUIDE)


def _teams_of_log(place: Examined, what: str) -> Iterator[Finding]:
    """A log without events, and what the teams have to do with it."""
    assert place.target.region
    teams = _teams(place, place.target.region)
    if not teams:
        what, to_do = f"{what}: there is no private work team in {place.target.region}", _NEW_TEAM
    elif _are_old(teams):
        what, to_do = f"{what}: all private work teams are older than August 2019", _NEW_TEAM
    else:
        to_do = "look whether private teams took tasks, and whether the log group was deleted or emptied"
    yield place.finding(State.MISSING, what, to_do, _GUIDE)


def _has_events(place: Examined, region: str) -> bool | None:
    """Whether the group has an event of the last year; None where that takes too long to find out."""
    api: Api = place.api("logs", region)
    since = round((place.now() - LONGEST_SILENCE).timestamp() * 1000)
    token: dict[str, Any] = {}
    for _ in range(MOST_PAGES):
        page = api.ask("filter_log_events", logGroupName=place.target.group, startTime=since, limit=1, **token)
        if page.get("events"):
            return True
        if not page.get("nextToken"):
            return False
        token = {"nextToken": page["nextToken"]}
    return None


def _teams(place: Examined, region: str) -> list[dict[str, Any]]:
    return place.api("sagemaker", region).listing(
        "list_workteams", "Workteams", lambda team: team["WorkteamArn"], MaxResults=100
    )


def _are_old(teams: list[dict[str, Any]]) -> bool:
    return all(team.get("CreateDate", TRUSTED_SINCE) < TRUSTED_SINCE for team in teams)
