"""Small pictures' data: a reference and a current window side by side, as strict JSON, never more than is drawn.

Three kinds: `histogram` (counts per bin), `categories` (shares 0-1 per name), `series` (values, where the current
window begins, where they changed).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Picture: TypeAlias = dict[str, Any]

#: The most that a picture shows.
MOST_BINS, MOST_NAMES, MOST_VALUES = 20, 20, 60
#: Share of the values on either side that may lie outside the bins; they count in the outermost.
_TAIL = 0.005


def histogram(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Picture:
    """Counts of both samples over bins of one width.

    Args:
        reference, current: finite numbers, at least one in all.
    """
    pooled = np.concatenate([reference, current])
    low, high = np.quantile(pooled, [_TAIL, 1 - _TAIL]) if len(pooled) > 1 / _TAIL else (pooled.min(), pooled.max())
    bins = min(MOST_BINS, max(5, int(np.sqrt(len(pooled)))))
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-200):  # as good as one value: a bin is wider than that
        wide = max(0.5, 1e-6 * abs(low))
        low, high = low - wide, high + wide
    edges = np.linspace(low, high, bins + 1)
    counts = [np.histogram(np.clip(each, edges[0], edges[-1]), edges)[0].tolist() for each in (reference, current)]
    return {"kind": "histogram", "edges": _short(edges), "reference": counts[0], "current": counts[1]}


def categories(names: Sequence[str], reference: Sequence[float], current: Sequence[float]) -> Picture:
    """Shares of both samples, largest first.

    Args:
        names: at most `MOST_NAMES`.
        reference, current: share of each name, 0-1.
    """
    order = sorted(range(len(names)), key=lambda index: (-max(reference[index], current[index]), names[index]))
    return {
        "kind": "categories",
        "names": [names[index] for index in order],
        "reference": _short([reference[index] for index in order]),
        "current": _short([current[index] for index in order]),
    }


def series(values: NDArray[np.float64], current_from: int, change_at: int | None = None) -> Picture:
    """The newest of a series of values, oldest first.

    Args:
        values: finite numbers.
        current_from: index of the first value of the current window.
        change_at: index of the first value after a change; None where there is none, or it is older than what is shown.
    """
    left_out = max(0, len(values) - MOST_VALUES)
    shown_change = None if change_at is None or change_at < left_out else change_at - left_out
    return {
        "kind": "series",
        "values": _short(values[left_out:]),
        "current_from": max(0, current_from - left_out),
        "change_at": shown_change,
    }


def vega_lite(picture: Mapping[str, Any]) -> dict[str, Any]:
    """The picture as a Vega-Lite specification, for those who draw with it."""
    if picture["kind"] == "series":
        rows = [{"number": number + 1, "value": value} for number, value in enumerate(picture["values"])]
        for number, row in enumerate(rows):
            row["window"] = "current" if number >= picture["current_from"] else "reference"
        mark = "point"
        x: dict[str, Any] = {"field": "number", "type": "quantitative"}
        y: dict[str, Any] = {"field": "value", "type": "quantitative", "scale": {"zero": False}}
    else:
        is_histogram = picture["kind"] == "histogram"
        names = [f"{low:.3g}" for low in picture["edges"][:-1]] if is_histogram else picture["names"]
        rows = [
            {"name": name, "number": number, "window": window, "value": value}
            for window in ("reference", "current")
            for number, (name, value) in enumerate(zip(names, picture[window], strict=True))
        ]
        mark = "bar"
        x = {"field": "name", "type": "nominal", "sort": {"field": "number"}}
        y = {"field": "value", "type": "quantitative", "title": "count" if is_histogram else "share"}
    encoding: dict[str, Any] = {"x": {**x, "title": None}, "y": y, "color": {"field": "window", "type": "nominal"}}
    if mark == "bar":
        encoding["xOffset"] = {"field": "window", "sort": ["reference", "current"]}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": 320,
        "height": 120,
        "data": {"values": rows},
        "mark": mark,
        "encoding": encoding,
    }


def _short(values: Any) -> list[float]:
    """To six digits: a picture shows no more."""
    return [float(f"{value:.6g}") for value in values]
