"""Source `labeling_output`: what Ground Truth writes for a labelling job.

Two kinds of units, found at any depth below the source's URI, each plain or gzipped:

* `<job>/manifests/output/output.manifest`, one record a line → `manifest_entries`, one row per label attribute;
* `<job>/annotations/worker-response/iteration-N/<objectId>/<time>.json`, one record an answer → `worker_responses`.

Everything else in the output (intermediate manifests, consolidated annotations, frames of videos) is no unit.

**What is quarantined.** A unit that cannot be unpacked, or an answer file that is no JSON document, counts as one
record, read and quarantined, at position `0`. A known field is NULL where it is missing, null or empty text. Of
another type, or beyond what it may hold, it makes its answer, or its label attribute, unusable. While other
attributes of a line load, an unusable one is a quarantined part of it (`line/attribute`); so is a `source-ref` or
`source` that is no text, without which the attributes load all the same. Unknown fields stay in the JSON columns.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from labelhouse.sources import Clients, Source, Unit, Window, one_by_one
from labelhouse.sources.documents import (
    CLOCK_SKEW,
    Unreadable,
    lines,
    unpack,
)
from labelhouse.sources.labeling.answers import answers_in, load_answer
from labelhouse.sources.labeling.manifests import load_line
from labelhouse.sources.labeling.places import Delivery, known_place_of, place_of
from labelhouse.sources.objects import list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import traces_in

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: A chunk ends after so many records, or so many bytes of them.
CHUNK_RECORDS = 10_000
CHUNK_BYTES = 32 * 1024 * 1024


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The manifests and worker responses below a folder or prefix, by key; a job's own folder will do.

    Raises:
        SourceError: the place is missing or unreadable, see `list_objects`.
    """
    for unit in list_objects(uri, clients):
        if place := place_of(unit.uri):
            yield Unit(unit.uri, unit.version, place.named_at or unit.unit_at, unit.size_bytes)


def same_content(unit_uri: str) -> str:
    """Copies are of the same job, of its answers for the same object and iteration."""
    place = known_place_of(unit_uri)
    # without the job, the manifest of a chained job were its input's copy until its first label is made
    return f"{place.job_name.lower()}/{place.tail}"


def parse(unit: Unit, data: bytes, identities: Identities) -> Iterator[Parsed]:
    """The unit's rows, quarantine and counts, in chunks; the module says what is quarantined. Data never raises."""
    place = known_place_of(unit.uri).cleaned(identities)
    delivery = Delivery(place, unit.unit_at, datetime.now(UTC) + CLOCK_SKEW, identities)
    try:
        text = unpack(data)
        answers, is_suspect = (None, False) if place.iteration_number is None else answers_in(text)
    except Unreadable as reason:
        parsed = delivery.chunk()
        parsed.quarantine("0", str(reason), data, cleaned=False)
        yield parsed
        return
    parsed, chunk_bytes = delivery.chunk(), 0
    if answers is None:
        for number, line in lines(text):
            load_line(parsed, delivery, number, line)
            chunk_bytes += len(line)
            if parsed.records_read == CHUNK_RECORDS or chunk_bytes >= CHUNK_BYTES:
                yield parsed
                parsed, chunk_bytes = delivery.chunk(), 0
    else:
        traces = traces_in(text)
        for number, answer in enumerate(answers):
            load_answer(parsed, delivery, number, answer, traces, is_suspect=is_suspect)
            if parsed.records_read == CHUNK_RECORDS:
                yield parsed
                parsed = delivery.chunk()
    if parsed.records_read:
        yield parsed


SOURCE = Source(
    name="labeling_output",
    description="Output manifests and worker responses of SageMaker Ground Truth. The URI is the S3 output path of "
    "one or many labelling jobs, a job's own folder, anything above them, or a local copy of it.",
    tables=("manifest_entries", "worker_responses", "annotations", "frames", "mask_areas"),
    list_units=list_units,
    read_unit=read_object,
    parse=one_by_one(parse),
    same_content=same_content,
)
