"""What the street scenes are made of: masks that give every pixel a part of the street, as PNG files.

What was put in to be found again: the road is exactly the lowest third of every image, and one scene is a tunnel
(`TUNNEL`) without any sky.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np

from labelhouse.demo.chance import generator

#: By the number of its class; the first is what nobody painted.
COLORS = {
    "BACKGROUND": "#ffffff",
    "road": "#2ca02c",
    "building": "#1f77b4",
    "vegetation": "#ff7f0e",
    "sky": "#d62728",
}
CLASSES = tuple(COLORS)[1:]
WIDTH_PX, HEIGHT_PX = 160, 90
TUNNEL = 11


def painted(seed: int, scene: int, source_ref: str) -> np.ndarray:
    """The class number of every pixel: rows from above, road below, houses and trees between it and the sky.

    Args:
        scene: its index in the job.
    """
    rng = generator(seed, "street scene", source_ref)
    horizon = HEIGHT_PX * 2 // 3
    parts = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    parts[horizon:] = 1
    parts[:horizon] = 2 if scene == TUNNEL else 4
    for number in range(int(rng.integers(3, 7))):
        left, width, top = (int(rng.integers(*span)) for span in ((0, WIDTH_PX), (12, 50), (8, horizon - 8)))
        parts[top:horizon, left : left + width] = 2 if number % 2 == 0 else 3
    parts[:6, :20] = 2 if scene == TUNNEL else 0  # the camera's clock, which is no part of the street
    return parts


def png(parts: np.ndarray) -> bytes:
    """A mask as an 8-bit RGB file, each class in its colour."""
    palette = np.array([list(bytes.fromhex(color[1:])) for color in COLORS.values()], np.uint8)
    height, width = parts.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), palette[parts].reshape(height, 3 * width)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
