"""Bad sequence files: what is unusable is quarantined with its reason, and all the rest loads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labelhouse.sources.labeling import sequences
from labeling_units import SEQUENCE, box, cuboid, frame, gzipped, parse, parse_all, sequence


def reason(thing: Any) -> str:
    """Why one annotation of a frame does not load; its frame and the good one beside it must, and it counts."""
    result = parse(sequence(frame(0, box(), thing)), SEQUENCE)
    assert result.counts == {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}
    assert [row["position"] for row in result.annotations] == ["0/0"]
    assert [row["annotation_count"] for row in result.frames] == [2]
    ((position, found),) = result.reasons
    assert position == "0/1"
    assert result.quarantined[0]["is_encrypted"] is False
    return found


@pytest.mark.parametrize("captured", ["seven", "1_0", "٣", "", -1, 2**31, 2**62, 2**70, 1.5, True, [], "9" * 5000])
def test_a_frame_with_another_number_is_quarantined(captured: Any) -> None:
    result = parse(sequence(frame(0), frame(captured, box()), frame(2, box())), SEQUENCE)
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}
    is_long = captured == 2**70
    expected = "a whole number is beyond 64 bits" if is_long else "the frame's number is no whole number from 0"
    assert result.reasons == [("1", expected)]
    assert [row["position"] for row in result.annotations] == ["2/0"]


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (box(left=...), "left is missing"),
        (box(top="1"), "top is text, not a number"),
        (box(width=None), "width is null, not a number"),
        (box(height=True), "height is true or false, not a number"),
        (box(left=float("nan")), "a number is not finite, or too large (NaN, Infinity, 1e999)"),
        (box(left=float("inf")), "a number is not finite, or too large (NaN, Infinity, 1e999)"),
        (box(left=2**63), "a whole number is beyond 64 bits"),
        (box(class_id=2**63), "a whole number is beyond 64 bits"),
        (box(class_id=[1]), "class_id is a list, not a number or text"),
        (box(object_id="\ud800"), "a text holds half of a surrogate pair, which is no character"),
        (box(label_category_attributes={"\ud800": 1}), "a text holds half of a surrogate pair, which is no character"),
        (box(label_category_attributes=[1]), "label-category-attributes is a list, not an object"),
        (cuboid(**{"center-z": ...}), "center_z is missing"),
        (None, "one of annotations is null, not an object"),
        ([box()], "one of annotations is a list, not an object"),
    ],
)
def test_an_unusable_annotation_is_a_quarantined_part(thing: Any, expected: str) -> None:
    assert reason(thing) == expected


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 5000, "9" * 20])
def test_numbers_that_json_cannot_spell_here(number: str) -> None:
    text = sequence(frame(0, box(), box(left="HERE")), frame(1, box())).replace(b'"HERE"', number.encode())
    result = parse(text, SEQUENCE)
    assert [row["position"] for row in result.annotations] == ["0/0", "1/0"]
    assert [position for position, _ in result.reasons] == ["0/1"]


@pytest.mark.parametrize(
    "bad", ["a frame", 3, None, [], {"annotations": "none"}, {"frame": 7}, {"frame-attributes": 1}]
)
def test_an_unusable_frame_is_quarantined(bad: Any) -> None:
    result = parse(sequence(frame(0, box()), bad, frame(2)), SEQUENCE)
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}
    assert [row["position"] for row in result.frames] == ["0", "2"]
    assert [position for position, _ in result.reasons] == ["1"]


def test_a_frame_that_is_not_utf_8_is_quarantined() -> None:
    text = sequence(frame(0, box()), frame(1, box(object_name="HERE")), frame(2, box())).replace(b"HERE", b"\xff")
    result = parse(text, SEQUENCE)
    assert result.reasons == [("1", "the text is not UTF-8")]
    assert [row["position"] for row in result.annotations] == ["0/0", "2/0"]
    assert result.quarantined[0]["is_encrypted"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "the file is empty"),
        (b"{", "the JSON ends too early"),
        (b"[]", "the document is a list, not an object"),
        (b"{}", sequences._NO_LIST),
        (b'{"tracking-annotations": {}}', sequences._NO_LIST),
        (b'{"annotations": [{"left": 1}]}', sequences._NO_LIST),
        (sequence(frame(0, box()))[:-3], "the JSON ends too early"),
        (sequence(frame(0)) + b"x", "something follows after the end of the JSON"),
        (sequence(frame(0)).decode().encode("utf-16"), "the text is UTF-16 or UTF-32, not UTF-8"),
        (b'{"tracking-annotations": [' + b"[" * 100_000, "the JSON is nested too deeply"),
        (b'{"tracking-annotations": [' + b"[" * 100_000 + b"]" * 100_000 + b"]}", "the JSON is nested too deeply"),
        (gzipped(sequence(frame(0)))[:-9], "the gzip file is cut off"),
        (b'{"\\ud800": {"tracking-annotations": []}}', "the name of a sensor holds half of a surrogate pair"),
    ],
)
def test_a_file_that_is_no_sequence_is_one_quarantined_record(data: bytes, expected: str) -> None:
    result = parse(data, SEQUENCE)
    assert result.counts == {"read": 1, "loaded": 0, "quarantined": 1, "filtered": 0}
    ((position, found),) = result.reasons
    assert (position, found[: len(expected)]) == ("0", expected)
    assert result.quarantined[0]["is_encrypted"]


def test_a_deep_annotation_costs_its_frame_only() -> None:
    deep = json.loads("[" * 70 + "]" * 70)
    result = parse(sequence(frame(0, box(), box(x=deep)), frame(1, box())), SEQUENCE)
    assert result.reasons == [("0", "the JSON is nested too deeply")]
    assert [row["position"] for row in result.annotations] == ["1/0"]


def test_an_odd_file_among_small_ones_costs_nobody_else() -> None:
    """Half a surrogate pair, and a number too large, are found only when the columns of all are made."""
    units = [(SEQUENCE.replace("/17/", f"/{number}/"), sequence(frame(number, box()))) for number in range(4)]
    units[2] = (units[2][0], sequence(frame(2, box(), box(left=2**63), box(object_name="\udc00"))))
    results = parse_all(units)
    assert [len(result.annotations) for result in results.values()] == [1] * 4
    assert [len(result.quarantined) for result in results.values()] == [0, 0, 2, 0]


def test_a_frame_that_is_too_large_is_quarantined() -> None:
    name = "x" * (17 * 1024 * 1024)
    result = parse(sequence(frame(0, box()), frame(1, box(object_name=name)), frame(2, box())), SEQUENCE)
    assert result.reasons == [("1", "the record is larger than 16 MB")]
    assert [row["position"] for row in result.annotations] == ["0/0", "2/0"]


def test_a_large_file_that_is_not_json_is_quarantined() -> None:
    filling = [frame(number, frame="x" * 1_000_000) for number in range(17)]
    result = parse(sequence(*filling, frame(18, box(left=float("nan")))), SEQUENCE)
    assert result.counts["quarantined"] == 1
    assert "larger than 16 MB" in result.reasons[0][1]
