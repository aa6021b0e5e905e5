"""Whatever is delivered: nothing is raised, the counts add up, nobody is named, and every way of reading agrees.

`activity_units.parse` checks counts, columns and keys of every chunk; the tests here say what is delivered.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

import log_group
from activity_units import (
    FILE,
    HOUR,
    IDENTITIES,
    SUB,
    Json,
    Result,
    api_events,
    at,
    bare,
    envelope,
    export,
    gzipped,
    hour,
    many,
    parse,
    parse_many,
    record,
)
from labelhouse.sources import Unit, control_plane
from labelhouse.sources.activity import columns
from labelhouse.sources.activity.records import Workers
from labelhouse.sources.activity.times import java_date
from labelhouse.sources.worker_activity import SOURCE
from mutated_json import mutated

ADDRESS = "grace.canary@example.com"

texts = st.text(st.characters(codec=None), max_size=20)  # half surrogate pairs too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    texts.map(lambda text: f"{text} {ADDRESS} {text}"),
    st.sampled_from(["", "0", "NaN", "1e999", "1565798464", "1565798464000", "{}", ADDRESS, "TasksSubmitted"]),
)
keys = st.one_of(texts, st.sampled_from([*record(), "sub", "message", "logEvents", "events", ADDRESS]))
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4))

#: From just before what may be, to just before now.
moments = st.integers(1_514_764_790, 1_790_000_000).map(lambda second: datetime.fromtimestamp(second, UTC))
#: Texts in the place of a time: right ones, and all that are almost right.
times = st.one_of(
    moments.map(java_date),
    st.just(""),
    moments.map(lambda moment: java_date(moment).replace("UTC", "GMT")),
    moments.map(lambda moment: java_date(moment).replace("UTC", "PDT")),
    moments.map(lambda moment: java_date(moment + timedelta(days=1))[:4] + java_date(moment)[4:]),
    moments.map(lambda moment: java_date(moment)[:17] + "60" + java_date(moment)[19:]),
    st.builds(
        lambda text, place, letter: text[:place] + letter + text[place + 1 :],
        moments.map(java_date),
        st.integers(0, 27),
        st.characters(codec="ascii"),
    ),
    st.sampled_from(
        ["Thu Feb 29 00:00:00 UTC 2024", "Wed Feb 29 00:00:00 UTC 2023", "Mon Jan 01 24:00:00 UTC 2018", "x" * 28]
    ),
    values,
)
stamps = st.one_of(
    moments.map(lambda moment: str(int(moment.timestamp()))),
    st.sampled_from(["1565798464", "0565798464", "1565798464000", "9999999999", 1565798464, 1565798464.5, "", None]),
    values,
)
arns = st.one_of(
    st.sampled_from(
        [
            "arn:aws:sagemaker:us-east-2:111122223333:labeling-job/birds",
            "arn:aws:sagemaker:us-east-2:111122223333:workteam/private-crowd/night-shift",
            f"arn:aws:sagemaker::1:labeling-job/{ADDRESS}",
            f"arn:aws:sagemaker:us-east-2:111122223333:workteam/private-crowd/{SUB}",
            "",
        ]
    ),
    texts,
)


@st.composite
def records(draw: st.DrawFn) -> Json:
    """Records, some of them with something odd about them."""
    given = at(draw(moments), worker_id=draw(st.sampled_from(["cd449a289e129409", "a0", "private.us-east-2.b1"])))
    odd = draw(
        st.fixed_dictionaries(
            {},
            optional={
                "task_accepted_time": times,
                "task_submitted_time": times,
                "task_returned_time": times,
                "task_declined_time": st.one_of(times, st.just(...)),
                "event_timestamp": stamps,
                "labeling_job_arn": arns,
                "workteam_arn": arns,
                "event_type": st.sampled_from(["TasksReturned", "TasksSoldOnTheMoon", "", None, 7]),
                "cognito_sub_id": st.sampled_from([SUB, "", "jdoe", "a-sub-of-somebody-else", 12345678, None]),
                "job_type": st.one_of(st.just("Private"), texts),
                "a_new_field": values,
            },
        )
        if draw(st.integers(0, 2)) == 0
        else st.just({})
    )
    return {key: value for key, value in (given | odd).items() if value is not ...}


def assert_nobody_is_named(result: Result, *canaries: str) -> None:
    for rows in (result.rows, result.quarantined):
        for row in rows:
            for name, value in row.items():
                if name != "raw_bytes" or not row["is_encrypted"]:
                    for canary in ("grace.canary", *canaries):
                        assert canary not in str(value), name


def assert_reasons_are_words(result: Result) -> None:
    for _, reason in result.reasons:
        assert reason.isprintable()
        assert len(reason) < 120


def found(result: Result) -> Any:
    """Everything but the bytes that are kept of what is quarantined: how these are spelled is nobody's business."""
    return result.rows, result.counts, result.reasons


def one_by_one(data: bytes, uri: str = FILE) -> Result:
    """Read without columns."""
    with patch.object(columns, "FEWEST_LINES", 2**62):
        return parse(data, uri)


def as_columns(data: bytes, uri: str = FILE) -> Result:
    """Read as columns wherever that is possible, however few there are."""
    with patch.object(columns, "FEWEST_LINES", 1):
        return parse(data, uri)


# --- anything


@given(st.binary(max_size=300))
def test_arbitrary_bytes(data: bytes) -> None:
    assert_reasons_are_words(parse(data))
    assert_reasons_are_words(parse(data, HOUR))


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_damaged_gzip_files(text: bytes, place: int, value: int) -> None:
    data = bytearray(gzipped(text))
    data[place % len(data)] = value
    assert_reasons_are_words(parse(bytes(data)))


@given(st.lists(values, min_size=1, max_size=6))
def test_arbitrary_json_as_records(given: list[Any]) -> None:
    for data in (export(*given), hour(*given)):
        result = parse(data, FILE if data.startswith(b"2") else HOUR)
        assert result.counts["read"] == len(given)
        assert_reasons_are_words(result)
        assert_nobody_is_named(result)


@given(values)
def test_arbitrary_json_as_a_delivery(document: Any) -> None:
    for value in (document, [document], {"logEvents": document}, {"events": document}, envelope(document)):
        result = parse(json.dumps(value).encode())
        assert_reasons_are_words(result)
        assert_nobody_is_named(result)


@given(st.data())
def test_mutated_records(data: st.DataObject) -> None:
    """What is good beside them loads, and none of them names anybody."""
    named = {"cognito_sub_id": SUB}
    rest = {key: value for key, value in record(by={"email": ADDRESS}).items() if key not in named}
    around = texts.map(lambda text: f"{text}{SUB}{text}")
    changed = data.draw(mutated(rest, values | around, keys)) | named
    result = parse(export(record(), changed, record(event_type="TasksReturned")))
    assert result.counts["read"] == 3
    assert [result.rows[0]["position"], result.rows[-1]["position"]] == ["0", "2"]
    assert_reasons_are_words(result)
    assert_nobody_is_named(result, SUB)


# --- every way of reading


@given(st.lists(records(), min_size=1, max_size=8))
def test_columns_and_records_give_the_same(given: list[Json]) -> None:
    for data in (export(*given), bare(*given)):
        expected = one_by_one(data)
        assert found(as_columns(data)) == found(expected)
        assert_nobody_is_named(expected, *({SUB} if all(each.get("cognito_sub_id") == SUB for each in given) else ()))
    assert found(as_columns(hour(*given), HOUR)) == found(one_by_one(hour(*given), HOUR))


@given(st.lists(st.one_of(records().map(lambda given: json.dumps(given).encode()), st.binary(max_size=40)), max_size=8))
def test_columns_and_records_give_the_same_of_damaged_lines(lines: list[bytes]) -> None:
    data = export(record(), *(line.replace(b"\n", b"") for line in lines), record())
    assert found(as_columns(data)) == found(one_by_one(data))


@given(st.lists(records(), min_size=1, max_size=8), st.integers(1, 3000))
def test_a_file_in_blocks_gives_what_it_gives_whole(given: list[Json], size: int) -> None:
    data = export(*given)
    whole = as_columns(data)
    with patch.object(columns, "BLOCK_BYTES", size):
        assert found(as_columns(data)) == found(whole)


@given(st.lists(st.lists(records(), min_size=1, max_size=3), min_size=1, max_size=4))
def test_a_file_gives_the_same_whatever_is_read_with_it(files: list[list[Json]]) -> None:
    units = {FILE.replace("000000", f"{number:06}"): export(*given) for number, given in enumerate(files)}
    with patch.object(columns, "FEWEST_LINES", 1):
        together = parse_many(units.items())
    assert {uri: found(parse(data, uri)) for uri, data in units.items()} == {
        uri: found(result) for uri, result in together.items()
    }


@given(st.lists(records(), min_size=1, max_size=5))
def test_a_record_is_the_same_by_whichever_route_it_comes(given: list[Json]) -> None:
    """And however its JSON is spelled: in another order, with other spaces, with escapes."""
    routes = {
        FILE: export(*given),
        HOUR: hour(*given),
        "s3://logs/bare": bare(*given),
        "s3://logs/firehose": json.dumps(envelope(*given)).encode(),
        "s3://logs/answer": json.dumps({"events": api_events(*given), "searchedLogStreams": []}).encode(),
        "s3://logs/spelled": export(*(dict(sorted(each.items(), reverse=True)) for each in given)),
        "s3://logs/spaced": export(*(json.dumps(each, separators=(",", ":")).encode() for each in given)),
    }
    results = [
        one_by_one(data, uri) if number % 2 else as_columns(data, uri)
        for number, (uri, data) in enumerate(routes.items())
    ]
    ids = [[row["activity_id"] for row in result.rows] for result in results]
    assert all(each == ids[0] for each in ids)


@given(st.lists(st.sampled_from(["good", "returned", "weekday", "zone", "broken", "blank"]), max_size=40))
def test_every_record_is_accounted_for(kinds: list[str]) -> None:
    forms: dict[str, Any] = {
        "good": record(),
        "returned": record(event_type="TasksReturned"),
        "weekday": record(task_accepted_time="Thu Aug 14 16:00:59 UTC 2019"),
        "zone": record(task_accepted_time="Wed Aug 14 16:00:59 PDT 2019"),
        "broken": b'{"worker_id": ',
        "blank": b"",
    }
    result = parse(export(record(), *(forms[kind] for kind in kinds)))
    bad = [kind for kind in kinds if kind in {"zone", "broken", "blank"}]
    assert result.counts == {"read": 1 + len(kinds), "loaded": 1 + len(kinds) - len(bad), "quarantined": len(bad)} | (
        {"filtered": 0}
    )


def test_the_way_by_columns_is_taken() -> None:
    """The other tests would prove nothing if every line were odd."""
    lines = columns.Lines(export(*many(100)), 25)

    with columns.Columns(Workers(IDENTITIES)) as parser:
        regular, others = parser.parse(lines, datetime.now(UTC))
    assert (sum(len(each.places) for each in regular), others) == (100, [])


# --- pages


@pytest.mark.parametrize("part", range(4))
def test_an_hour_is_exactly_what_the_log_group_holds(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,200 scripts of pages, and of what goes wrong between them, against the events themselves."""
    monkeypatch.setattr(control_plane, "WAITS_SECONDS", (0.0, 0.0, 0.0))
    unit = Unit(log_group.HOUR, "", log_group.START, 0)
    first = log_group.milliseconds(log_group.START)
    faults = Counter[str]()
    for number in range(300):
        group = log_group.script(random.Random(f"{part}/{number}"))
        lines = SOURCE.read_unit(unit, group.quick_clients).splitlines()
        expected = [each for each in group.events if first <= each["timestamp"] < first + 3_600_000]
        kept = [{name: each[name] for name in sorted(each) if name != "ingestionTime"} for each in expected]
        assert Counter(json.dumps(json.loads(line), sort_keys=True) for line in lines) == Counter(
            json.dumps(each, sort_keys=True) for each in kept
        ), number
        assert lines == sorted(lines, key=lambda line: (json.loads(line)["timestamp"], json.loads(line)["eventId"]))
        faults.update(type(fault).__name__ for at, fault in group.weather.items() if at < len(group.requests))
    assert faults["ClientError"] > 100, "the weather was bad"
    assert faults["ReadTimeoutError"] > 20
