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

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from labelhouse.sources import Clients, Source, Unit, Window, one_by_one
from labelhouse.sources.documents import (
    CLOCK_SKEW,
    Text,
    Unreadable,
    decode,
    encode,
    encode_flawed,
    flaw,
    kind,
    lines,
    ratio,
    shaped,
    time,
    unpack,
    word,
)
from labelhouse.sources.labeling.answers import answers_in, load_answer
from labelhouse.sources.labeling.places import Delivery, known_place_of, place_of
from labelhouse.sources.objects import list_objects, read_object
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import traces_in, without_identities

if TYPE_CHECKING:
    from labelhouse.identities import Identities

#: A chunk ends after so many records, or so many bytes of them.
CHUNK_RECORDS = 10_000
CHUNK_BYTES = 32 * 1024 * 1024

_METADATA = "-metadata"
#: Keys that only the metadata of a label has: users' own metadata may well have a type or a creation date.
_LABEL_METADATA_KEYS = ("job-name", "job_name", "human-annotated", "failure-reason")
_TASK_TYPE_PREFIX = "groundtruth/"
_JOB_NAME_PREFIX = "labeling-job/"
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}
_ADJUSTED = {"adjusted": True, "unadjusted": False}


class _LabelMetadata(msgspec.Struct, rename="kebab"):
    """What Ground Truth says about a label; the underscores are those of custom jobs without consolidation."""

    type: str | None = None
    job_name: str | None = None
    job_name_with_underscore: str | None = msgspec.field(default=None, name="job_name")
    creation_date: str | None = None
    creation_date_with_underscore: str | None = msgspec.field(default=None, name="creation_date")
    class_name: Any = None
    confidence: float | None = None
    human_annotated: str | bool | None = None
    adjustment_status: str | None = None
    failure_reason: str | None = None


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
            _load_line(parsed, delivery, number, line)
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


def _load_line(parsed: Parsed, delivery: Delivery, number: int, raw: Text | memoryview) -> None:
    """One record of a manifest: a dataset object with the labels of one or several jobs, or none as yet."""
    try:
        line, is_suspect = decode(raw)
        if not isinstance(line, dict):
            raise Unreadable(f"the line is {kind(line)}, not an object")
    except Unreadable as reason:
        parsed.quarantine(str(number), str(reason), raw, cleaned=False)
        return
    line = without_identities(line, traces_in(bytes(raw)), delivery.identities)
    if is_suspect and (found := flaw(line)):
        parsed.quarantine(str(number), found, encode_flawed(line), cleaned=True)
        return
    names = [
        key.removesuffix(_METADATA)
        for key, value in line.items()
        if key.endswith(_METADATA) and key != _METADATA and _is_label_metadata(value)
    ]
    if not names:
        parsed.filtered()
        return
    rows: dict[str, dict[str, Any]] = {}
    unusable: dict[str, str] = {}
    for name in names:
        try:
            rows[name] = _entry(line, name, delivery)
        except Unreadable as reason:
            unusable[name] = str(reason)
    if rows:
        _keep_line(parsed, number, line, rows, unusable)
        parsed.loaded()
    else:
        parsed.quarantine(str(number), unusable[names[0]], encode_flawed(line), cleaned=True)


def _keep_line(
    parsed: Parsed, number: int, line: Mapping[str, Any], rows: Mapping[str, dict[str, Any]], unusable: dict[str, str]
) -> None:
    """The rows of a line by label attribute, and the parts of it that are no use with their reasons."""
    origin: dict[str, str | None] = {}
    for column, key in (("source_ref", "source-ref"), ("source_text", "source")):
        value = line.get(key)
        origin[column] = value if isinstance(value, str) else None
        if value is not None and not isinstance(value, str):
            unusable[key] = f"{key} is {kind(value)}, not text"
    for name, row in rows.items():
        position, labeled_at = f"{number}/{name}", row["labeled_at"]
        parsed.row("manifest_entries", position, labeled_at, dataset_object_id=str(number), **origin, **row)
    for name, reason in unusable.items():
        label_key = name if name in line else f"{name}-ref"
        part = {key: line[key] for key in (label_key, name + _METADATA) if key in line}
        parsed.quarantine_part(f"{number}/{name}", reason, encode(part).encode(), cleaned=True)


def _is_label_metadata(value: Any) -> bool:
    """Whether the value of a `…-metadata` key is a label's: users have keys such as `camera-metadata` of their own."""
    if not isinstance(value, dict):
        return False
    task_type = value.get("type")
    return any(name in value for name in _LABEL_METADATA_KEYS) or (
        isinstance(task_type, str) and task_type.lower().startswith(_TASK_TYPE_PREFIX)
    )


def _entry(line: Mapping[str, Any], name: str, delivery: Delivery) -> dict[str, Any]:
    """The row of one label attribute.

    Raises:
        Unreadable: a known field of its metadata is not what it should be.
    """
    label = line.get(name, line.get(f"{name}-ref"))
    metadata = shaped(line[name + _METADATA], _LabelMetadata)
    job_name = (metadata.job_name or metadata.job_name_with_underscore or "").removeprefix(_JOB_NAME_PREFIX)
    is_failed = bool(metadata.failure_reason)
    class_name = metadata.class_name if isinstance(metadata.class_name, str) and not is_failed else None
    return {
        "labeling_job_name": job_name or delivery.place.job_name,
        "manifest_labeling_job_name": delivery.place.job_name,
        "label_attribute_name": name,
        "task_type": metadata.type or None,
        "label": class_name or None,
        "label_json": None if label is None else encode(label),
        "metadata_json": encode(line[name + _METADATA]),
        "confidence_ratio": ratio(metadata.confidence, "confidence") or None,  # 0: one worker, nothing to compare
        "is_human_annotated": word(metadata.human_annotated, "human-annotated", _YES_NO),
        "is_adjusted": word(metadata.adjustment_status, "adjustment-status", _ADJUSTED),
        "is_failed": is_failed,
        "failure_reason": metadata.failure_reason or None,
        "labeled_at": time(
            metadata.creation_date or metadata.creation_date_with_underscore, "creation-date", delivery.latest_at
        ),
    }


SOURCE = Source(
    name="labeling_output",
    description="Output manifests and worker responses of SageMaker Ground Truth. The URI is the S3 output path of "
    "one or many labelling jobs, a job's own folder, anything above them, or a local copy of it.",
    tables=("manifest_entries", "worker_responses"),
    list_units=list_units,
    read_unit=read_object,
    parse=one_by_one(parse),
    same_content=same_content,
)
