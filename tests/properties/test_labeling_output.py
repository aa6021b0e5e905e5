"""Whatever is delivered: nothing is raised, the counts add up, the columns fit, and nobody's identity gets out.

`labeling_units.parse` checks counts and columns of every chunk; the tests here say what is delivered.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from labeling_units import EMAIL, MANIFEST, RESPONSE, SUB, Result, answer, gzipped, line, parse
from mutated_json import mutated

CANARY = EMAIL.partition("@")[0]

texts = st.text(st.characters(codec=None), max_size=20)  # half surrogate pairs too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    texts.map(lambda text: f"{text}{EMAIL}{text}"),
    st.sampled_from(
        ["", "0", "yes", "no", "2024-05-06T07:08:09Z", "1970-01-01T00:00:00Z", "labeling-job/", "{}", "[1]"]
    ),
)
keys = st.one_of(
    texts,
    st.sampled_from(
        ["answers", "answerContent", "crowd-image-classifier", "label", "pet", "pet-metadata", "job-name", EMAIL]
    ),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))
uris = st.sampled_from([RESPONSE, MANIFEST])


def assert_nobody_is_named(result: Result) -> None:
    for rows in [*result.tables.values(), result.quarantined]:
        for row in rows:
            for name, value in row.items():
                if name == "raw_bytes" and row["is_encrypted"]:
                    continue
                for identity in (SUB, CANARY):
                    assert identity not in str(value), name


def assert_reasons_are_words(result: Result) -> None:
    for _, reason in result.reasons:
        assert reason.isprintable()
        assert len(reason) < 120


@given(st.binary(max_size=300), uris)
def test_arbitrary_bytes(data: bytes, uri: str) -> None:
    assert_reasons_are_words(parse(data, uri))


@given(st.binary(max_size=300), uris, st.integers(0, 400), st.integers(0, 255))
def test_damaged_gzip_files(text: bytes, uri: str, place: int, value: int) -> None:
    data = bytearray(gzipped(text))
    data[place % len(data)] = value
    assert_reasons_are_words(parse(bytes(data), uri))


@given(st.lists(values, max_size=6), st.booleans(), uris)
def test_arbitrary_json(records: list[Any], is_document: bool, uri: str) -> None:
    text = json.dumps({"answers": records}) if is_document else "\n".join(map(json.dumps, records))
    result = parse(text.encode(), uri)
    assert_reasons_are_words(result)
    assert_nobody_is_named(result)


@given(st.data())
def test_mutated_answers(data: st.DataObject) -> None:
    """The worker's identity stands where it belongs, and anywhere else in the rest of the answer."""
    private = answer()
    metadata = private.pop("workerMetadata")
    private["comment"] = data.draw(st.sampled_from([SUB, f"by {SUB}", f'{{"by":"{SUB}"}}', EMAIL, "", 7]))
    changed = data.draw(mutated(private, values, keys)) | {"workerMetadata": metadata}
    is_alone = data.draw(st.booleans())
    result = parse(json.dumps(changed if is_alone else {"answers": [answer(), changed]}).encode())
    assert_reasons_are_words(result)
    assert_nobody_is_named(result)
    if not is_alone:
        assert result.counts["read"] == 2
        assert "0" in {row["position"] for row in result.answers}, "the good answer beside it loads"


@given(st.data())
def test_mutated_identities(data: st.DataObject) -> None:
    """Whatever becomes of the worker's metadata, nothing under its key is kept as it is."""
    changed = answer(
        workerMetadata=data.draw(mutated({"identityData": {"sub": SUB, "email": EMAIL, "name": SUB}}, values, keys))
    )
    result = parse(json.dumps({"answers": [changed]}).encode())
    assert result.counts["read"] == 1
    assert_reasons_are_words(result)
    assert_nobody_is_named(result)


@given(st.data())
def test_mutated_lines(data: st.DataObject) -> None:
    chained = line() | {"worker": EMAIL, "box": {"by": [EMAIL]}, "box-metadata": {"job-name": "boxes", EMAIL: EMAIL}}
    text = json.dumps(data.draw(mutated(chained, values, keys)))
    result = parse(f"{json.dumps(line())}\n{text}\n{json.dumps(line())}".encode(), MANIFEST)
    assert result.counts["read"] == 3
    assert {"0", "2"} <= {row["dataset_object_id"] for row in result.entries}, "the good lines beside it load"
    assert_reasons_are_words(result)
    assert_nobody_is_named(result)


@given(st.lists(st.sampled_from(["good", "unlabelled", "failed", "damaged", "blank"]), max_size=40))
def test_every_line_is_accounted_for(kinds: list[str]) -> None:
    failed = {"pet-metadata": {"failure-reason": "expired", "human-annotated": "true"}}
    forms = {"good": line(), "unlabelled": {"source-ref": "s3://i/1.jpg"}, "failed": failed}
    lines = [json.dumps(forms[kind]) if kind in forms else "{" * (kind == "damaged") for kind in kinds]
    assume("".join(lines))
    result = parse("\n".join(lines).encode(), MANIFEST)
    assert result.counts["loaded"] == kinds.count("good") + kinds.count("failed")
    assert result.counts["filtered"] == kinds.count("unlabelled")
    assert result.counts["quarantined"] == kinds.count("damaged")
    assert sorted(int(row["dataset_object_id"]) for row in result.entries) == [
        index for index, kind in enumerate(kinds) if kind in {"good", "failed"}
    ]
    assert sum(row["is_failed"] for row in result.entries) == kinds.count("failed")


@given(st.binary(min_size=1, max_size=2_000), st.lists(st.integers(0, 2_000), max_size=5), uris)
def test_a_text_reads_the_same_however_it_is_packed(text: bytes, cuts: list[int], uri: str) -> None:
    assume(not text.startswith(b"\x1f\x8b"))
    assume(text.strip())
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    packed = b"".join(gzipped(text[start:end]) for start, end in pairwise(edges))
    plain, unpacked = parse(text, uri), parse(packed, uri)
    assert unpacked.counts == plain.counts
    assert unpacked.tables == plain.tables
    assert unpacked.reasons == plain.reasons
