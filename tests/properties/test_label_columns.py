"""Lines of a manifest give the same rows whether they are read as columns or one by one, whatever is in them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelhouse.sources import documents
from labelhouse.sources.documents import lines, unpack
from labelhouse.sources.labeling import regular_lines
from labelhouse.sources.labeling.manifests import load_line
from labelhouse.sources.labeling.places import Delivery, known_place_of
from labeling_units import EMAIL, IDENTITIES, MANIFEST, UNIT_AT, line
from mutated_json import mutated
from parsed_rows import rows_of

BOXES = {
    "source-ref": "s3://images/1.jpg",
    "pet": {
        "image_size": [{"width": 500, "height": 400, "depth": 3}],
        "annotations": [{"class_id": 0, "left": 1, "top": 2.5, "width": 3, "height": 4}] * 2,
    },
    "pet-metadata": {
        "objects": [{"confidence": 0.5}, {"confidence": 0}],
        "class-map": {"0": "dog", "5": "bone"},
        "type": "groundtruth/object-detection",
        "human-annotated": "yes",
        "creation-date": "2018-10-18T22:18:13.527256",
        "job-name": "labeling-job/dogs",
    },
}
TEXT = {
    "source": "It is late.",
    "pet": "1",
    "pet-metadata": line(type="groundtruth/text-classification")["pet-metadata"],
}

texts = st.text(st.characters(codec=None), max_size=8)
values = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), texts),
    st.sampled_from(
        ["", EMAIL, "2024-05-06", "2024-05-06T07:30:00+0200", "2009-01-01T00:00:00", "9999-01-01T00:00:00"]
    ),
    st.sampled_from(
        ["{}", "[0]", "-1", "01", "groundtruth/custom", "labeling-job/", "no", "adjusted", 10**15 + 1, 1.5]
    ),
    *(st.builds(list), st.builds(dict)),
)
keys = st.one_of(
    texts,
    st.sampled_from(
        [
            "source",
            "pet-ref",
            "-metadata",
            "x-metadata",
            "failure-reason",
            "color-map",
            "class_map",
            "adjustment-status",
        ]
    ),
)
manifests = st.lists(
    st.one_of(
        st.sampled_from([line(), BOXES, TEXT]).map(json.dumps),
        st.sampled_from([line(), BOXES, TEXT]).flatmap(lambda good: mutated(good, values, keys)).map(json.dumps),
        st.sampled_from(
            ["{", "}", "", " ", "{} {}", '{"a": {}', "{}", "[]", ', "b": 1}', '{"source-ref": "x"}', "nul"]
        ),
        texts,
    ),
    max_size=8,
)


#: Compact lines, as Ground Truth writes them, and what may stand in the place of some of their bytes.
ALIKE = [
    json.dumps(good, separators=(",", ":"), ensure_ascii=False).encode()
    for good in (
        line(),
        line(class_name="Flügelschlag", adjustment_status="adjusted", confidence=0.123456789),
        line() | {"pet": "12"},
        TEXT,
    )
]
pieces = st.one_of(
    st.binary(max_size=3),
    st.sampled_from(
        [b'"', b"\\", b",", b":", b"{", b"}", b"\n", b"\r\n", b" ", b"\0", b"\x7f", b"1", b"-", b"0.50", b"1e3"]
    ),
    st.sampled_from(
        [b"null", b"true", b'\\"', b'":"', b'","x":"', EMAIL.encode(), b"a%40b.de", b"workerMetadata", b"\xc3\xbc"]
    ),
    st.sampled_from(
        [b"no", b"adjusted", b"2009", b"labeling-job/", b"10000000000000000", b"[[[[", b"\xed\xa0\x80", b""]
    ),
)


@st.composite
def retouched(draw: st.DrawFn) -> bytes:
    """Lines that are all alike but for a few bytes here and there."""
    good = draw(st.sampled_from(ALIKE))
    found = []
    for _ in range(draw(st.integers(1, 6))):
        made = good if draw(st.booleans()) else draw(st.sampled_from(ALIKE))
        if draw(st.booleans()):
            start = draw(st.integers(0, len(made)))
            made = made[:start] + draw(pieces) + made[start + draw(st.integers(0, 8)) :]
        found.append(made)
    return b"\n".join([good, *found]) + draw(st.sampled_from([b"", b"\n", b"\n\n"]))


def delivery() -> Delivery:
    return Delivery(known_place_of(MANIFEST), UNIT_AT, datetime.now(UTC) + timedelta(hours=2), IDENTITIES)


def gathered(chunks: Any) -> tuple[Counter[str], dict[str, list[dict[str, Any]]], int]:
    """Counts, rows by table and position, and how many rows came as columns."""
    counts: Counter[str] = Counter()
    tables: dict[str, list[dict[str, Any]]] = {}
    as_columns = 0
    for chunk in chunks:
        for name in ("read", "loaded", "quarantined", "filtered"):
            counts[name] += getattr(chunk, f"records_{name}")
        as_columns += len(chunk.arrays.get("manifest_entries", {}).get("position", []))
        for table, columns in chunk.tables.items():
            tables.setdefault(table, []).extend(rows_of(table, columns))
        if chunk.quarantined:
            # what is encrypted is never the same twice
            kept = [row | {"raw_bytes": None} for row in rows_of("quarantine", chunk.quarantined)]
            tables.setdefault("quarantine", []).extend(kept)
    for rows in tables.values():
        rows.sort(key=lambda row: row["position"])
    return counts, tables, as_columns


def one_by_one(text: bytes) -> Any:
    parsed, given = delivery().chunk(), delivery()
    for number, raw in lines(unpack(text)):
        load_line(parsed, given, number, raw)
    yield parsed


def assert_same(text: bytes) -> int:
    counts, tables, as_columns = gathered(regular_lines.load_manifest(delivery(), unpack(text)))
    expected_counts, expected, none = gathered(one_by_one(text))
    assert none == 0
    assert counts == expected_counts
    assert tables == expected
    return as_columns


@given(manifests)
def test_both_ways_give_the_same_rows(drawn: list[str]) -> None:
    text = "\n".join(drawn).encode("utf-8", "surrogatepass")
    if text.strip() and not text.startswith((b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b")) and b"\0" not in text[:4]:
        assert_same(text)


@given(retouched())
def test_lines_that_are_nearly_alike_give_the_same_rows(text: bytes) -> None:
    assert_same(text)


@pytest.mark.parametrize(
    "piece", [b"", b'"', b"\\", b",", b"}", b"0", b"@", b" ", b"\0", b"\xff", b"\n", b'"x"', b"%40", b"null", b"1e3"]
)
@pytest.mark.parametrize("good", [ALIKE[0], ALIKE[3]], ids=["image", "text"])
def test_a_line_with_any_one_byte_changed_gives_the_same_rows(good: bytes, piece: bytes) -> None:
    date = good.index(b"2024-")
    for is_in_date in (True, False):  # a date that is none would leave all others to be read one by one
        changed = [
            good[:place] + piece + good[place + cut :]
            for place in range(len(good))
            for cut in (0, 1, len(piece))
            if (date - 4 <= place <= date + 26) is is_in_date
        ]
        assert assert_same(b"\n".join([good, *changed])) >= (not is_in_date)


@pytest.mark.parametrize("good", ALIKE)
def test_lines_that_are_alike_are_not_decoded(good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_given: Any) -> Any:
        raise AssertionError("a line was decoded")

    alike = [good.replace(b"1.jpg", b"%d.jpg" % number) for number in range(1, 300)]
    assert assert_same(b"\n".join(alike)) == 299
    monkeypatch.setattr(regular_lines, "_load_group", refuse)
    assert len(list(regular_lines.load_manifest(delivery(), b"\n".join(alike)))) == 1


@pytest.mark.parametrize("captured", [b"s3://", b'"cat"', b"pets"])
@pytest.mark.parametrize("instead", [EMAIL.encode(), b"a%40b.de", b"workerMetadata", b"\xff"])
def test_what_may_name_somebody_or_is_no_text_is_looked_at_alone(captured: bytes, instead: bytes) -> None:
    odd = ALIKE[0].replace(captured, captured[:1] + instead + captured[-1:])
    assert assert_same(b"\n".join([ALIKE[0], odd, ALIKE[0]])) == 2


@pytest.mark.parametrize("good", [line(), line(confidence=0), BOXES, TEXT], ids=["class", "sure", "boxes", "text"])
def test_regular_lines_come_as_columns_whatever_stands_between_them(good: dict[str, Any]) -> None:
    odd = ['{"source-ref": "s3://i/1"}', "{", '{"a": {}', json.dumps(good | {"by": EMAIL}), json.dumps(good | {"x": 1})]
    texts = [json.dumps(good), *(text for each in odd for text in (each, json.dumps(good)))]
    assert assert_same("\n".join(texts).encode()) == len(odd) + 1


def test_a_date_that_is_none_leaves_its_group_to_be_read_one_by_one() -> None:
    late = line(creation_date="2024-02-30T00:00:00")
    assert assert_same("\n".join(map(json.dumps, [line(), late, line()])).encode()) == 0


def test_documents_on_one_line_are_not_taken_for_lines() -> None:
    texts = [f"{json.dumps(line())} {json.dumps(line())}", '{"pet":', "1}", json.dumps(line())]
    assert assert_same("\n".join(texts).encode()) == 1


def test_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_lines, "GROUP_LINES", 3)
    assert assert_same("\n".join([json.dumps(line())] * 8).encode()) == 8
    monkeypatch.setattr(regular_lines, "GROUP_LINES", 100)
    monkeypatch.setattr(regular_lines, "GROUP_BYTES", 10)
    assert assert_same("\n".join([json.dumps(line())] * 8).encode()) == 8
    assert assert_same(b"\n\n".join([ALIKE[0]] * 8)) == 8


def test_a_line_too_large_to_be_a_record_keeps_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (regular_lines, documents):
        monkeypatch.setattr(name, "MAX_RECORD_BYTES", 1000)
    monkeypatch.setattr(regular_lines, "GROUP_BYTES", 700)
    large, blank = ALIKE[0] + b" " * 1000, b" " * 1001
    assert assert_same(b"\n".join([ALIKE[0], large, blank, ALIKE[0]])) == 2


def test_the_real_manifests_read_the_same_both_ways(real_data: Any) -> None:
    found = {path.name: assert_same(path.read_bytes()) for path in (real_data / "manifests").glob("*.manifest")}
    assert found["bounding-box-adjustment.manifest"] == 0, "its lines have keys of their owner's"
    job = real_data / "labeling-output/birds-open-images-clone/manifests/output/output.manifest"
    assert assert_same(job.read_bytes()) == 302
