"""The regular frames of sequences, column by column: every annotation a box, or every one a cuboid.

Frames are decoded straight into Structs that know no other keys and no other types. Texts repeat, and so are
dictionary-encoded and looked at once a distinct value; attributes, as they stand in the file, are decoded once a
distinct value. Here are no reasons: pieces with anything odd about them are refused as a whole, for
`load_frames` to look at, which gives the same rows for what is regular.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labelhouse.schema.arrow import ARROW_TYPES, REPEATING
from labelhouse.sources.documents import MAX_RECORD_BYTES, Unreadable, decode, flaw
from labelhouse.sources.labeling.sequences import PIECE_BYTES, Piece, load_frames
from labelhouse.sources.labeling.shapes import attributes_of
from labelhouse.sources.parsed import Parsed
from labelhouse.sources.worker_identities import Traces, without_identities

if TYPE_CHECKING:
    from labelhouse.sources import Unit

#: What is raised for what does not fit: by msgspec, by Arrow (of which all errors are ValueErrors), and here.
_ODD = (msgspec.DecodeError, OverflowError, RecursionError, TypeError, ValueError, Unreadable)
_NOTHING = msgspec.Raw(b"null")
#: An "@", and what it may be spelt with.
_SIGNS_OF_ADDRESSES = (b"@", b"%", b"\\")
#: From here on whole numbers are beyond 64 bits.
_TOO_LARGE = float(2**63)
_LARGEST_FRAME_NUMBER, _MOST_DIGITS = 2**31 - 1, 10
#: Attributes of more lists and objects may be nested too deeply, together with what holds them.
_MOST_BRACKETS = 32


class _Thing(msgspec.Struct, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    class_id: str | int | None = None
    object_id: str | int | None = None
    object_name: str | None = None
    label_category_attributes: msgspec.Raw = _NOTHING


class _Box(_Thing, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    left: float
    top: float
    width: float
    height: float


class _Cuboid(_Thing, rename="kebab", gc=False, forbid_unknown_fields=True, kw_only=True):
    center_x: float
    center_y: float
    center_z: float
    length: float
    width: float
    height: float
    roll: float
    pitch: float
    yaw: float


class _Frame(msgspec.Struct, rename="kebab", gc=False, forbid_unknown_fields=True):
    frame_no: str | int | None = None
    frame_number: str | int | None = None
    frame: str | None = None
    frame_name: str | None = None
    frame_attributes: msgspec.Raw = _NOTHING


class _BoxFrame(_Frame, rename="kebab", gc=False, forbid_unknown_fields=True):
    annotations: list[_Box] = []


class _CuboidFrame(_Frame, rename="kebab", gc=False, forbid_unknown_fields=True):
    annotations: list[_Cuboid] = []


def _box_numbers(boxes: list[_Box]) -> dict[str, list[float]]:
    return {
        "left_px": [box.left for box in boxes],
        "top_px": [box.top for box in boxes],
        "width_px": [box.width for box in boxes],
        "height_px": [box.height for box in boxes],
    }


def _cuboid_numbers(cuboids: list[_Cuboid]) -> dict[str, list[float]]:
    return {
        "center_x": [cuboid.center_x for cuboid in cuboids],
        "center_y": [cuboid.center_y for cuboid in cuboids],
        "center_z": [cuboid.center_z for cuboid in cuboids],
        "cuboid_length": [cuboid.length for cuboid in cuboids],
        "cuboid_width": [cuboid.width for cuboid in cuboids],
        "cuboid_height": [cuboid.height for cuboid in cuboids],
        "roll_radians": [cuboid.roll for cuboid in cuboids],
        "pitch_radians": [cuboid.pitch for cuboid in cuboids],
        "yaw_radians": [cuboid.yaw for cuboid in cuboids],
    }


class _Shape(NamedTuple):
    """What all annotations of a piece are, how they are decoded, and their columns of numbers."""

    geometry_type: str
    frames: msgspec.json.Decoder[list[Any]]
    numbers: Callable[[list[Any]], dict[str, list[float]]]


_SHAPES = (
    _Shape("box", msgspec.json.Decoder(list[_BoxFrame]), _box_numbers),
    _Shape("cuboid", msgspec.json.Decoder(list[_CuboidFrame]), _cuboid_numbers),
)


class _Decoded(NamedTuple):
    """A piece with its frames, and what all annotations in them are."""

    piece: Piece
    shape: _Shape
    frames: list[Any]
    may_hold_addresses: bool


class RegularFrames:
    """Gathers pieces of sequences, of one file or several, until they are worth columns.

    What it gives are chunks with rows of several units, and chunks with the counts of each.
    """

    def __init__(self) -> None:
        self._gathered: list[_Decoded] = []
        self._size_bytes = 0

    def add(self, piece: Piece) -> Iterator[tuple[Unit, Parsed]]:
        """Takes a piece; gives the chunks that are full, and those of a piece that is not regular."""
        found = _decoded(piece)
        if found is None:
            for parsed in load_frames(piece):
                yield piece.unit, parsed
            return
        if self._gathered and found.shape is not self._gathered[0].shape:
            yield from self.taken()
        self._gathered.append(found)
        self._size_bytes += piece.size_bytes
        if self._size_bytes >= PIECE_BYTES:
            yield from self.taken()

    def taken(self) -> Iterator[tuple[Unit, Parsed]]:
        """The chunks of all that was gathered, which is forgotten."""
        gathered, self._gathered, self._size_bytes = self._gathered, [], 0
        if gathered:
            yield from _loaded(gathered)


def _decoded(piece: Piece) -> _Decoded | None:
    """The frames of a piece; None where they are not of one of the shapes known here."""
    if piece.size_bytes > MAX_RECORD_BYTES:
        return None
    text = b"[" + b",".join(piece.frames) + b"]"
    may_hold_addresses = any(sign in text for sign in _SIGNS_OF_ADDRESSES)
    for shape in _SHAPES:
        try:
            return _Decoded(piece, shape, shape.frames.decode(text), may_hold_addresses)
        except _ODD:
            continue
    return None


def _loaded(pieces: Sequence[_Decoded]) -> Iterator[tuple[Unit, Parsed]]:
    """The rows of pieces of one shape; where something is odd after all, each alone, or frame by frame."""
    try:
        parsed = _columns(pieces)
    except _ODD:
        if len(pieces) > 1:
            for each in pieces:
                yield from _loaded([each])
        else:
            for parsed in load_frames(pieces[0].piece):
                yield pieces[0].piece.unit, parsed
        return
    for each in pieces:
        counted = each.piece.delivery.chunk()
        counted.loaded(len(each.frames))
        yield each.piece.unit, counted
    yield pieces[-1].piece.unit, parsed


def _columns(pieces: Sequence[_Decoded]) -> Parsed:
    parsed = pieces[-1].piece.delivery.chunk()
    cleaning = _Cleaning(pieces)
    frames = list(chain.from_iterable([each.frames for each in pieces]))
    things = [frame.annotations for frame in frames]
    counts = np.fromiter(map(len, things), np.int32, len(things))
    frame_columns = _frame_columns(pieces, frames, cleaning)
    parsed.columns("frames", frame_columns | {"annotation_count": pa.array(counts)})
    if counts.any():
        flat = list(chain.from_iterable(things))
        parsed.columns("annotations", _thing_columns(pieces[0].shape, flat, counts, frame_columns, cleaning))
    return parsed


def _frame_columns(pieces: Sequence[_Decoded], frames: list[Any], cleaning: _Cleaning) -> dict[str, Any]:
    """The columns of frames, but for the number of their annotations."""
    lengths = [len(each.frames) for each in pieces]
    piece_of = pa.array(np.repeat(np.arange(len(pieces), dtype=np.int32), lengths))
    numbers = np.concatenate(
        [np.arange(each.piece.first_frame, each.piece.first_frame + len(each.frames)) for each in pieces]
    )
    places = [each.piece.delivery.place for each in pieces]

    def repeated(texts: list[str | None]) -> pa.DictionaryArray:
        return pa.array(texts, REPEATING).take(piece_of)

    unit_times = pa.array([each.piece.delivery.unit_at for each in pieces], ARROW_TYPES["timestamp"])
    return {
        "unit_uri": repeated([each.piece.unit.uri for each in pieces]),
        "position": pa.array(numbers).cast(pa.string()),
        "event_at": unit_times.take(piece_of),
        "labeling_job_name": repeated([place.job_name for place in places]),
        "dataset_object_id": repeated([place.dataset_object_id for place in places]),
        "is_consolidated": pa.repeat(True, len(frames)),
        "frame_number": _frame_numbers(frames),
        "sensor_name": repeated([each.piece.sensor_name for each in pieces]),
        "frame_name": cleaning.texts([frame.frame_name if frame.frame is None else frame.frame for frame in frames]),
        "attributes": cleaning.attributes([frame.frame_attributes for frame in frames]),
    }


def _thing_columns(
    shape: _Shape, things: list[Any], counts: np.ndarray, frame_columns: dict[str, Any], cleaning: _Cleaning
) -> dict[str, Any]:
    frame_of = np.repeat(np.arange(len(counts)), counts)
    place = np.arange(len(things)) - (np.cumsum(counts) - counts)[frame_of]
    index = pa.array(frame_of)
    of_frames = {
        name: frame_columns[name].take(index)
        for name in (
            "unit_uri", "position", "event_at", "labeling_job_name", "dataset_object_id", "is_consolidated",
            "frame_number", "sensor_name",
        )
    }  # fmt: skip
    return of_frames | {
        "position": pc.binary_join_element_wise(of_frames["position"], pa.array(place).cast(pa.string()), "/"),
        "geometry_type": pa.DictionaryArray.from_arrays(
            pa.array(np.zeros(len(things), np.int32)), pa.array([shape.geometry_type])
        ),
        "class_id": cleaning.texts([thing.class_id for thing in things]),
        "object_id": cleaning.texts([thing.object_id for thing in things]),
        "object_name": cleaning.texts([thing.object_name for thing in things]),
        "attributes": cleaning.attributes([thing.label_category_attributes for thing in things]),
        **{column: _numbers(values) for column, values in shape.numbers(things).items()},
    }


def _numbers(values: list[float]) -> pa.DoubleArray:
    numbers = np.array(values)
    if (np.abs(numbers) >= _TOO_LARGE).any():
        raise Unreadable("a number to look at")
    return pa.array(numbers)


def _frame_numbers(frames: list[_Frame]) -> pa.Int32Array:
    captured = [frame.frame_number if frame.frame_no is None else frame.frame_no for frame in frames]
    try:
        numbers = pa.array(captured, pa.int64())
    except pa.ArrowException:  # texts, then, and not some
        texts = pa.array(captured, pa.string())
        is_number = pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), _MOST_DIGITS))
        if not pc.all(is_number, min_count=0).as_py():
            raise Unreadable("a frame's number to look at") from None
        numbers = texts.cast(pa.int64())
    is_in_range = pc.and_(pc.greater_equal(numbers, 0), pc.less_equal(numbers, _LARGEST_FRAME_NUMBER))
    if not pc.all(is_in_range, min_count=0).as_py():
        raise Unreadable("a frame's number to look at")
    return numbers.cast(pa.int32())


class _Cleaning:
    """Texts and attributes without e-mail addresses, where any of the pieces may hold some."""

    def __init__(self, pieces: Sequence[_Decoded]) -> None:
        self._identities = pieces[0].piece.delivery.identities
        self._may_hold_addresses = any(each.may_hold_addresses for each in pieces)

    def texts(self, values: list[str | int | None]) -> pa.DictionaryArray:
        """Texts, or numbers as text, dictionary-encoded."""
        try:
            encoded = pa.array(values, REPEATING)
        except pa.ArrowException:
            encoded = pa.array([_as_text(value) for value in values], REPEATING)
        if not self._may_hold_addresses:
            return encoded
        captured = encoded.dictionary.to_pylist()
        cleaned = [self._identities.clean_text(text) for text in captured]
        if cleaned == captured:
            return encoded
        return pa.array(cleaned, pa.string()).take(encoded.indices).dictionary_encode()

    def attributes(self, values: list[msgspec.Raw]) -> pa.MapArray:
        """Attributes as they stand in the file → maps."""
        encoded = pa.array(list(map(bytes, values)), pa.binary()).dictionary_encode()
        maps = [self._attributes(text) for text in encoded.dictionary.to_pylist()]
        items = [None if each is None else list(each.items()) for each in maps]
        return pa.array(items, ARROW_TYPES["attributes"]).take(encoded.indices)

    def _attributes(self, text: bytes) -> dict[str, str | None] | None:
        value, is_suspect = decode(text)
        if (is_suspect and flaw(value)) or text.count(b"[") + text.count(b"{") > _MOST_BRACKETS:
            raise Unreadable("attributes to look at")
        if without_identities(value, Traces(True, False), self._identities) is not value:
            raise Unreadable("attributes that name a worker")
        return attributes_of(self._identities.clean(value) if self._may_hold_addresses else value, "the attributes")


def _as_text(value: str | int | None) -> str | None:
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise Unreadable("a number to look at")
        return str(value)
    return value
