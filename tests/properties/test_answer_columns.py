"""Answers of many units give the same rows whether they are read together as columns or unit by unit."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labelhouse.sources import Unit
from labelhouse.sources.labeling import regular_answers
from labelhouse.sources.labeling.answers import load_answers
from labelhouse.sources.labeling.places import Delivery, known_place_of
from labelhouse.sources.labeling.regular_answers import RegularAnswers
from labeling_units import EMAIL, IDENTITIES, RESPONSE, SUB, UNIT_AT, answer, document
from mutated_json import mutated
from parsed_rows import rows_by_unit, rows_of

PUBLIC = answer(
    acceptanceTime=...,
    timeSpentInSeconds=...,
    workerMetadata=...,
    submissionTime="2019-04-18T16:11:15Z",
    workerId="public.us-east-1.PHMFOWIIICWDF3ZS5HORERJV6Y",
)
OIDC = answer(
    workerMetadata={
        "identityData": {"identityProviderType": "Oidc", "issuer": "https://i", "sub": "worker-7", "groups": [1]}
    },
    answerContent={"other": {"label": "wing"}},
    submissionTime=...,
)
GOOD = [answer(), PUBLIC, OIDC, answer(timeSpentInSeconds=0.0005, workerId="", workerMetadata=None)]

texts = st.text(st.characters(codec=None), max_size=8)
values = st.one_of(
    *(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), texts, st.builds(list), st.builds(dict)),
    st.sampled_from([SUB, EMAIL, "", "workerMetadata", "a%40b.de", "2024-05-06T07:08:09", "2009-01-01T00:00:00Z"]),
    st.sampled_from([{"identityData": {"sub": "7"}}, "Flügel", {"other": {"label": "a", "by": 1}}]),
    st.sampled_from([-1, 10**15, 1e-9, "{}", "public.x.y", "7", {"label": ""}, {"label": "a"}, {"identityData": SUB}]),
)
keys = st.one_of(
    texts, st.sampled_from(["label", "sub", "identityData", "workerMetadata", "answerContent", "workerId"])
)
answers = st.one_of(
    st.sampled_from(GOOD), st.sampled_from(GOOD).flatmap(lambda good: mutated(good, values, keys)), values
)
documents = st.one_of(
    st.lists(st.sampled_from(GOOD), max_size=3).map(lambda found: document(*found)),
    st.lists(answers, max_size=3).map(lambda found: document(*found)),
    st.lists(answers, max_size=2).map(lambda found: json.dumps({"answers": found}, indent=1).encode()),
    answers.map(lambda found: json.dumps(found).encode()),
    answers.map(lambda found: document(found).replace(b"answers", b'x":1,"answers')),
    st.tuples(st.sampled_from(GOOD), st.binary(max_size=3), st.integers(0, 300)).map(
        lambda drawn: document(drawn[0])[: drawn[2]] + drawn[1] + document(drawn[0])[drawn[2] + 1 :]
    ),
    st.sampled_from([b"", b"{}", b"[]", b"{", b'{"answers":[]}', b"\x1f\x8b", b'\xef\xbb\xbf{"answers":[{}]}']),
)


def units_of(texts: list[bytes]) -> list[tuple[Unit, Delivery, bytes]]:
    latest_at = datetime.now(UTC) + timedelta(hours=2)
    units = [
        Unit(RESPONSE.replace("/17/", f"/{number}/"), "v1", UNIT_AT + timedelta(seconds=number), len(data))
        for number, data in enumerate(texts)
    ]
    return [
        (unit, Delivery(known_place_of(unit.uri), unit.unit_at, latest_at, IDENTITIES), data)
        for unit, data in zip(units, texts, strict=True)
    ]


def gathered(chunks: Any) -> tuple[Counter[tuple[str, str]], dict[tuple[str, str], list[dict[str, Any]]], int]:
    """Counts by unit, rows by unit and table, and how many answers came as columns."""
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    as_columns = 0
    for unit, chunk in chunks:
        for name in ("read", "loaded", "quarantined", "filtered"):
            counts[unit.uri, name] += getattr(chunk, f"records_{name}")
        as_columns += len(chunk.arrays.get("worker_responses", {}).get("position", []))
        for table, columns in chunk.tables.items():
            for uri, rows in rows_by_unit(unit.uri, table, columns).items():
                found.setdefault((uri, table), []).extend(rows)
        if chunk.quarantined:
            # what is encrypted is never the same twice
            kept = [row | {"raw_bytes": None} for row in rows_of("quarantine", chunk.quarantined)]
            found.setdefault((unit.uri, "quarantine"), []).extend(kept)
    return +counts, found, as_columns


def together(texts: list[bytes]) -> Any:
    regular = RegularAnswers()
    for given_unit in units_of(texts):
        yield from regular.add(*given_unit)
    yield from regular.taken()


def assert_same(texts: list[bytes]) -> int:
    counts, tables, as_columns = gathered(together(texts))
    alone = ((unit, parsed) for unit, delivery, data in units_of(texts) for parsed in load_answers(delivery, data))
    expected_counts, expected, none = gathered(alone)
    assert none == 0
    assert counts == expected_counts
    assert tables == expected
    return as_columns


@given(st.lists(documents, max_size=5))
def test_both_ways_give_the_same_rows(drawn: list[bytes]) -> None:
    assert_same(drawn)


def test_regular_answers_come_as_columns_whatever_lies_beside_them() -> None:
    odd = [b"{", document(answer(comment=SUB)), document(*GOOD, answer(timeSpentInSeconds=-1)), document(answer(), 7)]
    assert assert_same([document(*GOOD), *odd, document(PUBLIC), document(*[PUBLIC] * 300)]) == len(GOOD) + 1 + 300


def test_what_names_a_worker_beside_the_metadata_is_replaced() -> None:
    named = [answer(workerId=SUB), answer(answerContent={"a": {"label": SUB}}), answer(workerId="workerMetadata")]
    assert assert_same([document(each) for each in [*named, answer()]]) == 1


@pytest.mark.parametrize("number", [2**70, float("nan"), float("inf")])
def test_numbers_that_the_lake_cannot_hold_are_looked_at_alone(number: float) -> None:
    odd = answer(workerMetadata={"identityData": {"sub": SUB, "level": number}})
    assert assert_same([document(odd), document(answer(timeSpentInSeconds=number)), document(answer())]) == 1


def test_groups_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regular_answers, "GROUP_UNITS", 3)
    assert assert_same([document(answer())] * 8) == 8
    assert len(list(together([document(answer())] * 8))) == 8 + 3
    monkeypatch.setattr(regular_answers, "GROUP_BYTES", 10)
    assert len(list(together([document(answer())] * 8))) == 8 + 8


def test_the_real_answers_read_the_same_both_ways(real_data: Any) -> None:
    folder = real_data / "labeling-output/birds-open-images-clone/annotations/worker-response"
    texts = [path.read_bytes() for path in sorted(folder.rglob("*.json"))]
    assert assert_same(texts) == sum(len(json.loads(text)["answers"]) for text in texts) > 0
