"""What a worker answered, in whatever crowd elements, as rows of `annotations` and, of a sequence, of `frames`.

An answer's content holds one part per element of the worker's form, under the element's name or one that the form's
author gave it; so the shape of a part tells what it is. What no built-in element writes is one `custom` row.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from labelhouse.schema.annotations import ANNOTATIONS, FRAMES
from labelhouse.sources.documents import Unreadable, decode, encode, encode_flawed, flaw, kind, unpack
from labelhouse.sources.labeling.shapes import (
    EMPTY,
    EMPTY_FRAME,
    color_of,
    described,
    frame_of,
    holds_things,
    opened,
    things_in,
)
from labelhouse.sources.worker_identities import traces_in, without_identities

if TYPE_CHECKING:
    from labelhouse.identities import Identities
    from labelhouse.sources.labeling.places import Delivery
    from labelhouse.sources.parsed import Parsed

#: Keys of a video's or point cloud's answer on the way to its frames.
_SEQUENCE_KEYS = ("frameData", "framesData")


def load_elements(
    parsed: Parsed, delivery: Delivery, answer: Mapping[str, Any], number: int, content: Mapping[str, Any]
) -> None:
    """The annotations and frames of one answer; unusable ones in quarantine.

    Args:
        answer: its row of `worker_responses`.
        number: of the answer in its unit.
        content: its `answerContent`, identities replaced.
    """
    if not content:
        return
    owner = _owner(delivery) | {
        "event_at": answer["submitted_at"] or delivery.unit_at,
        "worker_id": answer["worker_id"],
        "worker_pseudonym": answer["worker_pseudonym"],
    }
    part = next(iter(content.values()))
    label = part.get("label") if len(content) == 1 and type(part) is dict else None
    if label and type(label) is str:  # most answers by far
        owner.update(_class(part), position=f"{number}/0")
        parsed.rows[ANNOTATIONS.name].append(owner)
    else:
        _Reader(parsed, owner, str(number), delivery.identities).read(content)


def load_answer_frame(delivery: Delivery, data: bytes) -> Iterator[Parsed]:
    """The one frame of an answer that lies in a file of its own; whose it is, only the answer says. Data never raises.

    The frame may stand below the name of the answer's element, as it does in answers.
    """
    try:
        text = unpack(data)
        document, is_suspect = decode(text)
        if is_suspect and (found := flaw(document)):
            raise Unreadable(found)
        entry = _frame_in(document)
        frame_of(entry)
    except Unreadable as reason:
        yield delivery.unreadable(reason, data)
        return
    parsed = delivery.chunk()
    entry = without_identities(entry, traces_in(text), delivery.identities)
    _Reader(parsed, _owner(delivery), "0", delivery.identities).read_frame(entry, None)
    parsed.loaded()
    yield parsed


def _frame_in(document: Any) -> dict[str, Any]:
    for _ in range(3):  # answerContent, the element, the frame
        if not isinstance(document, dict):
            raise Unreadable(f"the document is {kind(document)}, not an object")
        if holds_things(document) or "frameNumber" in document:
            return document
        parts = [part for part in map(opened, document.values()) if isinstance(part, dict)]
        if len(parts) != 1:
            break
        document = parts[0]
    raise Unreadable("the document holds no frame of an answer")


def answer_folder_of(content: Mapping[str, Any]) -> str | None:
    """The folder whose files hold the frames of an answer: the last part of the prefix that it names in their place."""
    prefixes = (_prefix_of(part) for part in map(opened, content.values()) if isinstance(part, dict))
    prefix = next(filter(None, prefixes), "")
    return prefix.rstrip("/").rpartition("/")[2] or None


def _prefix_of(part: Mapping[str, Any]) -> str | None:
    """Where the frames of a sequence lie in files of their own; None where they are here."""
    data = _sequence_data(part)
    if not isinstance(data, dict) or not isinstance(prefix := data.get("s3Prefix"), str):
        return None
    frames = _listed(opened(data.get("entries") or []))
    return prefix if isinstance(frames, list) and not any(map(_is_frame, map(opened, frames))) else None


def _listed(entries: Any) -> Any:
    return list(entries.values()) if isinstance(entries, dict) else entries


def _is_frame(entry: Any) -> bool:
    return isinstance(entry, dict) and holds_things(entry)


def _owner(delivery: Delivery) -> dict[str, Any]:
    """What all rows of an answer share."""
    return {
        **EMPTY,
        "event_at": delivery.unit_at,
        "labeling_job_name": delivery.place.job_name,
        "dataset_object_id": delivery.place.dataset_object_id,
        "is_consolidated": False,
        "iteration_number": delivery.place.iteration_number,
        "answer_folder": delivery.place.answer_folder,
    }


class _Reader:
    """Reads the parts of one answer; numbers annotations and frames through all of them."""

    def __init__(self, parsed: Parsed, owner: Mapping[str, Any], position: str, identities: Identities) -> None:
        self._parsed, self._owner, self._position, self._identities = parsed, owner, position, identities
        self._annotations = self._frames = 0

    def read(self, content: Mapping[str, Any]) -> None:
        """All parts of an answer. Those of no known shape are one row together, by their names."""
        bare = {name: part for name, part in content.items() if holds_things({name: part}) and _are_objects(part)}
        self._read_things(bare)
        unknown = {name: part for name, part in content.items() if name not in bare and not self._read_part(part)}
        if unknown:
            self._add({"geometry_type": "custom", "annotation_json": encode(unknown)})

    def _read_part(self, part: Any) -> bool:
        """Whether a part had a known shape, in which case it was read."""
        if isinstance(part, str):
            part = self._opened(part)
        if not isinstance(part, dict):
            return False
        label = part.get("label")
        if isinstance(label, str) and label:
            self._add(_class(part))
        elif not label and part.keys() <= {"label"}:
            return True  # nothing was chosen
        elif isinstance(part.get("labels"), list) and not holds_things(part):
            for each in part["labels"]:
                self._try(each, _chosen)
        elif holds_things(part):
            self._read_things(part)
        elif isinstance(mappings := part.get("labelMappings"), dict):
            for name, mapping in mappings.items():
                self._try(mapping, _coloured, name)
        else:
            return self._read_sequence(part)
        return True

    def _opened(self, part: str) -> Any:
        """A part that may be JSON inside JSON; what that spelt with escapes may name people after all."""
        found = opened(part)
        return part if found is part else without_identities(found, traces_in(part.encode()), self._identities)

    # --- sequences

    def _read_sequence(self, part: Mapping[str, Any]) -> bool:
        """The frames of a video or of point clouds: of one sensor, or of several by their names."""
        if _prefix_of(part):
            return True
        if (entries := _entries_of(part)) is not None:
            return self._read_frames(entries, None)
        sensors = {name: _entries_of(each) for name, each in part.items() if isinstance(each, dict)}
        read = [self._read_frames(entries, name) for name, entries in sensors.items() if entries is not None]
        return any(read)

    def _read_frames(self, entries: Any, sensor_name: str | None) -> bool:
        """Whether the frames of a sensor are here, not only the names of files that hold them."""
        if isinstance(entries, str):
            entries = self._opened(entries)
        frames = _listed(entries)
        if not isinstance(frames, list):
            return False
        frames = [self._opened(each) if isinstance(each, str) else each for each in frames]
        if frames and not any(map(_is_frame, frames)):
            return False
        for each in frames:
            self.read_frame(each, sensor_name)
        return True

    def read_frame(self, entry: Any, sensor_name: str | None) -> None:
        """A frame and the things in it; `entry` has its identities replaced."""
        position = f"{self._position}/frame/{self._frames}"
        self._frames += 1
        try:
            if not isinstance(entry, dict):
                raise Unreadable(f"the frame is {kind(entry)}, not an object")
            frame = frame_of(entry)
        except Unreadable as reason:
            self._parsed.quarantine_part(position, str(reason), encode_flawed(entry), cleaned=True)
            return
        count = self._read_things(entry, {"frame_number": frame.number, "sensor_name": sensor_name})
        known = {name: self._owner[name] for name in EMPTY_FRAME if name in self._owner}
        self._parsed.rows[FRAMES.name].append(
            {
                **EMPTY_FRAME,
                **known,
                "position": position,
                "frame_number": frame.number,
                "sensor_name": sensor_name,
                "frame_name": frame.name,
                "attributes": frame.attributes,
                "annotation_count": count,
            }
        )

    # --- things

    def _read_things(self, container: Mapping[str, Any], place: Mapping[str, Any] | None = None) -> int:
        """The things in the known lists of a part or a frame. Returns how many there are, unusable ones included."""
        before = self._annotations
        try:
            for key, item in things_in(container):
                self._try(item, described, key, place=place)
        except Unreadable as reason:
            self._reject(container, reason)
        return self._annotations - before

    def _try(self, item: Any, describe: Any, *names: str, place: Mapping[str, Any] | None = None) -> None:
        try:
            columns = describe(item, *names)
        except Unreadable as reason:
            self._reject(item, reason)
        else:
            self._add({**(place or {}), **columns})

    def _add(self, columns: Mapping[str, Any]) -> None:
        row = {**self._owner, "position": f"{self._position}/{self._annotations}", **columns}
        self._parsed.rows[ANNOTATIONS.name].append(row)
        self._annotations += 1

    def _reject(self, item: Any, reason: Unreadable) -> None:
        position = f"{self._position}/{self._annotations}"
        self._parsed.quarantine_part(position, str(reason), encode_flawed(item), cleaned=True)
        self._annotations += 1


def _are_objects(part: Any) -> bool:
    """Whether a part may be things themselves, and not a form's element that is called like a list of them."""
    return isinstance(part, list) and all(isinstance(each, dict) for each in part)


def _entries_of(part: Mapping[str, Any]) -> Any:
    """The frames in a part, None where it has none."""
    data = _sequence_data(part)
    return data.get("entries") if isinstance(data, dict) else None


def _sequence_data(part: Mapping[str, Any]) -> Any:
    return opened(next((part[key] for key in _SEQUENCE_KEYS if key in part), None))


def _class(part: Mapping[str, Any]) -> dict[str, Any]:
    """The one class that a worker chose; what else the part holds, such as a comment, stays beside it."""
    return {
        "geometry_type": "class",
        "category": part["label"],
        "annotation_json": None if len(part) == 1 else encode(part),
    }


def _chosen(label: Any) -> dict[str, Any]:
    """A class that a worker chose, maybe one of several."""
    if not isinstance(label, str):
        raise Unreadable(f"a label is {kind(label)}, not text")
    return {"geometry_type": "class", "category": label}


def _coloured(mapping: Any, name: str) -> dict[str, Any]:
    """A class of a worker's mask; the pixels stay in the answer."""
    color = mapping.get("color") if isinstance(mapping, dict) else mapping
    if not isinstance(color, str):
        raise Unreadable(f"the colour of a class is {kind(color)}, not text")
    return {"geometry_type": "mask", "category": name, "mask_color": color_of(color)}
