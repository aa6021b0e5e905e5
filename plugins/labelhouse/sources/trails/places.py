"""Where in a bucket the files of a trail lie, so that a window of days is listed without all others.

A trail has hundreds of files a day, kept for years, under `AWSLogs/[organisation/]account/<folder>/region/yyyy/mm/dd`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta

from labelhouse.sources import Clients, Window
from labelhouse.sources.documents import CLOCK_SKEW
from labelhouse.sources.objects import list_folders

#: Longer windows are listed in one go, since asking for every day would be slower.
MOST_LISTED_DAYS = 62

#: So many folders lie between the URI and those of the regions, at most.
_DEEPEST = 6

_REGION = re.compile(r"[a-z]{2,}(?:-[a-z]+)+-[0-9]+")
#: What leads on below `AWSLogs`: organisations and accounts, but not the folders of other services.
_ON_THE_WAY = re.compile(r"o-[a-z0-9]+|[0-9]{12}")


def places(uri: str, clients: Clients, window: Window, folders: Collection[str]) -> Iterator[str]:
    """What to list: the days of a short window, in a bucket that is laid out by days; else the whole place.

    Args:
        folders: names of the folders above the regions, e.g. `CloudTrail`.

    Raises:
        SourceError: as `list_folders`.
    """
    days = _days(window)
    regions = list(_regions(uri.rstrip("/"), clients, folders)) if days and uri.startswith("s3://") else []
    if not regions:
        yield uri
    for region in regions:
        yield from (f"{region}/{day:%Y/%m/%d}" for day in days)


def _regions(uri: str, clients: Clients, names: Collection[str], depth: int = 0) -> Iterator[str]:
    """The folders of the regions, at a prefix or below it; none where the prefix lies below one."""
    above = uri.split("/")
    at = next((at for at in range(1, len(above)) if above[at - 1] in names and _REGION.fullmatch(above[at])), None)
    if at is not None:
        if at == len(above) - 1:
            yield uri
        return
    for folder in list_folders(uri, clients) if depth <= _DEEPEST else ():
        name = folder.rpartition("/")[2]
        if "AWSLogs" in above:
            is_on_the_way = name in names or above[-1] in names or bool(_ON_THE_WAY.fullmatch(name))
        else:  # people name these
            is_on_the_way = name in names or not name.startswith("CloudTrail-")
        if is_on_the_way:
            yield from _regions(folder, clients, names, depth + 1)


def _days(window: Window) -> list[datetime]:
    """The UTC days of a window; none where it is open or long."""
    if window.start is None:
        return []
    first = window.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    last = min(window.end or datetime.max.replace(tzinfo=UTC), datetime.now(UTC) + CLOCK_SKEW)
    count = (last - first) // timedelta(days=1) + 1
    return [first + timedelta(days=number) for number in range(count)] if count <= MOST_LISTED_DAYS else []
