"""Whatever is delivered: nothing is raised, the counts add up, nobody is named, and every way of reading agrees.

`trail_units.parse` checks counts, columns and keys of every chunk; the tests here say what is delivered.
"""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from hypothesis import assume, given
from hypothesis import strategies as st

from labelhouse.sources import cloudtrail
from labelhouse.sources.trails import log_columns
from labelhouse.sources.trails.log_files import RUN_TYPE
from mutated_json import mutated
from trail_units import (
    ACCESS_KEY,
    ADDRESS,
    LOG,
    SESSION,
    USER,
    Json,
    Result,
    by_record,
    call,
    event,
    gzipped,
    log,
    parse,
    parse_many,
    point,
    record,
)

CANARIES = (SESSION.partition("@")[0], USER, ADDRESS, ACCESS_KEY)

texts = st.text(st.characters(codec=None), max_size=20)  # half surrogate pairs too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    texts.map(lambda text: f"{text}{SESSION}{text}"),
    st.sampled_from(
        ["", "0", "NaN", "-Infinity", "1e999", "1_0", " 7 ", "[", "{}", "true", "2024-05-06T07:08:60Z", 1714978800123]
    ),
)
keys = st.one_of(
    texts, st.sampled_from(["metricData", "value", "step", "timestamp", "errors", "metricIndex", "eventID", SESSION])
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))

CALL = call(point(), point(step=8), point(step=9), responseElements={"errors": [{"code": "X", "metricIndex": 1}]})
EVENT = event("AdminCreateUser", {"username": SESSION, "userPoolId": "p", "tags": [{"by": SESSION}]}, "cognito-idp")


def assert_nobody_is_named(result: Result) -> None:
    for rows in [*result.tables.values(), result.quarantined]:
        for row in rows:
            for name, value in row.items():
                if name != "raw_bytes" or not row["is_encrypted"]:
                    for canary in CANARIES:
                        assert canary not in str(value), name


def assert_reasons_are_words(result: Result) -> None:
    for _, reason in result.reasons:
        assert reason.isprintable()
        assert len(reason) < 120


def found(result: Result) -> Any:
    """Everything but the bytes that are kept of what is quarantined: how these are spelled is nobody's business."""
    for row in result.events:
        for name in ("request_json", "response_json"):
            row[name] = row[name] and json.loads(row[name])  # spaces in it are kept, unless it is taken apart
    return result.tables, result.counts, result.reasons, result.parts_filtered


# --- anything


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    assert_reasons_are_words(parse(data))


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_damaged_gzip_files(text: bytes, place: int, value: int) -> None:
    data = bytearray(gzipped(text))
    data[place % len(data)] = value
    assert_reasons_are_words(parse(bytes(data)))


@given(st.lists(values, max_size=6))
def test_arbitrary_json_as_records(records: list[Any]) -> None:
    result = parse(log(*records))
    assert result.counts["read"] == len(records)
    assert_reasons_are_words(result)
    assert_nobody_is_named(result)


@given(values)
def test_arbitrary_json_as_a_document(document: Any) -> None:
    assert_reasons_are_words(parse(json.dumps(document).encode()))
    assert_reasons_are_words(parse(json.dumps({"Records": document}).encode()))


@given(values, st.sampled_from(["requestParameters", "responseElements", "userIdentity", "resources", "eventTime"]))
def test_arbitrary_json_in_a_call(value: Any, name: str) -> None:
    result = parse(log(call(), call(**{name: value}), event("CreateTrial", **{name: value}), record(**{name: value})))
    assert (result.counts["read"], result.counts["filtered"] >= 1) == (4, True)
    assert result.points[0]["position"] == "0/0"
    assert_reasons_are_words(result)


@given(st.data())
def test_mutated_records(data: st.DataObject) -> None:
    """What is good beside them loads, and none of them names anybody."""
    given = data.draw(st.sampled_from([CALL, EVENT]))
    caller = {key: given[key] for key in ("userIdentity", "sourceIPAddress")}
    rest = {key: item for key, item in given.items() if key not in caller}
    changed = data.draw(mutated(rest, values, keys)) | caller
    result = parse(log(call(), record(), changed, event("CreateTrial")))
    assert result.counts["read"] == 4
    assert result.points[0]["position"] == "0/0"
    assert result.events[-1]["position"] == "3"
    assert_reasons_are_words(result)
    assert_nobody_is_named(result)


@given(st.data(), st.sampled_from([CALL, EVENT, CALL | {"eventID": None}, EVENT | {"eventTime": 7}]))
def test_mutated_callers(data: st.DataObject, given: Json) -> None:
    """Whatever becomes of what a record says about its caller, nobody is named."""
    arn = f"arn:aws:iam::111122223333:user/{USER}"
    caller = {
        "arn": arn,
        "userName": USER,
        "principalId": USER,
        "accessKeyId": ACCESS_KEY,
        "sessionContext": {"by": USER},
    }
    changed = data.draw(mutated({"userIdentity": caller}, values, keys))
    assume(set(changed) == {"userIdentity"})
    result = parse(log(given | changed, record(**changed)))
    assert result.counts["read"] == 2
    assert_nobody_is_named(result)


# --- every way of reading

numbers = st.one_of(
    st.floats(),
    st.integers(-(2**80), 2**80),
    st.integers(0, 10**6),
    st.booleans(),
    st.none(),
    texts,
    st.sampled_from(
        ["NaN", "-inf", "1e999", "1e5", "1_0", "1__0", " 7 ", "0x1F", "1.", ".5", "+5", "5d", "٣", "1,5", ""]
    ),
    st.sampled_from([[], [1], {}, {"a": 1}]),
)
times = st.one_of(numbers, st.integers(1_262_000_000_000, 1_900_000_000_000), st.integers(1_262_000_000, 1_900_000_000))
names = st.one_of(
    texts, st.none(), st.booleans(), st.integers(-(2**62), 2**62), st.sampled_from(["[", "{}", [], {"a": 1}])
)
points = st.one_of(
    st.builds(point, step=st.integers(0, 100)),
    st.builds(point, step=st.integers(0, 100)),
    st.fixed_dictionaries({}, optional={"metricName": names, "timestamp": times, "step": numbers, "value": numbers}),
    st.builds(point, timestamp=times),
    st.builds(point, value=numbers),
    st.builds(point, step=numbers),
    st.builds(point, metricName=names),
    values,
)
indexes = st.one_of(st.integers(-1, 3), st.integers(-(2**70), 2**70), st.none(), st.booleans(), texts)
odd = st.fixed_dictionaries(
    {},
    optional={
        "eventTime": st.sampled_from(
            ["2024-05-06T07:00:00Z", "2024-05-06T07:59:60Z", "2999-01-01T00:00:00Z", "", "Z", None]
        ),
        "eventID": st.one_of(texts, st.none()),
        "errorCode": st.sampled_from([None, "", "ThrottlingException"]),
        "awsRegion": texts,
        "userAgent": texts,
        "sourceIPAddress": st.one_of(texts, st.sampled_from(["10.1.2.3", "2001:db8::1", "AWS Internal", ""])),
        "recipientAccountId": st.one_of(texts, st.none()),
        "additionalEventData": values,
        "userIdentity": st.one_of(
            st.none(),
            st.fixed_dictionaries({}, optional={"type": texts, "arn": texts, "invokedBy": texts, "userName": values}),
        ),
        "resources": st.one_of(
            st.none(),
            st.lists(
                st.fixed_dictionaries(
                    {},
                    optional={"ARN": texts, "accountId": texts, "type": st.sampled_from(["a", RUN_TYPE]), "x": values},
                ),
                max_size=3,
            ),
        ),
        "responseElements": st.one_of(
            values,
            st.fixed_dictionaries({"errors": st.lists(st.fixed_dictionaries({"metricIndex": indexes}), max_size=3)}),
        ),
    },
)


@st.composite
def calls(draw: st.DrawFn) -> Json:
    """Metric calls, most of them with something odd about them."""
    changes = draw(st.one_of(st.just({}), odd))
    if draw(st.integers(0, 9)) == 0:
        changes["requestParameters"] = draw(
            st.fixed_dictionaries(
                {}, optional={"trialComponentName": names, "metricData": st.lists(points, max_size=3)}
            )
        )
    return call(*draw(st.lists(points, max_size=4)), **changes)


@given(st.lists(calls(), min_size=1, max_size=5))
def test_columns_and_records_give_the_same(records: list[Json]) -> None:
    """Read as it is; with times that columns do not take; and with a record that has the file taken apart."""
    expected = found(parse(log(*records)))
    assert found(parse(log(*map(by_record, records)))) == expected
    apart = parse(log(*records, record(userAgent=7)))
    apart.counts.subtract(read=1, filtered=1)
    assert found(apart) == expected


@given(st.lists(st.one_of(calls(), st.just(EVENT), st.just(record()), values), max_size=8), st.integers(1, 10_000))
def test_a_file_in_pieces_gives_what_it_gives_whole(records: list[Any], size: int) -> None:
    text = log(*records)
    for module, name in ((cloudtrail, "DOCUMENT_BYTES"), (log_columns, "PIECE_BYTES")):
        with patch.object(module, name, size):
            pieces = parse(text)
        assert found(pieces) == found(parse(text))


trees = st.recursive(
    st.sampled_from([CALL, EVENT, record(), call(eventID=None), call(point(value="NaN"))]),
    lambda inner: st.builds(
        lambda given, parts: given | {"requestParameters": {"entries": parts}},
        st.sampled_from([record(), EVENT, CALL]),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=10,
)


@given(st.lists(trees, min_size=1, max_size=6), st.integers(1, 4_000))
def test_records_within_records_are_none(records: list[Json], size: int) -> None:
    """Written without blanks, as CloudTrail does, so that files are cut, and searched for single records."""
    records = [each | {"eventID": f"00000000-0000-4000-8000-{at:012}"} for at, each in enumerate(records)]
    expected = parse(log(*records))
    with patch.object(log_columns, "PIECE_BYTES", size):
        cut = parse(log(*(json.dumps(each, separators=(",", ":")).encode() for each in records)))
    assert cut.counts["read"] == len(records)
    assert found(cut) == found(expected)


@given(st.lists(st.lists(calls(), max_size=3), min_size=1, max_size=4))
def test_a_file_gives_the_same_whatever_is_read_with_it(files: list[list[Json]]) -> None:
    texts_by_uri = {LOG.replace("0710Z_", f"0710Z_{at}"): log(*records) for at, records in enumerate(files)}
    together = parse_many(texts_by_uri.items())
    assert {uri: found(parse(text)) for uri, text in texts_by_uri.items()} == {
        uri: found(result) for uri, result in together.items()
    }


@given(st.lists(st.sampled_from(["call", "change", "foreign", "refused", "damaged", "partly"]), max_size=40))
def test_every_record_is_accounted_for(kinds: list[str]) -> None:
    forms = {
        "call": call(),
        "change": event("CreateTrial"),
        "foreign": record(),
        "refused": call(errorCode="ThrottlingException"),
        "damaged": call(eventID=None),
        "partly": call(point(), point(value=None)),
    }
    result = parse(log(*(forms[kind] for kind in kinds)))
    assert result.counts == {
        "read": len(kinds),
        "loaded": sum(kinds.count(kind) for kind in ("call", "change", "partly")),
        "filtered": kinds.count("foreign") + kinds.count("refused"),
        "quarantined": kinds.count("damaged"),
    }
    for rows, loaded in ((result.points, {"call", "partly"}), (result.events, {"change"})):
        positions = [int(row["position"].partition("/")[0]) for row in rows]
        assert positions == [at for at, kind in enumerate(kinds) if kind in loaded]


@given(st.binary(min_size=1, max_size=2_000), st.lists(st.integers(0, 2_000), max_size=5))
def test_a_text_reads_the_same_however_it_is_packed(text: bytes, cuts: list[int]) -> None:
    assume(not text.startswith(b"\x1f\x8b"))
    assume(text.strip())
    edges = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    packed = b"".join(gzipped(text[start:end]) for start, end in pairwise(edges))
    assert found(parse(packed)) == found(parse(text))
