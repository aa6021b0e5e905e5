"""Source `trail_digests`: the digests that CloudTrail signs every hour, and whether the log files are as they say.

It is switched on by naming it among the sources, with the same URI as `cloudtrail`. A digest is a unit; its version
changes with every log file of its period, so that what is altered later is found when the place is listed again.
`trails.evidence` reads what a digest vouches for, `trails.verdicts` judges it by the rules of `aws cloudtrail
validate-logs` and gives a row of `trail_digests` for every file; one that fails holds the release.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from labelhouse.sources import Clients, Source, Unit, Window, one_by_one, told_by_place
from labelhouse.sources.objects import list_objects
from labelhouse.sources.trails.evidence import evidence
from labelhouse.sources.trails.places import places
from labelhouse.sources.trails.verdicts import TrailListing, parse_evidence

#: The version of a digest depends on what lies hours around it: days are listed beyond the window.
_MARGIN = timedelta(days=1)


def list_units(uri: str, clients: Clients, window: Window) -> Iterator[Unit]:
    """The digests below a folder or prefix, with versions that change with the log files they cover.

    Raises:
        SourceError: the place is missing or unreadable, see `list_objects`.
    """
    wider = Window(window.start and window.start - _MARGIN, window.end and window.end + _MARGIN)
    listing = TrailListing()
    for place in places(uri, clients, wider, {"CloudTrail", "CloudTrail-Digest"}):
        for unit in list_objects(place, clients):
            listing.add(unit)
    return listing.digests()


SOURCE = Source(
    name="trail_digests",
    description="Digests of CloudTrail trails, to verify their log files. The URI is that of the source cloudtrail; "
    "a local copy holds the public keys as public-keys.json.",
    tables=("trail_digests",),
    list_units=list_units,
    read_unit=evidence,
    parse=one_by_one(parse_evidence),
    same_content=told_by_place,  # a digest vouches for its own place: a copy is none
    daily_look_back=timedelta(days=30),
)
