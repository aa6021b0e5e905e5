"""Sequences: what goes through columns gives the very rows that it gives one by one, and nothing is ever raised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from labelhouse.sources.labeling import regular_frames
from labeling_units import EMAIL, MASK, POINT_LABELS, SEQUENCE, Result, box, cuboid, parse
from mutated_json import mutated

CANARY = EMAIL.partition("@")[0]

good_texts = st.one_of(st.text(max_size=8), st.just(EMAIL), st.text(max_size=3).map(lambda text: text + EMAIL))
numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-(2**53), 2**53),
    st.integers(-(2**63), 2**63 - 1),
)
ids = st.one_of(st.none(), good_texts, st.integers(-(2**63), 2**63 - 1))
good_values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, good_texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(good_texts, inner, max_size=3),
    max_leaves=6,
)
attributes = st.one_of(st.none(), st.dictionaries(good_texts, good_values, max_size=3))
odd_texts = st.text(st.characters(codec=None), max_size=8)  # half surrogate pairs too
odd_values = st.one_of(good_values, odd_texts, st.floats(), st.integers(-(2**70), 2**70), st.just(EMAIL))
odd_keys = st.one_of(
    odd_texts,
    st.sampled_from(["annotations", "polygons", "frame-no", "frame-attributes", "class-id", "left", "workerMetadata"]),
)


frame_numbers = st.one_of(st.none(), st.integers(0, 2**31 - 1))
text_numbers = st.one_of(st.none(), st.integers(0, 10**6).map(str))


def things(names: tuple[str, ...], numbers: st.SearchStrategy[Any] = numbers) -> st.SearchStrategy[Any]:
    """Boxes or cuboids with these numbers, and anything else there or not."""
    optional = {
        "class-id": ids,
        "object-id": ids,
        "object-name": st.one_of(st.none(), good_texts),
        "label-category-attributes": attributes,
    }
    return st.fixed_dictionaries(dict.fromkeys(names, numbers), optional=optional)


BOX = ("left", "top", "width", "height")
CUBOID = ("center-x", "center-y", "center-z", "length", "width", "height", "roll", "pitch", "yaw")


def frames_of(
    thing: st.SearchStrategy[Any], number: st.SearchStrategy[Any] = frame_numbers | text_numbers
) -> st.SearchStrategy[Any]:
    name = st.one_of(st.none(), good_texts)
    return st.fixed_dictionaries(
        {},
        optional={
            "annotations": st.lists(thing, max_size=4),
            "frame-no": number,
            "frame-number": number,
            "frame": name,
            "frame-name": name,
            "frame-attributes": attributes,
        },
    )


good_frames = st.one_of(st.lists(frames_of(things(BOX)), max_size=5), st.lists(frames_of(things(CUBOID)), max_size=5))


@contextmanager
def one_by_one() -> Iterator[None]:
    """Nothing goes through columns."""
    with mock.patch.object(regular_frames, "_decoded", return_value=None):
        yield


def assert_same_rows(data: bytes) -> Result:
    columnar = parse(data, SEQUENCE)
    with one_by_one():
        single = parse(data, SEQUENCE)
    assert columnar.frames == single.frames
    assert columnar.annotations == single.annotations
    assert columnar.reasons == single.reasons
    assert columnar.counts == single.counts
    return columnar


@given(good_frames, st.booleans(), st.booleans())
def test_columns_give_the_rows_that_go_one_by_one(frames: list[Any], has_sensor: bool, is_ascii: bool) -> None:
    document = {"tracking-annotations": frames}
    text = json.dumps({"lidar": document} if has_sensor else document, ensure_ascii=is_ascii)
    result = assert_same_rows(text.encode())
    assert result.reasons == []
    assert len(result.frames) == len(frames)
    assert [row["annotation_count"] for row in result.frames] == [len(each.get("annotations", [])) for each in frames]
    assert len(result.annotations) == sum(row["annotation_count"] for row in result.frames)
    assert_nobody_is_named(result)


regular_boxes = things(BOX, st.floats(-1e6, 1e6))


@given(st.lists(frames_of(regular_boxes, frame_numbers)) | st.lists(frames_of(regular_boxes, text_numbers)))
def test_regular_frames_do_go_through_columns(frames: list[Any]) -> None:
    with mock.patch.object(regular_frames, "load_frames", side_effect=AssertionError):
        parse(json.dumps({"tracking-annotations": frames}).encode(), SEQUENCE)


@given(st.data())
def test_mutated_sequences(data: st.DataObject) -> None:
    frames = [{"annotations": [box(), box()], "frame-no": "0"}, {"annotations": [cuboid()], "frame-no": 1}]
    given_frames = data.draw(st.one_of(st.just(frames), st.just(frames[:1]), good_frames))
    document = {"tracking-annotations": data.draw(mutated(given_frames, odd_values, odd_keys))}
    result = assert_same_rows(json.dumps(document).encode())
    assert result.counts["read"] == len(document["tracking-annotations"])
    assert_nobody_is_named(result)
    for _, reason in result.reasons:
        assert reason.isprintable()


@given(st.recursive(odd_values, lambda inner: st.dictionaries(odd_keys, inner, max_size=4), max_leaves=20))
def test_arbitrary_documents(document: Any) -> None:
    result = assert_same_rows(json.dumps(document).encode())
    assert_nobody_is_named(result)


@given(st.binary(max_size=300), st.sampled_from([SEQUENCE, MASK, POINT_LABELS]))
def test_arbitrary_bytes(data: bytes, uri: str) -> None:
    result = parse(data, uri)
    assert result.counts["read"] == 1
    assert result.counts["quarantined"] == 1


def assert_nobody_is_named(result: Result) -> None:
    for rows in [*result.tables.values(), result.quarantined]:
        for row in rows:
            for name, value in row.items():
                if not (name == "raw_bytes" and row["is_encrypted"]):
                    assert CANARY not in str(value), name
