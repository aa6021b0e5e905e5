"""Small pictures as SVG that needs no script: what a drift looks like beside its reference.

No colour and no style stands in them: the stylesheet of whoever shows them colours their classes, in light and in
dark. Names in pictures come from outside; `Markup` escapes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

_WIDTH = 320
#: Heights of a plot, of the line of words below it, and of one category.
_PLOT, _WORDS, _LINE = 84, 16, 18
#: Where the bars of categories begin and end; their names are left of them, their shares right.
_BARS_FROM, _BARS_TO = 112, 236
_NAME_LENGTH = 17

_SVG = Markup('<svg class="drawing" viewBox="0 0 {} {}" width="{}" height="{}" role="img" aria-label="{}">{}</svg>')
_BAR = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" rx="1"><title>{}</title></rect>')
_BAND = Markup('<rect class="window" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>')
_LINE_OF = Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>')
_PATH = Markup('<path class="{}" d="{}"/>')
_DOT = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="2.2"><title>{}</title></circle>')
_TEXT = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
_TITLED = Markup("<g><title>{}</title>{}</g>")
_NOTHING = Markup("")


def picture_svg(picture: Mapping[str, Any] | None) -> Markup:
    """The picture of one check as SVG; empty where there is none, or none that is understood.

    Args:
        picture: `{"kind": "histogram", "edges", "reference", "current"}` (counts per bin),
            `{"kind": "categories", "names", "reference", "current"}` (shares, 0–1) or
            `{"kind": "series", "values", "current_from", "change_at"}`; see `checks.pictures`.
    """
    drawn = {"histogram": _histogram, "categories": _categories, "series": _series}
    try:
        return drawn[(picture or {})["kind"]](picture or {})
    except (KeyError, IndexError, TypeError, ValueError, ZeroDivisionError):
        return _NOTHING  # of another version of labelhouse: the numbers beside it say the same


def path_of(xs: Sequence[float], ys: Sequence[float | None]) -> str:
    """A line through points as the data of an SVG path; interrupted where there is no value."""
    parts, pen = [], "M"
    for x, y in zip(xs, ys, strict=True):
        if y is None:
            pen = "M"
        else:
            parts.append(f"{pen}{x:.1f} {y:.1f}")
            pen = "L"
    return "".join(parts)


def number(value: float) -> str:
    """Three significant digits."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e9 else f"{value:.3g}"


def _histogram(picture: Mapping[str, Any]) -> Markup:
    edges: list[float | None] = list(picture["edges"])
    reference, current = _shares(picture["reference"]), _shares(picture["current"])
    highest = max(*reference, *current) or 1
    width = _WIDTH / len(reference)
    bars = []
    # bins of quantiles differ much in width: each takes the same room, and the words below say where it ends
    windows = zip(pairwise(edges), reference, current, picture["reference"], picture["current"], strict=True)
    for place, ((low, high), before, now, count_before, count_now) in enumerate(windows):
        words = f"{_bin(low, high)}: reference {before:.1%} ({count_before:,}), current {now:.1%} ({count_now:,})"
        for name, share, inset in (("reference", before, 0.06), ("current", now, 0.26)):
            height = share / highest * (_PLOT - 12)
            bars.append(
                _BAR.format(name, (place + inset) * width, _PLOT - height, (1 - 2 * inset) * width, height, words)
            )
    middle = len(edges) // 2
    words_below = [
        _TEXT.format(at * width, _PLOT + 13, anchor, number(edge))
        for at, anchor in ((0, "start"), (middle, "middle"), (len(edges) - 1, "end"))
        if (edge := edges[at]) is not None
    ]
    axis = _LINE_OF.format("axis", 0, _PLOT, _WIDTH, _PLOT)
    highest_words = _TEXT.format(_WIDTH, 9, "end", f"highest bin {highest:.0%}")
    return _svg(_PLOT + _WORDS, "Distribution: reference and current", [*bars, axis, *words_below, highest_words])


def _categories(picture: Mapping[str, Any]) -> Markup:
    highest = max(*picture["reference"], *picture["current"]) or 1
    scale = (_BARS_TO - _BARS_FROM) / highest
    lines = []
    for place, (name, before, now) in enumerate(
        zip(picture["names"], picture["reference"], picture["current"], strict=True)
    ):
        y, words = place * _LINE, f"{name}: reference {before:.1%}, current {now:.1%}"
        short = name if len(name) <= _NAME_LENGTH else f"{name[: _NAME_LENGTH - 1]}…"
        lines += [
            _TITLED.format(words, _TEXT.format(_BARS_FROM - 6, y + 12.5, "end", short)),
            _BAR.format("reference", _BARS_FROM, y + 2, before * scale, _LINE - 4, words),
            _BAR.format("current", _BARS_FROM, y + 5.5, now * scale, _LINE - 11, words),
            _TEXT.format(_WIDTH, y + 12.5, "end", f"{before:.1%} → {now:.1%}"),
        ]
    return _svg(len(picture["names"]) * _LINE + 2, "Shares: reference and current", lines)


def _series(picture: Mapping[str, Any]) -> Markup:
    values: list[float | None] = list(picture["values"])
    known = [value for value in values if value is not None]
    low, high = min(known), max(known)
    room = (high - low) or abs(high) or 1
    step = _WIDTH / max(len(values), 2)
    xs = [(place + 0.5) * step for place in range(len(values))]
    ys = [None if value is None else 4 + (_PLOT - 8) * (1 - (value - low) / room) for value in values]
    current_from = min(int(picture["current_from"]), len(values))
    parts = [_BAND.format(current_from * step, (len(values) - current_from) * step, _PLOT)]
    if picture.get("change_at") is not None:
        at = int(picture["change_at"]) * step
        parts.append(_LINE_OF.format("change", at, 0, at, _PLOT))
    # the line of the current window begins at the last value of the reference: no gap between them
    join = max(current_from - 1, 0)
    parts += [
        _PATH.format("reference", path_of(xs[:current_from], ys[:current_from])),
        _PATH.format("current", path_of(xs[join:], ys[join:])),
    ]
    for place, (x, y, value) in enumerate(zip(xs, ys, values, strict=True)):
        if y is not None and value is not None:
            parts.append(_DOT.format("current" if place >= current_from else "reference", x, y, number(value)))
    words = f"lowest {number(low)}, highest {number(high)}"
    parts += [
        _LINE_OF.format("axis", 0, _PLOT, _WIDTH, _PLOT),
        _TEXT.format(0, _PLOT + 13, "start", words),
        _TEXT.format(_WIDTH, _PLOT + 13, "end", "current window shaded"),
    ]
    return _svg(_PLOT + _WORDS, f"Values over time: {words}", parts)


def _svg(height: float, label: str, parts: Sequence[Markup]) -> Markup:
    return _SVG.format(_WIDTH, height, _WIDTH, height, label, _NOTHING.join(parts))


def _shares(counts: Sequence[float]) -> list[float]:
    total = math.fsum(counts) or 1
    return [count / total for count in counts]


def _bin(low: float | None, high: float | None) -> str:
    if low is None:
        return "below all" if high is None else f"below {number(high)}"
    return f"from {number(low)}" if high is None else f"{number(low)} to {number(high)}"
