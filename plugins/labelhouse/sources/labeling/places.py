"""What the key of a unit of Ground Truth's output says, and what its records share."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple

from labelhouse.sources.objects import key_of
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.documents import Unreadable

#: What a unit holds: lines of a manifest, workers' answers, a frame of one, frames of a sequence, a mask, or the
#: classes of points.
UnitKind = Literal["manifest", "answers", "answer_frame", "sequence", "mask", "point_labels"]

_MANIFEST = re.compile(r"(?:^|/)(?P<job>[^/]+)/manifests/output/output\.manifest(?:\.gz)?\Z")
_RESPONSE = re.compile(
    r"(?:^|/)(?P<job>[^/]+)/annotations/worker-response/(?P<tail>iteration-(?P<iteration>[0-9]{1,9})/(?P<object>[^/]+)/"
    r"(?:(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}_[0-9]{2}:[0-9]{2}:[0-9]{2})|(?P<folder>[^/]+)/[^/]+\.[A-Za-z0-9]{2,5})\.json(?:\.gz)?)\Z"
)
_CONSOLIDATED = re.compile(
    r"(?:^|/)(?P<job>[^/]+)/annotations/consolidated-annotation/(?P<tail>output/(?P<path>[^/].*))\Z", re.DOTALL
)
_SEQUENCE = re.compile(r"(?P<object>[^/]+)/SeqLabel\.json(?:\.gz)?\Z")
#: A mask or the classes of points: in its object's own folder, or named after the object, mostly with a time.
_AREAS = re.compile(
    r"(?:(?P<folder>[^/]+)/)?(?:.*/)?(?P<name>[^/]+?)"
    r"(?:_(?P<time>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?))?\.(?P<format>png|zlib)\Z",
    re.DOTALL,
)
_KINDS_OF_AREAS: dict[str, UnitKind] = {"png": "mask", "zlib": "point_labels"}
#: As many places as the units of a batch: each is asked for when its unit is parsed and when it may be a copy.
KEPT_PLACES = 10_000


class Place(NamedTuple):
    """What the key of a unit says: the job and, but for a manifest, of which dataset object.

    Attributes:
        tail: what is the same in a copy of the unit, beside the job.
        iteration_number: of a worker response.
        named_at: the time in its name, if any.
        answer_folder: of the frames of an answer, in files beside it.
    """

    job_name: str
    tail: str
    iteration_number: int | None = None
    dataset_object_id: str = ""
    named_at: datetime | None = None
    kind: UnitKind = "manifest"
    answer_folder: str | None = None

    def cleaned(self, identities: Identities) -> Place:
        """Without e-mail addresses in what becomes a column."""
        clean = identities.clean_text
        folder = self.answer_folder and clean(self.answer_folder)
        return self._replace(
            job_name=clean(self.job_name), dataset_object_id=clean(self.dataset_object_id), answer_folder=folder
        )


class Delivery(NamedTuple):
    """What the records of a unit share."""

    place: Place
    unit_at: datetime
    latest_at: datetime
    identities: Identities

    def chunk(self) -> Parsed:
        """An empty one."""
        return Parsed(self.unit_at, self.identities)

    def unreadable(self, reason: Unreadable, data: bytes) -> Parsed:
        """A unit of which nothing can be read, as the one record that it is."""
        parsed = self.chunk()
        parsed.quarantine("0", str(reason), data, cleaned=False)
        return parsed


def place_of(unit_uri: str) -> Place | None:
    """None where the object is no unit of this source."""
    key = key_of(unit_uri)
    if found := _RESPONSE.search(key):
        kind: UnitKind = "answer_frame" if found["folder"] else "answers"
        iteration, named_at = int(found["iteration"]), named_time(found["time"])
        return Place(found["job"], found["tail"], iteration, found["object"], named_at, kind, found["folder"])
    if found := _MANIFEST.search(key):
        return Place(found["job"], tail="manifest")
    if found := _CONSOLIDATED.search(key):
        job, tail = found["job"], found["tail"]
        if sequence := _SEQUENCE.match(found["path"]):
            return Place(job, tail, None, sequence["object"], None, "sequence")
        if areas := _AREAS.match(found["path"]):
            object_id = areas["folder"] or areas["name"]
            return Place(job, tail, None, object_id, named_time(areas["time"]), _KINDS_OF_AREAS[areas["format"]])
    return None


def named_time(text: str | None) -> datetime | None:
    """The UTC time that a name says; None where it says none, or digits of no day or hour."""
    try:
        return datetime.fromisoformat(f"{text}+00:00").astimezone(UTC) if text else None
    except ValueError:
        return None


@lru_cache(KEPT_PLACES)
def known_place_of(unit_uri: str) -> Place:
    """The place of what was listed as a unit."""
    if place := place_of(unit_uri):
        return place
    raise ValueError(f"not a unit of labeling_output: {unit_uri!r}")
