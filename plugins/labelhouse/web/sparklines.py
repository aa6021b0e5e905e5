"""Small courses over time as SVG that needs no script: verdicts of builds, statistics, datapoints of alarms.

As in `checks.drawings` no colour stands in them: `app.css` colours their classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from markupsafe import Markup

from labelhouse.checks.drawings import number, path_of

#: Time, value, and the band that it is expected in; None where there is none.
Datapoint = tuple[str, float | None, float | None, float | None]

_HEIGHT = 22
_SVG = Markup('<svg class="spark" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" aria-label="{2}">{3}</svg>')
_RECT = Markup('<rect class="{}" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>')
_PATH = Markup('<path class="{}" d="{}"/>')
_LEVEL = Markup('<line class="threshold" x1="0" y1="{0:.1f}" x2="{1}" y2="{0:.1f}"/>')
_DOT = Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{}"><title>{}</title></circle>')
_NOTHING = Markup("")


def verdict_strip(outcomes: Sequence[str], width: int = 120) -> Markup:
    """One mark per build, oldest first, coloured by its outcome; neighbours of one colour are one mark."""
    if not outcomes:
        return _NOTHING
    step, at, marks = width / len(outcomes), 0, []
    for outcome, group in groupby(outcomes):
        count = len(list(group))
        marks.append(_RECT.format(outcome, at * step, 8, max(count * step - 1, 1), 7))
        at += count
    return _SVG.format(width, _HEIGHT, _counted(outcomes), _NOTHING.join(marks))


def value_course(
    values: Sequence[float | None], outcomes: Sequence[str], threshold: float | None = None, width: int = 120
) -> Markup:
    """A value per build, oldest first, its marks coloured where it was not passed; a strip where it never differs.

    Args:
        values: None where a build has none.
        outcomes: of the same builds.
        threshold: drawn dashed where it lies within the picture's reach.
        width: in pixels.
    """
    known = [value for value in values if value is not None]
    if len(set(known)) < 2:
        return verdict_strip(outcomes, width)
    low, high = min(known), max(known)
    if threshold is not None and low - (high - low) <= threshold <= high + (high - low):
        low, high = min(low, threshold), max(high, threshold)
    else:
        threshold = None
    xs, scale = _places(len(values), width), _Scale(low, high, _HEIGHT)
    ys = [scale(value) for value in values]
    parts = [_PATH.format("line", path_of(xs, ys))]
    if threshold is not None:
        parts.insert(0, _LEVEL.format(scale(threshold), width))
    for x, y, value, outcome in zip(xs, ys, values, outcomes, strict=True):
        if y is not None and value is not None and outcome != "passed":
            parts.append(_DOT.format(outcome, x, y, 2, number(value)))
    label = f"{_counted(outcomes)}; from {number(min(known))} to {number(max(known))}"
    return _SVG.format(width, _HEIGHT, label, _NOTHING.join(parts))


def datapoints_course(
    datapoints: Sequence[Datapoint], threshold: float | None, width: int = 260, height: int = 56
) -> Markup:
    """The datapoints of an alarm, oldest first, beside its threshold or within its band; empty without any value."""
    values = [value for _, value, _, _ in datapoints]
    levels = [each for _, *point in datapoints for each in point if each is not None]
    if all(value is None for value in values):
        return _NOTHING
    if threshold is not None:
        levels.append(threshold)
    xs, scale = _places(len(datapoints), width), _Scale(min(levels), max(levels), height)
    ys, parts = [scale(value) for value in values], []
    band = [(x, scale(low), scale(high)) for x, (_, _, low, high) in zip(xs, datapoints, strict=True)]
    edge = [(x, low, high) for x, low, high in band if low is not None and high is not None]
    if edge:
        there, back = "L".join(f"{x:.1f} {low:.1f}" for x, low, _ in edge), edge[::-1]
        parts.append(_PATH.format("band", f"M{there}L" + "L".join(f"{x:.1f} {high:.1f}" for x, _, high in back) + "Z"))
    if threshold is not None:
        parts.append(_LEVEL.format(scale(threshold), width))
    parts.append(_PATH.format("line", path_of(xs, ys)))
    for x, y, (at, value, _, _) in zip(xs, ys, datapoints, strict=True):
        if y is not None and value is not None:
            parts.append(_DOT.format("point", x, y, 1.8, f"{at}: {number(value)}"))
    known = [value for value in values if value is not None]
    label = f"{len(known)} of {len(values)} datapoints, newest {number(known[-1])}"
    return _SVG.format(width, height, label, _NOTHING.join(parts))


class _Scale:
    """Values to pixels from the top, with room for marks."""

    def __init__(self, low: float, high: float, height: int) -> None:
        self._low, self._height = low, height
        self._range = (high - low) or 1

    def __call__(self, value: float | None) -> float | None:
        if value is None:
            return None
        return 3 + (self._height - 6) * (1 - (value - self._low) / self._range)


def _places(count: int, width: int) -> list[float]:
    step = width / max(count, 1)
    return [(place + 0.5) * step for place in range(count)]


def _counted(outcomes: Sequence[str]) -> str:
    bad = sum(outcome != "passed" for outcome in outcomes)
    return f"{len(outcomes)} builds, {bad or 'none'} not passed" if len(outcomes) != 1 else f"1 build, {outcomes[0]}"
