"""The labels of one frame as SVG, to scale: boxes, polygons, polylines, keypoints, and cuboids from above.

No image is fetched, no colour stands in it: `app.css` colours its classes. Categories come from outside; `Markup`
escapes them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from labelhouse.reports import Row

#: The width of the picture, and its largest height.
_WIDTH, _HEIGHT = 640, 420
#: More names than this would lie upon each other; every shape has its name as its title.
_NAMED_SHAPES = 30
_COLOURS = 7

_SVG = Markup('<svg class="scene" viewBox="-4 -4 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}</svg>')
_GROUP = Markup('<g class="{}"><title>{}</title>{}</g>')
_RECT = Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>')
_POLYGON = Markup('<polygon points="{}"/>')
_POLYLINE = Markup('<polyline points="{}"/>')
_DOT = Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4"/>')
_TEXT = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
_GROUND = Markup('<rect class="ground" x="0" y="0" width="{:.1f}" height="{:.1f}"/>')
_NOTHING = Markup("")

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Extent:
    """What a picture shows, in the units of the labels."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def scale(self) -> float:
        """Picture units per unit of the labels."""
        return min(_WIDTH / ((self.right - self.left) or 1), _HEIGHT / ((self.bottom - self.top) or 1))


def outline(row: Row) -> Points:
    """The corners of a label, y downwards; none where it has no shape, or one that is no number."""
    if row["left_px"] is not None:
        left, top, width, height = (row[name] or 0 for name in ("left_px", "top_px", "width_px", "height_px"))
        found = [(left, top), (left + width, top), (left + width, top + height), (left, top + height)]
    elif row["points"]:
        found = list(zip(row["points"][::2], row["points"][1::2], strict=False))
    elif row.get("center_x") is not None:
        found = _from_above(row)
    else:
        return []
    return found if all(each is not None and math.isfinite(each) for point in found for each in point) else []


def extent_of(rows: Iterable[Row]) -> Extent | None:
    """What holds all labels of `rows`, and where there are pixels the upper left corner of the image; None without."""
    rows = [row for row in rows if outline(row)]
    if not rows:
        return None
    xs, ys = zip(*(point for row in rows for point in outline(row)), strict=True)
    if any(row.get("center_x") is not None for row in rows):
        return Extent(min(xs), min(ys), max(xs), max(ys))
    return Extent(min(0, *xs), min(0, *ys), max(xs), max(ys))


def scene_svg(rows: Sequence[Row], answers: Sequence[Row], extent: Extent, categories: Sequence[str]) -> Markup:
    """The labels of one frame.

    Args:
        rows: consolidated labels.
        answers: the labels of the workers' answers to the same frame, drawn below in dashed lines.
        extent: what the picture shows: the same for all frames of an object.
        categories: in the order of their colours.
    """
    shapes = [_shape(row, extent, "answer", with_name=False) for row in answers]
    drawn = [row for row in rows if outline(row)]
    for row in drawn:
        place = categories.index(row["category"]) if row["category"] in categories else _COLOURS
        colour = f"c{place + 1}" if place < _COLOURS else "c0"
        shapes.append(_shape(row, extent, colour, with_name=len(drawn) <= _NAMED_SHAPES))
    width, height = (extent.right - extent.left) * extent.scale, (extent.bottom - extent.top) * extent.scale
    label = f"{len(drawn)} labels drawn to scale, without the image"
    parts = _NOTHING.join([_GROUND.format(width, height), *shapes])
    return _SVG.format(round(width + 8), round(height + 8), round(width + 8), round(height + 8), label, parts)


def _shape(row: Row, extent: Extent, name: str, *, with_name: bool) -> Markup:
    """One label; its title says what it is."""
    scale = extent.scale
    points = [((x - extent.left) * scale, (y - extent.top) * scale) for x, y in outline(row)]
    if not points:
        return _NOTHING
    (x, y), kind = points[0], row["geometry_type"]
    written = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    if len(points) == 1:
        shape = _DOT.format(x, y)
    elif row["left_px"] is not None:
        shape = _RECT.format(x, y, max(points[1][0] - x, 0), max(points[2][1] - y, 0))
    else:
        shape = (_POLYLINE if kind == "polyline" else _POLYGON).format(written)
    category = row["category"] or "not named"
    title = row["object_name"] or category
    if with_name:
        short = title if len(title) <= 22 else f"{title[:21]}…"
        # towards the middle: nothing is written beyond the edge
        anchor, dx = ("end", -3) if x > 0.8 * (extent.right - extent.left) * scale else ("start", 3)
        shape += _TEXT.format(x + dx, y + 12 if y < 12 else y - 3, anchor, short)
    return _GROUP.format(name, f"{title} ({category}, {kind})", shape)


def _from_above(row: Row) -> Points:
    """The ground of a cuboid, turned by its yaw; y upwards in the point cloud, downwards here."""
    x, y, yaw = row["center_x"], row["center_y"] or 0, row["yaw_radians"] or 0
    length, width = row["cuboid_length"] or 0, row["cuboid_width"] or 0
    cos, sin = math.cos(yaw), math.sin(yaw)
    corners = [(length / 2, width / 2), (length / 2, -width / 2), (-length / 2, -width / 2), (-length / 2, width / 2)]
    return [(x + dx * cos - dy * sin, -(y + dx * sin + dy * cos)) for dx, dy in corners]
