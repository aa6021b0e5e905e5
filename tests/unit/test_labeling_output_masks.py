"""Masks and point labels become one row per colour or class, with how much of it there is."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from typing import Any

import pytest
from PIL import Image

from labelhouse.sources.labeling import masks
from labeling_units import IDENTITIES, MASK, POINT_LABELS, UNIT_AT, parse

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


def png(width: int, height: int, depth: int, color_type: int, rows: bytes, palette: bytes = b"") -> bytes:
    """A PNG, chunk by chunk; `rows` with the filter byte of each."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, 0)
    middle = chunk(b"PLTE", palette) if palette else b""
    return masks._PNG + chunk(b"IHDR", header) + middle + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def drawn(mode: str, pixels: list[Any], width: int) -> bytes:
    """A PNG of these pixels, row by row, as Pillow writes it."""
    image = Image.new(mode, (width, len(pixels) // width))
    image.putdata(pixels)
    return saved(image)


def saved(image: Image.Image, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def areas(data: bytes, uri: str = MASK) -> dict[str, int]:
    """Colour or class → pixels or points, of a file that loads."""
    result = parse(data, uri)
    assert result.reasons == []
    assert result.counts == {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}
    assert [row["position"] for row in result.areas] == [f"0/{number}" for number in range(len(result.areas))]
    assert {row["total_count"] for row in result.areas} <= {sum(row["area_count"] for row in result.areas)}
    return {row["mask_color"] or row["class_id"]: row["area_count"] for row in result.areas}


def reason(data: bytes, uri: str = MASK) -> str:
    """Why a file is quarantined."""
    result = parse(data, uri)
    assert result.counts == {"read": 1, "loaded": 0, "quarantined": 1, "filtered": 0}
    assert result.areas == []
    ((position, found),) = result.reasons
    assert position == "0"
    assert result.quarantined[0]["is_encrypted"]
    return found


def test_a_mask() -> None:
    result = parse(drawn("RGB", [WHITE, RED, RED, BLUE, RED, WHITE], 3), MASK)
    row = {
        "event_at": UNIT_AT,
        "labeling_job_name": "Pets",
        "dataset_object_id": "17",
        "class_id": None,
        "total_count": 6,
    }
    assert result.areas == [
        row | {"position": "0/0", "mask_color": "#0000ff", "area_count": 1},
        row | {"position": "0/1", "mask_color": "#ff0000", "area_count": 3},
        row | {"position": "0/2", "mask_color": "#ffffff", "area_count": 2},
    ]


def test_a_mask_with_a_palette() -> None:
    indexes = bytes([0, 0, 1, 2, 0, 2, 3, 3])  # filter, three pixels; the same
    palette = bytes([*WHITE, *RED, *BLUE, *RED])
    assert areas(png(3, 2, 8, 3, indexes, palette)) == {"#0000ff": 2, "#ff0000": 3, "#ffffff": 1}


def test_masks_of_other_kinds() -> None:
    assert areas(drawn("L", [0, 7, 7, 255], 2)) == {"#000000": 1, "#070707": 2, "#ffffff": 1}
    assert areas(drawn("1", [0, 255, 255, 255], 2)) == {"#000000": 1, "#ffffff": 3}
    assert areas(drawn("LA", [(7, 0), (7, 9)], 2)) == {"#070707": 2}
    assert areas(drawn("RGBA", [(*RED, 0), (*RED, 255), (*BLUE, 3)], 3)) == {"#0000ff": 1, "#ff0000": 2}
    assert areas(png(2, 1, 16, 0, b"\0\x12\x34\xff\xff")) == {"#121212": 1, "#ffffff": 1}
    assert areas(png(1, 1, 16, 2, b"\0\xff\xff\0\0\0\0")) == {"#ff0000": 1}
    assert areas(png(4, 1, 2, 0, b"\0\x1b")) == {"#000000": 1, "#555555": 1, "#aaaaaa": 1, "#ffffff": 1}


def test_a_mask_with_transparent_colours_and_texts() -> None:
    image = Image.new("P", (2, 2), 1)
    image.putpalette([*WHITE, *RED])
    assert areas(saved(image, transparency=0, optimize=True)) == {"#ff0000": 4}


def test_256_colours_are_a_mask_and_more_are_none() -> None:
    colors = [(number % 256, number // 256, 0) for number in range(257)]
    assert len(areas(drawn("RGB", colors[:256], 16))) == 256
    assert reason(drawn("RGB", colors, 257)) == "the PNG has more than 256 colours: it is no mask"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the file is empty"),
        (b"GIF89a", "the file is no PNG"),
        (b"{}", "the file is no PNG"),
        (masks._PNG, "the PNG is cut off, or something follows it"),
        (drawn("RGB", [RED] * 100, 10)[:-1], "the PNG is cut off, or something follows it"),
        (drawn("RGB", [RED] * 100, 10) + b"x", "the PNG is cut off, or something follows it"),
        (drawn("RGB", [RED] * 100, 10).replace(b"IDAT", b"IDAX"), "the PNG is damaged"),
        (png(0, 5, 8, 2, b""), "the PNG is damaged"),
        (png(1, 1, 7, 2, b"\0abc"), "the PNG is damaged"),
        (png(2, 1, 8, 3, b"\0\0\5", bytes(RED)), "a pixel of the PNG has a colour that its palette lacks"),
        (png(50_000, 50_000, 1, 0, b""), "the PNG has more than 64 million pixels"),
    ],
)
def test_what_is_no_usable_mask_is_quarantined(data: bytes, expected: str) -> None:
    assert reason(data) == expected


def test_a_mask_with_flipped_bytes_is_quarantined() -> None:
    whole = drawn("RGB", [(number, number, 7) for number in range(100)], 10)
    place = whole.index(b"IDAT") + 20
    assert reason(whole[:place] + bytes([whole[place] ^ 255]) + whole[place + 1 :]) == "the PNG is damaged"


def test_a_large_mask_takes_little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "MAX_PIXELS", 100)
    assert areas(drawn("L", [0] * 100, 10)) == {"#000000": 100}
    assert "pixels" in reason(drawn("L", [0] * 110, 10))


def test_point_labels() -> None:
    result = parse(zlib.compress(bytes([3, 0, 0, 11, 3, 0])), POINT_LABELS)
    row = {
        "event_at": UNIT_AT,
        "labeling_job_name": "Pets",
        "dataset_object_id": "17",
        "mask_color": None,
        "total_count": 6,
    }
    assert result.areas == [
        row | {"position": "0/0", "class_id": "0", "area_count": 3},
        row | {"position": "0/1", "class_id": "3", "area_count": 2},
        row | {"position": "0/2", "class_id": "11", "area_count": 1},
    ]


def test_a_point_cloud_without_points_has_no_areas() -> None:
    assert areas(zlib.compress(b""), POINT_LABELS) == {}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the file is empty"),
        (b"points", "the file is no zlib data, or damaged"),
        (zlib.compress(bytes(1000))[:-1], "the zlib data are cut off"),
        (zlib.compress(bytes(1000)) + b"x", "something follows the zlib data"),
        (zlib.compress(bytes(1000)) + bytes(100_000), "something follows the zlib data"),
        (zlib.compress(bytes(1000))[:-1] + b"x", "the file is no zlib data, or damaged"),
    ],
)
def test_what_is_no_point_labels_is_quarantined(data: bytes, expected: str) -> None:
    assert reason(data, POINT_LABELS) == expected


def test_millions_of_points_are_counted_without_unpacking_them_all() -> None:
    packer = zlib.compressobj()
    data = b"".join(packer.compress(bytes([each]) * 10_000_000) for each in (0, 200, 0)) + packer.flush()
    tracemalloc.start()
    try:
        found = areas(data, POINT_LABELS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == {"0": 20_000_000, "200": 10_000_000}
    assert peak < 24 * 1024 * 1024


def test_a_bomb_of_points_is_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks, "MAX_UNIT_BYTES", 4 * 1024 * 1024)
    assert areas(zlib.compress(bytes(4 * 1024 * 1024)), POINT_LABELS) == {"0": 4 * 1024 * 1024}
    assert reason(zlib.compress(bytes(4 * 1024 * 1024 + 1)), POINT_LABELS) == (
        "the point labels unpack to more than 4 MB"
    )


@pytest.mark.parametrize("uri", [MASK, POINT_LABELS])
def test_an_address_in_a_key_becomes_a_pseudonym(uri: str) -> None:
    data = drawn("L", [0], 1) if uri == MASK else zlib.compress(b"\0")
    (row,) = parse(data, uri.replace("Pets", "job-of-ada@example.com")).areas
    assert row["labeling_job_name"] == IDENTITIES.pseudonym("job-of-ada@example.com")
