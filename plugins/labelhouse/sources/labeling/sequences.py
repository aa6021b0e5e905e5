"""The frames of a sequence file, `SeqLabel.json`, as rows of `frames` and `annotations`.

A file holds one list of frames (`tracking-annotations`, `detection-annotations`), or one below the name of each
sensor (`lidar`, `camera-0`); they are numbered through. It is cut into its frames without decoding them, and these
go in pieces of bounded size: regular ones, of boxes or cuboids alone, all at once through `regular_frames`, any
other frame by frame, which keeps what is good of it and says what is wrong with the rest.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from labelhouse.schema.annotations import ANNOTATIONS, FRAMES
from labelhouse.sources.documents import (
    MAX_RECORD_BYTES,
    Text,
    Unreadable,
    decode,
    encode_flawed,
    flaw,
    kind,
)
from labelhouse.sources.labeling.shapes import (
    EMPTY,
    EMPTY_FRAME,
    attributes_of,
    described,
    frame_of,
    holds_things,
    things_in,
)
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import traces_in, without_identities

if TYPE_CHECKING:
    from labelhouse.sources import Unit
    from labelhouse.sources.labeling.places import Delivery

#: A piece ends after so much text, or so many frames; pieces of one file or several are loaded together up to it.
#: What is decoded of more would leave the processor's cache before it is gone through again.
PIECE_BYTES = 1024 * 1024
PIECE_FRAMES = 10_000
#: Rows that come one by one are handed on when there are so many.
CHUNK_ROWS = 10_000

#: A frame as it stands in the file, or as it was decoded and encoded again.
RawFrame = msgspec.Raw | bytes

_FLAT = msgspec.json.Decoder(dict[str, list[msgspec.Raw]])
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_FRAMES = msgspec.json.Decoder(list[msgspec.Raw])
#: What a list of frames is called, whatever the task.
_LIST_NAME = re.compile(r".+[-_]annotations")
_FRAME_KEYS = frozenset(
    {
        *("frame-no", "frame-number", "frameNumber", "frameNo", "frame", "frame-name", "frameName"),
        *("frame-attributes", "frameAttributes"),
    }
)
_NO_LIST = "the document holds no list of frames, such as tracking-annotations or detection-annotations"


class Piece(NamedTuple):
    """Frames of a file, one after the other, of one sensor.

    Args:
        first_frame: the number of its first frame in the file.
    """

    unit: Unit
    delivery: Delivery
    sensor_name: str | None
    first_frame: int
    frames: Sequence[RawFrame]
    size_bytes: int


def pieces_of(unit: Unit, delivery: Delivery, text: Text) -> Iterator[Piece]:
    """A sequence file in pieces.

    Raises:
        Unreadable: it is no JSON document with lists of frames.
    """
    first = 0
    for name, frames in _lists_in(text):
        sensor_name = name if name is None else delivery.identities.clean_text(name)
        ends = list(accumulate([memoryview(frame).nbytes for frame in frames], initial=0))
        start = 0
        while start < len(frames):
            last = min(start + PIECE_FRAMES, len(frames))
            end = min(bisect_left(ends, ends[start] + PIECE_BYTES, start + 1, last), last)
            yield Piece(unit, delivery, sensor_name, first + start, frames[start:end], ends[end] - ends[start])
            start = end
        first += len(frames)


def _lists_in(text: Text) -> list[tuple[str | None, Sequence[RawFrame]]]:
    """The lists of frames with the names of their sensors, None where the document holds the list itself."""
    try:
        try:
            fields: Mapping[str, Any] = _FLAT.decode(text)
        except msgspec.ValidationError:  # not lists alone
            fields = _FIELDS.decode(text)
        found: list[tuple[str | None, Sequence[RawFrame]]] = list(_lists(fields))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lists_with_flaws(text)
    if not found:
        raise Unreadable(_NO_LIST)
    return found


def _lists(fields: Mapping[str, Any], sensor_name: str | None = None) -> Iterator[tuple[str | None, list[msgspec.Raw]]]:
    for key, value in fields.items():
        begins = value if isinstance(value, list) else bytes(memoryview(value)[:1])
        if _LIST_NAME.fullmatch(key) and (isinstance(value, list) or begins == b"["):
            yield sensor_name, value if isinstance(value, list) else _FRAMES.decode(value)
        elif sensor_name is None and begins == b"{":
            yield from _lists(_FIELDS.decode(value), key)


def _lists_with_flaws(text: Text) -> list[tuple[str | None, Sequence[RawFrame]]]:
    """As `_lists_in`, for what msgspec refuses: Python's reader says why, or takes a NaN or half a surrogate pair."""
    if len(text) > MAX_RECORD_BYTES:
        at_most = f"the file is larger than {MAX_RECORD_BYTES >> 20} MB"
        raise Unreadable(f"the text is not JSON, or holds a number that is none (NaN, Infinity), and {at_most}")
    document = decode(text).value
    if not isinstance(document, dict):
        raise Unreadable(f"the document is {kind(document)}, not an object")
    holders = [(None, document), *((key, value) for key, value in document.items() if isinstance(value, dict))]
    found: list[tuple[str | None, Sequence[RawFrame]]] = [
        (name, [encode_flawed(frame) for frame in value])
        for name, fields in holders
        for key, value in fields.items()
        if _LIST_NAME.fullmatch(key) and isinstance(value, list)
    ]
    try:
        "".join(name or "" for name, _ in found).encode()
    except UnicodeEncodeError:
        raise Unreadable("the name of a sensor holds half of a surrogate pair, which is no character") from None
    if not found:
        raise Unreadable(_NO_LIST)
    return found


def load_frames(piece: Piece) -> Iterator[Parsed]:
    """The rows, quarantine and counts of a piece, frame by frame, in chunks."""
    parsed, row_count = piece.delivery.chunk(), 0
    for number, raw in enumerate(piece.frames, piece.first_frame):
        text = bytes(raw)
        try:
            frame, is_suspect = decode(text)
        except Unreadable as reason:
            parsed.quarantine(str(number), str(reason), text, cleaned=False)
            continue
        frame = without_identities(frame, traces_in(text), piece.delivery.identities)
        try:
            things, frame_number = _begin_frame(parsed, piece, number, frame, is_suspect=is_suspect)
        except Unreadable as reason:
            parsed.quarantine(str(number), str(reason), encode_flawed(frame), cleaned=True)
            continue
        for place, (held_under, thing) in enumerate(things):
            _load_thing(parsed, piece, f"{number}/{place}", frame_number, held_under, thing, is_suspect=is_suspect)
            row_count += 1
            if row_count == CHUNK_ROWS:
                yield parsed
                parsed, row_count = piece.delivery.chunk(), 0
        parsed.loaded()
    yield parsed


def _begin_frame(
    parsed: Parsed, piece: Piece, number: int, frame: Any, *, is_suspect: bool
) -> tuple[list[tuple[str, Any]], int | None]:
    """Adds the row of a frame; returns the things in it, each with the key of its list, and the frame's number.

    Raises:
        Unreadable: nothing of the frame is of use.
    """
    if not isinstance(frame, dict):
        raise Unreadable(f"the frame is {kind(frame)}, not an object")
    things, said = list[tuple[str, Any]](), dict[str, Any]()
    for key, value in frame.items():
        if holds_things({key: value}):
            things += things_in({key: value})
        elif key not in _FRAME_KEYS and _is_list_of_objects(value):
            things += ((key, one) for one in value)
        else:
            said[key] = value
    if is_suspect and (found := flaw([said, [held_under for held_under, _ in things]])):
        raise Unreadable(found)
    known = frame_of(said)
    others = attributes_of({key: value for key, value in said.items() if key not in _FRAME_KEYS}, "the frame")
    parsed.rows[FRAMES.name].append(
        {
            **EMPTY_FRAME,
            **_whose(piece, str(number)),
            "frame_number": known.number,
            "frame_name": known.name,
            "attributes": {**(others or {}), **(known.attributes or {})} or None,
            "annotation_count": len(things),
        }
    )
    return things, known.number


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def _load_thing(
    parsed: Parsed,
    piece: Piece,
    position: str,
    frame_number: int | None,
    held_under: str,
    thing: Any,
    *,
    is_suspect: bool,
) -> None:
    """One annotation of a frame: its row, or why there is none."""
    try:
        if is_suspect and (found := flaw(thing)):
            raise Unreadable(found)
        columns = described(thing, held_under)
    except Unreadable as reason:
        parsed.quarantine_part(position, str(reason), encode_flawed(thing), cleaned=True)
        return
    parsed.rows[ANNOTATIONS.name].append({**EMPTY, **_whose(piece, position), "frame_number": frame_number, **columns})


def _whose(piece: Piece, position: str) -> dict[str, Any]:
    """Where a row of a piece stands, and whose label it is: the job's own."""
    return {
        "position": position,
        "event_at": piece.delivery.unit_at,
        "labeling_job_name": piece.delivery.place.job_name,
        "dataset_object_id": piece.delivery.place.dataset_object_id,
        "is_consolidated": True,
        "sensor_name": piece.sensor_name,
    }
