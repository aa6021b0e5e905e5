"""Source `labeling_output`: what Ground Truth writes for a labelling job.

Six kinds of units, found at any depth below the source's URI; all but masks and point labels may be gzipped:

* manifests, `<job>/manifests/output/output.manifest`: a record is a line → `manifest_entries`, one row per label
  attribute, and `annotations`;
* answers, `<job>/annotations/worker-response/iteration-N/<objectId>/<time>.json`: a record is an answer →
  `worker_responses`, `annotations` and `frames`;
* frames of an answer that lie in files of their own, `<job>/annotations/worker-response/iteration-N/<objectId>/
  <folder>/<frame>.json`: the file is the record → `frames` and `annotations`; the answer names the folder;
* sequences, `<job>/annotations/consolidated-annotation/output/<objectId>/SeqLabel.json`: a record is a frame →
  `frames`, the empty ones too, and `annotations`;
* masks, `<job>/annotations/consolidated-annotation/output/<file>.png`, and point labels, `….zlib`: the file is the
  record → `mask_areas`, one row per colour or class.

Masks and point labels may lie in folders of their own; they are units because they lie there, and nothing is ever
fetched because a manifest names it. Everything else in the output (intermediate manifests, consolidation requests,
frames of videos) is no unit.

**What is quarantined.** A unit that cannot be unpacked, or a file that should be a JSON document, a mask or point
labels and is none, counts as one record, read and quarantined, at position `0`. A known field is NULL where it is
missing or null, and of an answer or a label attribute where it is empty text. Of another type, or beyond what it may
hold, it makes its answer, label attribute, frame or annotation unusable. While other attributes of a line load, an
unusable one is a quarantined part of it (`line/attribute`); so is a `source-ref` or `source` that is no text, without
which the attributes load all the same, and an annotation (`record/annotation`), which its frame counts none the less.
Unknown fields stay in the JSON columns, those of a frame among its attributes.

**How they are read.** Regular lines of manifests, regular answers and regular frames of sequences go through columns,
answers and frames of many small files together, see `labeling.regular_lines`, `labeling.regular_answers` and
`labeling.regular_frames`; everything else goes record by record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from labelhouse.sources import Clients, Source, Unit, Window
from labelhouse.sources.documents import CLOCK_SKEW, Unreadable, unpack
from labelhouse.sources.labeling.elements import load_answer_frame
from labelhouse.sources.labeling.masks import classes_in, colors_in, load_areas
from labelhouse.sources.labeling.places import Delivery, UnitKind, known_place_of, place_of
from labelhouse.sources.labeling.sequences import pieces_of
from labelhouse.sources.objects import list_objects, read_object
from labelhouse.sources.parsed import Parsed

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.labeling.regular_frames import RegularFrames


def list_units(uri: str, clients: Clients, _window: Window) -> Iterator[Unit]:
    """The units below a folder or prefix, by key; a job's own folder will do.

    Raises:
        SourceError: the place is missing or unreadable, see `list_objects`.
    """
    for unit in list_objects(uri, clients):
        if place := place_of(unit.uri):
            yield Unit(unit.uri, unit.version, place.named_at or unit.unit_at, unit.size_bytes)


def same_content(unit_uri: str) -> str:
    """Copies are of the same job, and of the same object, iteration and file: empty masks are all alike."""
    place = known_place_of(unit_uri)
    # without the job, the manifest of a chained job were its input's copy until its first label is made
    return f"{place.job_name.lower()}/{place.tail}"


def parse(units: Iterable[tuple[Unit, bytes]], identities: Identities) -> Iterator[tuple[Unit, Parsed]]:
    """Rows, quarantine and counts of units, in chunks; the module says what is quarantined. Data never raises."""
    from labelhouse.sources.labeling.regular_answers import RegularAnswers  # brings Arrow
    from labelhouse.sources.labeling.regular_frames import RegularFrames

    regular, answers = RegularFrames(), RegularAnswers()
    for unit, data in units:
        place = known_place_of(unit.uri).cleaned(identities)
        delivery = Delivery(place, unit.unit_at, datetime.now(UTC) + CLOCK_SKEW, identities)
        if place.kind == "sequence":
            yield from _sequence(unit, data, delivery, regular)
        elif place.kind == "answers":
            yield from answers.add(unit, delivery, data)
        else:
            for parsed in _PARSERS[place.kind](delivery, data):
                yield unit, parsed
    yield from regular.taken()
    yield from answers.taken()


def _sequence(unit: Unit, data: bytes, delivery: Delivery, regular: RegularFrames) -> Iterator[tuple[Unit, Parsed]]:
    try:
        for piece in pieces_of(unit, delivery, unpack(data)):
            yield from regular.add(piece)
    except Unreadable as reason:
        yield unit, delivery.unreadable(reason, data)


def _manifest(delivery: Delivery, data: bytes) -> Iterator[Parsed]:
    from labelhouse.sources.labeling.regular_lines import load_manifest  # brings Arrow

    try:
        text = unpack(data)
    except Unreadable as reason:
        yield delivery.unreadable(reason, data)
        return
    yield from load_manifest(delivery, text)


def _mask(delivery: Delivery, data: bytes) -> Iterator[Parsed]:
    parsed = delivery.chunk()
    load_areas(parsed, delivery, data, colors_in)
    yield parsed


def _point_labels(delivery: Delivery, data: bytes) -> Iterator[Parsed]:
    parsed = delivery.chunk()
    load_areas(parsed, delivery, data, classes_in)
    yield parsed


_PARSERS: dict[UnitKind, Callable[[Delivery, bytes], Iterator[Parsed]]] = {
    "manifest": _manifest,
    "answer_frame": load_answer_frame,
    "mask": _mask,
    "point_labels": _point_labels,
}


SOURCE = Source(
    name="labeling_output",
    description="Labels and worker responses that SageMaker Ground Truth wrote. The URI is the S3 output path of "
    "one or many labelling jobs, a job's own folder, anything above them, or a local copy of it.",
    tables=("manifest_entries", "worker_responses", "annotations", "frames", "mask_areas"),
    list_units=list_units,
    read_unit=read_object,
    parse=parse,
    same_content=same_content,
)
