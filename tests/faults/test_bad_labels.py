"""Labels and answers that are damaged, hostile or nonsensical: what is good of them is annotations, the rest is kept.

What is wrong with a whole line or answer keeps all of it from loading, its annotations too; a box without numbers
keeps out that box alone.
"""

from __future__ import annotations

import json
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from labelhouse.schema.arrow import load_schema
from labelhouse.schema.tables import TABLES
from labeling_units import MANIFEST, Result, answer, document, line, manifest, parse

BOX = {"class_id": 0, "left": 1, "top": 2, "width": 3, "height": 4}


def boxes(*annotations: Any) -> dict[str, Any]:
    """A labelled line of boxes."""
    return line(type="groundtruth/object-detection", class_name=...) | {"pet": {"annotations": list(annotations)}}


def load(*lines: Any) -> Result:
    return parse(manifest(lines), MANIFEST)


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (b"NaN", "a number is not finite, or too large (NaN, Infinity, 1e999)"),
        (b"1e999", "a number is not finite, or too large (NaN, Infinity, 1e999)"),
        (b"9" * 5_000, "a number is not finite, or too large (NaN, Infinity, 1e999)"),
        (b"9" * 25, "a whole number is beyond 64 bits"),
        (b'"\\ud800"', "a text holds half of a surrogate pair, which is no character"),
        (b"[" * 100_000 + b"]" * 100_000, "the JSON is nested too deeply"),
        (b'"\xff"', "the text is not UTF-8"),
        (b"", "the text is not JSON"),
    ],
)
def test_a_line_that_the_lake_cannot_hold_gives_no_annotations(left: bytes, words: str) -> None:
    text = manifest([boxes(BOX), boxes(BOX | {"left": "HERE"}), boxes(BOX)])
    result = parse(text.replace(b'"HERE"', left), MANIFEST)
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}
    assert result.reasons == [("1", words)]
    assert [row["position"] for row in result.annotations] == ["0/pet/0", "2/pet/0"]


def test_an_answer_that_the_lake_cannot_hold_gives_no_annotations() -> None:
    text = document(answer(), answer(answerContent={"b": {"boundingBoxes": [BOX | {"left": "HERE"}]}}), answer())
    result = parse(text.replace(b'"HERE"', b"NaN"))
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}
    assert [row["position"] for row in result.annotations] == ["0/0", "2/0"]


def test_a_byte_order_mark_is_no_part_of_a_label() -> None:
    assert parse(b"\xef\xbb\xbf" + manifest([boxes(BOX)]), MANIFEST).annotations == load(boxes(BOX)).annotations


def test_of_repeated_keys_the_last_counts() -> None:
    text = manifest([boxes(BOX)]).replace(b'"left": 1', b'"left": 1, "left": 5')
    assert [row["left_px"] for row in parse(text, MANIFEST).annotations] == [5.0]


def test_unknown_fields_are_kept_and_the_load_goes_on() -> None:
    (row,) = load(boxes(BOX | {"rotation": {"degrees": 30}})).annotations
    assert json.loads(row["annotation_json"])["rotation"] == {"degrees": 30}
    assert row["left_px"] == 1.0


@pytest.mark.parametrize("label", [0, "0"])
def test_a_label_may_be_a_number_or_text(label: Any) -> None:
    assert [row["class_id"] for row in load(line() | {"pet": label}).annotations] == ["0"]


def test_a_removed_field_quarantines_its_box_alone() -> None:
    result = load(boxes(BOX, {name: value for name, value in BOX.items() if name != "width"}))
    assert (len(result.annotations), result.reasons) == (1, [("0/pet/1", "width is missing")])


@pytest.mark.parametrize("change", [{"left": -50}, {"width": -1}, {"height": 0}, {"top": 1e300}, {"left": 2**62}])
def test_an_unlikely_box_is_a_matter_for_a_check(change: dict[str, Any]) -> None:
    result = load(boxes(BOX | change))
    assert (len(result.annotations), result.reasons) == (1, [])


HOSTILE = [
    "'; drop table raw.annotations; --",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\u202eevil",
    "zero\u200bwidth",
    "e\u0301",
    "é",
    "a\x00b",
    "../../etc/passwd",
    "שלום",
    "🦜",
    "",
    " ",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_text(text: str) -> None:
    things = BOX | {"label": text, "object-id": text, "object-name": text, "label-category-attributes": {text: text}}
    (row,) = load(boxes(things)).annotations
    assert (row["category"], row["object_id"], row["object_name"]) == (text, text, text)
    assert row["attributes"] == {text: text}
    answered = parse(document(answer(answerContent={text: {"polygons": [{"label": text, "vertices": []}]}})))
    assert [each["category"] for each in answered.annotations] == [text]


def test_many_names_of_one_look_stay_apart() -> None:
    names = ["é", "e\u0301"]
    assert [row["category"] for row in load(boxes(*(BOX | {"label": name} for name in names))).annotations] == names


def test_what_loads_fits_the_lake_and_the_engine_that_reads_it() -> None:
    frame = {"frame-no": "3", "frame-attributes": {"a": 1, "b": None}, "annotations": [BOX | {"label": "x"}]}
    drawn = {"polygons": [{"label": "x", "vertices": [{"x": 1, "y": 2.5}]}]}
    contents = [{"t": {"frameData": {"entries": [frame]}}}, {"p": drawn}, {"c": [1, "a"]}, {"l": {"label": "b"}}]
    results = [load(boxes(*[BOX] * 3)), parse(document(*(answer(answerContent=each) for each in contents)))]
    for table, count in (("annotations", 7), ("frames", 1)):
        rows = [row for result in results for row in result.tables[table]]
        added = {"unit_uri": "u", "unit_version": "v", "loaded_at": rows[0]["event_at"]}
        held = pa.Table.from_pylist([row | added for row in rows], schema=load_schema(TABLES[table]))
        assert held.num_rows == count
        for column in TABLES[table].columns:
            assert not column.required or held[column.name].null_count == 0, column.name
        assert duckdb.sql("select count(*) from held").fetchall() == [(count,)]


def test_a_line_of_many_boxes_takes_bounded_time_and_all_load() -> None:
    result = load(boxes(*[BOX] * 50_000))
    assert len(result.annotations) == 50_000
    assert result.annotations[-1]["position"] == "0/pet/49999"
