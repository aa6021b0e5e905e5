"""What was drawn, chose or marked, told by its shape: the columns of `annotations` that say what it is and where.

Ground Truth spells the same keys in three ways: `class_id` in boxes of images, `class-id` in sequences, `classId` in
workers' answers. All are known here, and a thing that holds more than columns do is kept whole as JSON beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from labelhouse.schema.annotations import ANNOTATIONS, FRAMES
from labelhouse.schema.columns import ORIGIN
from labelhouse.sources.documents import Unreadable, decode, encode, flaw, kind, shaped

#: Columns that a row gets when it is written, but for its place in the unit.
_ADDED = {column.name for column in ORIGIN} - {"position"}
#: A row of which nothing is known as yet.
EMPTY: Mapping[str, Any] = dict.fromkeys(name for name in ANNOTATIONS.column_names if name not in _ADDED)
EMPTY_FRAME: Mapping[str, Any] = dict.fromkeys(name for name in FRAMES.column_names if name not in _ADDED)

#: The lists that things are held in → what these are; `annotations` holds whatever its items show themselves to be.
_HELD = {
    "annotations": None,
    "boundingBoxes": "box",
    "boundingCuboids": "cuboid",
    "polygons": "polygon",
    "polylines": "polyline",
    "lines": "polyline",
    "keypoints": "keypoint",
    "entities": "span",
    "instances": "mask",
}
#: In what order a thing's keys tell what it is.
_TOLD_BY = {
    "center_x": "cuboid",
    "center_y": "cuboid",
    "left": "box",
    "top": "box",
    "vertices": "polygon",
    "start_offset": "span",
    "x": "keypoint",
}
_LARGEST_INT = 2**31 - 1


class _Thing(msgspec.Struct, kw_only=True):
    """What every thing may say: of which class it is, which object, with which attributes."""

    class_id: Any = None
    label: str | None = None
    object_id: Any = None
    object_name: str | None = None
    label_category_attributes: Any = None


class _Box(_Thing):
    left: float
    top: float
    width: float
    height: float


class _Cuboid(_Thing):
    center_x: float
    center_y: float
    center_z: float
    length: float
    width: float
    height: float
    roll: float | None = None
    pitch: float | None = None
    yaw: float | None = None


class _Drawn(_Thing):
    vertices: list[Any]


class _Keypoint(_Thing):
    x: float
    y: float


class _Span(_Thing):
    start_offset: int
    end_offset: int


class _Overlay(_Thing):
    color: str


def _box(box: _Box) -> dict[str, Any]:
    return {"left_px": box.left, "top_px": box.top, "width_px": box.width, "height_px": box.height}


def _cuboid(cuboid: _Cuboid) -> dict[str, Any]:
    return {
        "center_x": cuboid.center_x,
        "center_y": cuboid.center_y,
        "center_z": cuboid.center_z,
        "cuboid_length": cuboid.length,
        "cuboid_width": cuboid.width,
        "cuboid_height": cuboid.height,
        "roll_radians": cuboid.roll,
        "pitch_radians": cuboid.pitch,
        "yaw_radians": cuboid.yaw,
    }


def _drawn(drawn: _Drawn) -> dict[str, Any]:
    points: list[float] = []
    for vertex in drawn.vertices:
        if not isinstance(vertex, dict):
            raise Unreadable(f"a vertex is {kind(vertex)}, not an object")
        point = shaped(vertex, _Point, "a vertex")
        points += (point.x, point.y)
    return {"points": points}


class _Point(msgspec.Struct):
    x: float
    y: float


def _keypoint(keypoint: _Keypoint) -> dict[str, Any]:
    return {"points": [keypoint.x, keypoint.y]}


def _span(span: _Span) -> dict[str, Any]:
    return {"start_offset": span.start_offset, "end_offset": span.end_offset}


def _overlay(overlay: _Overlay) -> dict[str, Any]:
    return {"mask_color": color_of(overlay.color)}


class _Kind(NamedTuple):
    """A kind of thing: its fields, its columns, and how many of its keys these hold (those of every thing apart)."""

    shape: type[_Thing]
    columns: Callable[[Any], dict[str, Any]]
    keys: frozenset[str]


def _kind(shape: type[_Thing], columns: Callable[[Any], dict[str, Any]]) -> _Kind:
    return _Kind(shape, columns, frozenset(shape.__struct_fields__))


_KINDS = {
    "box": _kind(_Box, _box),
    "cuboid": _kind(_Cuboid, _cuboid),
    "polygon": _kind(_Drawn, _drawn),
    "polyline": _kind(_Drawn, _drawn),
    "keypoint": _kind(_Keypoint, _keypoint),
    "span": _kind(_Span, _span),
    "mask": _kind(_Overlay, _overlay),
}


def _spellings(name: str) -> Iterator[str]:
    first, *others = name.split("_")
    yield name
    yield name.replace("_", "-")
    yield first + "".join(map(str.title, others))


#: Every spelling of a known key → the name it has here.
_NAMES = {spelling: name for each in _KINDS.values() for name in each.keys for spelling in _spellings(name)}


def things_in(container: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The things in the known lists of a label, an answer or a frame, each with the key of its list.

    Raises:
        Unreadable: what should be a list is none.
    """
    for key in _HELD:
        if (held := container.get(key)) is not None:
            if isinstance(held, dict) and key == "annotations":
                yield from things_in(held)  # as in named entities
            elif isinstance(held, list):
                for item in held:
                    yield key, item
            else:
                raise Unreadable(f"{key} is {kind(held)}, not a list")


def holds_things(container: Mapping[str, Any]) -> bool:
    """Whether any of the known lists is there, be it empty."""
    return not _HELD.keys().isdisjoint(container)


def described(item: Any, held_under: str, expected: str | None = None) -> dict[str, Any]:
    """The columns that describe one captured thing.

    Args:
        held_under: the key of the list that held it.
        expected: what it is taken for where neither that list nor its own keys tell.

    Raises:
        Unreadable: a known field is not what it should be.
    """
    if not isinstance(item, dict):
        raise Unreadable(f"one of {held_under} is {kind(item)}, not an object")
    known = {_NAMES[key]: value for key, value in item.items() if key in _NAMES}
    told = _HELD.get(held_under) or next((told for key, told in _TOLD_BY.items() if key in known), expected)
    if told is None:
        return {"geometry_type": held_under, **_common(shaped(known, _Thing)), "annotation_json": encode(item)}
    shape, columns, keys = _KINDS[told]
    thing = shaped(known, shape)
    is_whole = len(known) == len(item) and known.keys() <= keys
    return {
        "geometry_type": told,
        **_common(thing),
        **columns(thing),
        "annotation_json": None if is_whole else encode(item),
    }


def _common(thing: _Thing) -> dict[str, Any]:
    return {
        "class_id": name_of(thing.class_id, "class_id"),
        "category": thing.label,
        "object_id": name_of(thing.object_id, "object_id"),
        "object_name": thing.object_name,
        "attributes": attributes_of(thing.label_category_attributes, "label-category-attributes"),
    }


def name_of(value: Any, name: str) -> str | None:
    """A number or a text that names something, as text."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (list, dict)):
        raise Unreadable(f"{name} is {kind(value)}, not a number or text")
    return encode(value)


def attributes_of(value: Any, name: str) -> dict[str, str | None] | None:
    """Attributes with any names as a map of text: numbers, lists and the like as JSON. None where there are none."""
    if not value and (value is None or isinstance(value, dict)):
        return None
    if not isinstance(value, dict):
        raise Unreadable(f"{name} is {kind(value)}, not an object")
    return {key: each if each is None or isinstance(each, str) else encode(each) for key, each in value.items()}


def color_of(text: str) -> str:
    """A colour as `#rrggbb`, small letters."""
    digits = text.removeprefix("#").lower()
    if len(digits) != 6 or not set(digits) <= set("0123456789abcdef"):
        raise Unreadable("a colour is not written as #rrggbb")
    return f"#{digits}"


class Frame(NamedTuple):
    """What a frame says of itself."""

    number: int | None
    name: str | None
    attributes: dict[str, str | None] | None


def frame_of(entry: Mapping[str, Any]) -> Frame:
    """A frame of a sequence, spelt in one way or another.

    Raises:
        Unreadable: its number, name or attributes are not what they should be.
    """
    number = _first(entry, "frame-no", "frame-number", "frameNumber", "frameNo")
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) <= 10:
        number = int(number)
    if number is not None and (type(number) is not int or not 0 <= number <= _LARGEST_INT):
        raise Unreadable("the frame's number is no whole number from 0")
    name = _first(entry, "frame", "frame-name", "frameName")
    if name is not None and not isinstance(name, str):
        raise Unreadable(f"the frame's name is {kind(name)}, not text")
    return Frame(number, name, attributes_of(_first(entry, "frame-attributes", "frameAttributes"), "frame-attributes"))


def _first(entry: Mapping[str, Any], *keys: str) -> Any:
    return next((entry[key] for key in keys if entry.get(key) is not None), None)


def opened(value: Any) -> Any:
    """A value that may be JSON inside JSON, once or twice; text that is no usable JSON stays as it is."""
    found = value
    for _ in range(2):
        if not isinstance(found, str) or not found.startswith(("{", "[", '"', " ", "\n")):
            break
        try:
            found, is_suspect = decode(found.encode())
        except Unreadable:
            return value
        if is_suspect and flaw(found):
            return value
    return value if isinstance(found, str) else found
