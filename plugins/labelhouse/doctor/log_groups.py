"""Questions about log groups: each exists in one region, and its name says nothing of which."""

from __future__ import annotations

from collections.abc import Iterator

from labelhouse.doctor.findings import Finding, State
from labelhouse.doctor.questions import Examined


def elsewhere(place: Examined) -> Iterator[Finding]:
    """Where the log group is, if not here but in a region that another place names."""
    here = place.target.region
    assert here
    if exists(place, here):
        return
    for region in sorted(place.regions - {here}):
        if exists(place, region):
            what, to_do = f"the log group is in {region}, not in {here}", f"name logs://{region}{place.target.group}"
            yield place.finding(State.MISSING, what, to_do, "regions")


def exists(place: Examined, region: str) -> bool:
    """Whether there is a log group of that name in a region.

    Raises:
        SourceError: it may not be asked.
    """
    listed = place.api("logs", region).ask("describe_log_groups", logGroupNamePrefix=place.target.group)
    return any(each["logGroupName"] == place.target.group for each in listed.get("logGroups", ()))
