"""Source `a2i_output`: what workers answered in human loops of Amazon Augmented AI.

A unit is the output of one human loop, `<flow definition>/YYYY/MM/DD/hh/mm/ss/<human loop>/output.json`, plain or
gzipped, at any depth below the source's URI; the time is the loop's creation. Everything else is no unit.

A record is one answer → a row of `worker_responses` and the rows of `annotations` and `frames` that it holds, as in
the answers of labelling jobs: the flow definition stands for the job, the human loop for the dataset object, and
there is one iteration. What went into the loop (`inputContent`: a model's prediction, say) is not kept.

**What is quarantined.** A unit that cannot be unpacked, or is no JSON document with a list of answers, counts as one
record, read and quarantined, at position `0`; else as in `labeling_output`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from labelhouse.errors import SourceError
from labelhouse.sources import Clients, Source, Unit, Window, one_by_one
from labelhouse.sources.documents import CLOCK_SKEW, Text, Unreadable, decode, kind
from labelhouse.sources.labeling.answers import load_answers
from labelhouse.sources.labeling.places import KEPT_PLACES, Delivery, Place, named_time
from labelhouse.sources.objects import key_of, list_objects, read_object
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities

_LOOP = re.compile(
    r"(?:^|/)(?P<flow>[^/]+)/(?P<tail>(?P<day>[0-9]{4}/[0-9]{2}/[0-9]{2})/(?P<time>[0-9]{2}/[0-9]{2}/[0-9]{2})/"
    r"(?P<loop>[^/]+)/output\.json)(?:\.gz)?\Z"
)
#: A human loop asks its workers once.
_ITERATION = 1


def _place_of(unit_uri: str) -> Place | None:
    """None where the object is no output of a human loop."""
    if not (found := _LOOP.search(key_of(unit_uri))):
        return None
    named_at = named_time(f"{found['day'].replace('/', '-')}T{found['time'].replace('/', ':')}")
    return Place(found["flow"], found["tail"], _ITERATION, found["loop"], named_at)


@lru_cache(KEPT_PLACES)
def _known_place_of(unit_uri: str) -> Place:
    """The place of what was listed as a unit."""
    if place := _place_of(unit_uri):
        return place
    raise SourceError("not the output of a human loop", value=unit_uri)


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The outputs of human loops below a folder or prefix, by key; a flow definition's own folder will do.

    Raises:
        SourceError: the place is missing or unreadable, see `list_objects`.
    """
    for unit in list_objects(uri, clients):
        if place := _place_of(unit.uri):
            yield Unit(unit.uri, unit.version, place.named_at or unit.unit_at, unit.size_bytes)


def same_content(unit_uri: str) -> str:
    """Copies are of the same human loop of the same flow definition."""
    place = _known_place_of(unit_uri)
    return f"{place.job_name.lower()}/{place.tail}"


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The unit's rows, quarantine and counts, in chunks; the module says what is quarantined. Data never raises."""
    place = _known_place_of(unit.uri).cleaned(identities)
    delivery = Delivery(place, unit.unit_at, datetime.now(UTC) + CLOCK_SKEW, identities)
    yield from load_answers(delivery, data, _answers_in)


def _answers_in(text: Text) -> tuple[list[Any], bool]:
    """The answers of a human loop's output, and whether they must be looked at for flaws."""
    document, is_suspect = decode(text)
    if not isinstance(document, dict):
        raise Unreadable(f"the document is {kind(document)}, not an object")
    answers = document.get("humanAnswers")
    if not isinstance(answers, list) or not answers:
        raise Unreadable("the document holds no list of humanAnswers")
    return answers, is_suspect


SOURCE = Source(
    name="a2i_output",
    description="Human loops of Amazon Augmented AI (A2I). The URI is the S3 output path of one or many flow "
    "definitions, a flow definition's own folder, anything above them, or a local copy of it.",
    tables=("worker_responses", "annotations", "frames"),
    list_units=list_units,
    read_unit=read_object,
    parse=one_by_one(parse),
    same_content=same_content,
)
