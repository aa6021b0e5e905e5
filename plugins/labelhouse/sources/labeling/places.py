"""What the key of a unit of Ground Truth's output says, and what its records share."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from labelhouse.sources.objects import key_of
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities

_MANIFEST = re.compile(r"(?:^|/)(?P<job>[^/]+)/manifests/output/output\.manifest(?:\.gz)?\Z")
_RESPONSE = re.compile(
    r"(?:^|/)(?P<job>[^/]+)/annotations/worker-response/(?P<tail>iteration-(?P<iteration>[0-9]{1,9})/(?P<object>[^/]+)/"
    r"(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}:[0-9]{2}:[0-9]{2})\.json(?:\.gz)?)\Z"
)
#: As many places as the units of a batch: each is asked for when its unit is parsed and when it may be a copy.
_KEPT_PLACES = 10_000


class Place(NamedTuple):
    """What the key of a unit says: the job and, of a worker response, the rest."""

    job_name: str
    tail: str
    iteration_number: int | None = None
    dataset_object_id: str = ""
    named_at: datetime | None = None

    def cleaned(self, identities: Identities) -> Place:
        """Without e-mail addresses in what becomes a column."""
        clean = identities.clean_text
        return self._replace(job_name=clean(self.job_name), dataset_object_id=clean(self.dataset_object_id))


class Delivery(NamedTuple):
    """What the records of a unit share."""

    place: Place
    unit_at: datetime
    latest_at: datetime
    identities: Identities

    def chunk(self) -> Parsed:
        """An empty one."""
        return Parsed(self.unit_at, self.identities)


def place_of(unit_uri: str) -> Place | None:
    """None where the object is no unit of this source."""
    key = key_of(unit_uri)
    if found := _RESPONSE.search(key):
        try:
            named_at = datetime.fromisoformat(f"{found['time']}+00:00")
        except ValueError:
            named_at = None  # digits of no day or hour
        return Place(found["job"], found["tail"], int(found["iteration"]), found["object"], named_at)
    if found := _MANIFEST.search(key):
        return Place(found["job"], tail="manifest")
    return None


@lru_cache(_KEPT_PLACES)
def known_place_of(unit_uri: str) -> Place:
    """The place of what was listed as a unit."""
    if place := place_of(unit_uri):
        return place
    raise ValueError(f"not a unit of labeling_output: {unit_uri!r}")
