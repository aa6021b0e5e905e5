"""Masks and point labels as areas: how many pixels there are of each colour, or points of each class.

Both are counted in bounded memory. A mask is a PNG of at most `MAX_PIXELS`, said by its header before anything is
unpacked, and of at most `MAX_COLORS` colours: more are a photograph. Transparency does not tell colours apart.
Point labels are zlib data of one byte a point, unpacked piece by piece and never kept; a plain area packs a
thousandfold, so that no ratio tells a bomb here, only `MAX_UNIT_BYTES`.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from labelhouse.sources.documents import MAX_UNIT_BYTES, Unreadable

if TYPE_CHECKING:
    from labelhouse.sources.labeling.places import Delivery
    from labelhouse.sources.parsed import Parsed

#: Largest mask: unpacked, a pixel takes four bytes.
MAX_PIXELS = 64 * 1024 * 1024
MAX_COLORS = 256

#: The signature of a PNG, the header chunk that follows it (length, name, width and height), and its last chunk.
_PNG = b"\x89PNG\r\n\x1a\n"
_HEADER = struct.Struct(">I4sII")
_END = b"\0\0\0\0IEND\xaeB`\x82"
_PIECE_BYTES = 64 * 1024
_STEP_BYTES = 1024 * 1024
#: What Pillow raises for what is damaged: its own errors are OSErrors.
_DAMAGED = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, EOFError, struct.error, zlib.error)


class Areas(NamedTuple):
    """The counts of pixels by colour (`#rrggbb`), or of points by class."""

    column: str
    counts: Counter[str]


def load_areas(parsed: Parsed, delivery: Delivery, data: bytes, areas_in: Callable[[bytes], Areas]) -> None:
    """The one record of a mask or of point labels: its rows, in the order of their colours or classes."""
    try:
        if len(data) > MAX_UNIT_BYTES:
            raise Unreadable(f"the file is larger than {MAX_UNIT_BYTES >> 20} MB")
        if not data:
            raise Unreadable("the file is empty")
        column, counts = areas_in(data)
    except Unreadable as reason:
        parsed.quarantine("0", str(reason), data, cleaned=False)
        return
    place, total = delivery.place, counts.total()
    for number, (name, count) in enumerate(sorted(counts.items(), key=lambda area: (len(area[0]), area[0]))):
        parsed.row(
            "mask_areas",
            f"0/{number}",
            None,
            labeling_job_name=place.job_name,
            dataset_object_id=place.dataset_object_id,
            **{"mask_color": None, "class_id": None, column: name},
            area_count=count,
            total_count=total,
        )
    parsed.loaded()


def colors_in(data: bytes) -> Areas:
    """The pixels of each colour of a PNG: by its palette, in levels of grey, or by red, green and blue.

    Raises:
        Unreadable: it is none, is damaged, too large, or has too many colours.
    """
    import numpy as np  # only who reads masks needs these
    from PIL import Image

    if not data.startswith(_PNG):
        raise Unreadable("the file is no PNG")
    if len(data) < len(_PNG) + _HEADER.size or not data.endswith(_END):  # Pillow takes what is missing for black
        raise Unreadable("the PNG is cut off, or something follows it")
    _, _, width, height = _HEADER.unpack_from(data, len(_PNG))
    if width * height > MAX_PIXELS:  # Pillow would only warn, and only of more
        raise Unreadable(f"the PNG has more than {MAX_PIXELS >> 20} million pixels")
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            is_deep = image.mode == "I;16"  # which Pillow cannot count
            counted = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)) if is_deep else image
            found, palette = counted.getcolors(MAX_COLORS), counted.getpalette("RGB")
    except _DAMAGED:
        raise Unreadable("the PNG is damaged") from None
    if found is None:
        raise Unreadable(f"the PNG has more than {MAX_COLORS} colours: it is no mask")
    counts = Counter[str]()
    for count, value in found:
        counts[_color(value, palette)] += count
    return Areas("mask_color", counts)


def _color(value: int | float | tuple[int, ...], palette: list[int] | None) -> str:
    """A pixel's value, as Pillow gives it, as `#rrggbb`."""
    if isinstance(value, tuple):
        levels = [value[0]] * 3 if len(value) == 2 else list(value[:3])  # grey with alpha, or colours with or without
    elif palette is None:
        levels = [int(value)] * 3
    else:
        levels = palette[3 * int(value) : 3 * int(value) + 3]
    if len(levels) != 3:
        raise Unreadable("a pixel of the PNG has a colour that its palette lacks")
    return "#" + bytes(levels).hex()


def classes_in(data: bytes) -> Areas:
    """The points of each class in point labels.

    Raises:
        Unreadable: they are no zlib data, damaged, or unpack to too much.
    """
    import numpy as np

    counts, points = np.zeros(256, np.int64), 0
    labels = zlib.decompressobj()
    try:
        for start in range(0, len(data), _PIECE_BYTES):
            piece = data[start : start + _PIECE_BYTES]
            while piece and not labels.eof:
                found = np.frombuffer(labels.decompress(piece, _STEP_BYTES), np.uint8)
                counts += np.bincount(found, minlength=256)
                points += len(found)
                if points > MAX_UNIT_BYTES:
                    raise Unreadable(f"the point labels unpack to more than {MAX_UNIT_BYTES >> 20} MB")
                piece = labels.unconsumed_tail
            if labels.unused_data or (labels.eof and start + _PIECE_BYTES < len(data)):
                raise Unreadable("something follows the zlib data")
    except zlib.error:
        raise Unreadable("the file is no zlib data, or damaged") from None
    if not labels.eof:
        raise Unreadable("the zlib data are cut off")
    return Areas("class_id", Counter({str(number): int(count) for number, count in enumerate(counts) if count}))
