"""Small pictures: strict XML, the right marks, and texts that stay texts."""

from __future__ import annotations

import math
from typing import Any
from xml.etree.ElementTree import Element, fromstring

import pytest

from labelhouse.checks.drawings import number, path_of, picture_svg

HISTOGRAM = {"kind": "histogram", "edges": [0.0, 0.5, 1.0, 2.0], "reference": [10, 30, 60], "current": [6, 3, 1]}
CATEGORIES = {"kind": "categories", "names": ["cat", "dog"], "reference": [0.75, 0.25], "current": [0.5, 0.5]}
SERIES = {"kind": "series", "values": [1.0, 2.0, None, 4.0, 3.0], "current_from": 3, "change_at": 3}


def drawn(picture: dict[str, Any]) -> Element:
    return fromstring(picture_svg(picture))


def marks(svg: Element, tag: str, name: str) -> list[Element]:
    return [each for each in svg.iter(tag) if each.get("class") == name]


def test_bars_of_a_histogram_are_shares_of_each_window() -> None:
    svg = drawn(HISTOGRAM)
    before = [float(bar.get("height", 0)) for bar in marks(svg, "rect", "reference")]
    now = [float(bar.get("height", 0)) for bar in marks(svg, "rect", "current")]
    assert before[2] == pytest.approx(now[0]), "60 of 100 and 6 of 10 are as high"
    assert before[1] == pytest.approx(now[1], abs=0.1)
    titles = [title.text for title in svg.iter("title")]
    assert "0 to 0.5: reference 10.0% (10), current 60.0% (6)" in titles
    assert [text.text for text in svg.iter("text")] == ["0", "1", "2", "highest bin 60%"]


def test_open_ends_are_said() -> None:
    svg = drawn(HISTOGRAM | {"edges": [None, 0.5, 1.0, None]})
    titles = [title.text or "" for title in svg.iter("title")]
    assert any(title.startswith("below 0.5") for title in titles)
    assert any(title.startswith("from 1") for title in titles)


def test_categories_are_named_with_both_shares() -> None:
    svg = drawn(CATEGORIES)
    assert [text.text for text in svg.iter("text")] == ["cat", "75.0% → 50.0%", "dog", "25.0% → 50.0%"]
    long = "x" * 60
    short = next(text.text or "" for text in drawn(CATEGORIES | {"names": [long, "dog"]}).iter("text"))
    assert (len(short), short[-1]) == (17, "…")


def test_a_series_is_interrupted_where_a_value_is_missing_and_marks_the_change() -> None:
    svg = drawn(SERIES)
    assert len(marks(svg, "circle", "reference")) == 2
    assert len(marks(svg, "circle", "current")) == 2
    assert len(marks(svg, "line", "change")) == 1
    assert marks(svg, "path", "current")[0].get("d", "").count("M") == 1
    assert marks(drawn(SERIES | {"change_at": None}), "line", "change") == []
    assert drawn(SERIES | {"values": [2.0] * 5}) is not None, "all the same is no division by zero"


@pytest.mark.parametrize("picture", [HISTOGRAM, CATEGORIES, SERIES])
def test_nothing_has_a_style_or_a_colour_of_its_own(picture: dict[str, Any]) -> None:
    for element in drawn(picture).iter():
        assert not {"style", "fill", "stroke"} & set(element.attrib)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\"' onload='x", "&amp;", "{}{0}", "%s"])
def test_names_stay_texts(name: str) -> None:
    svg = drawn(CATEGORIES | {"names": [name, "dog"]})
    assert any(name in (title.text or "") for title in svg.iter("title"))
    assert {element.tag for element in svg.iter()} <= {"svg", "g", "title", "text", "rect"}


@pytest.mark.parametrize(
    "picture",
    [
        None,
        {},
        {"kind": "other"},
        {"kind": []},
        HISTOGRAM | {"edges": [0, 1]},
        HISTOGRAM | {"reference": []},
        CATEGORIES | {"current": [1]},
        SERIES | {"values": []},
        SERIES | {"values": [None]},
        SERIES | {"current_from": None},
    ],
)
def test_what_is_not_understood_is_left_out(picture: Any) -> None:
    assert picture_svg(picture) == ""


def test_points_become_a_path() -> None:
    assert path_of([0, 1, 2, 3], [1.0, None, 2.0, 3.0]) == "M0.0 1.0M2.0 2.0L3.0 3.0"


@pytest.mark.parametrize(
    ("value", "text"), [(0.1234, "0.123"), (1234567, "1,234,567"), (0.2, "0.2"), (3e12, "3e+12"), (-5.0, "-5")]
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text
    assert math.isclose(float(text.replace(",", "")), value, rel_tol=0.01)
