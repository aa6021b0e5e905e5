"""Damaged, hostile and nonsensical log files: what is sound loads, the rest is kept with a reason people understand.

Every test also checks, through `parse`, that the counts of each chunk add up and that nothing is raised.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from labelhouse.sources import cloudtrail, documents
from labeling_units import bomb
from trail_units import IDENTITIES, USER, Result, by_record, call, event, gzipped, log, parse, point, record

UNREADABLE = {"read": 1, "loaded": 0, "quarantined": 1, "filtered": 0}
GOOD = log(call(point(), point(step=8)), event("CreateTrial", {"trialName": "birds"}), record())


def assert_unreadable(result: Result, data: bytes, reason: str) -> None:
    """The whole file is one record, kept encrypted; no row of it is trusted."""
    assert result.counts == UNREADABLE
    assert (result.points, result.events) == ([], [])
    assert result.reasons == [("0", reason)]
    (kept,) = result.quarantined
    assert kept["is_encrypted"] is True
    assert IDENTITIES.decrypt(kept["raw_bytes"]) == data[: 64 * 1024]
    assert kept["raw_size_bytes"] == len(data)


# --- gzip


def test_a_gzip_file_cut_off_anywhere_gives_no_rows() -> None:
    data = gzipped(GOOD)
    for length in (*range(3, 30), *range(30, len(data) - 20, 37), *range(len(data) - 20, len(data))):
        assert_unreadable(parse(data[:length]), data[:length], "the gzip file is cut off")


@pytest.mark.parametrize("place", [-8, -5, -4, -1], ids=["checksum", "checksum's end", "length", "length's end"])
def test_a_flipped_bit_in_the_checks_at_the_end_gives_no_rows(place: int) -> None:
    data = bytearray(gzipped(GOOD))
    data[place] ^= 1
    assert_unreadable(parse(bytes(data)), bytes(data), "the gzip file is damaged")


def test_a_flipped_bit_in_the_packed_text_gives_no_rows() -> None:
    packed = gzipped(GOOD)
    for place in range(10, len(packed) - 9, 11):
        data = packed[:place] + bytes([packed[place] ^ 0x10]) + packed[place + 1 :]
        result = parse(data)
        assert result.counts == UNREADABLE
        assert result.reasons[0][1] in {"the gzip file is damaged", "the gzip file is cut off"}


@pytest.mark.parametrize("data", [b"", gzipped(b""), b"\n", b" \n\t\r\n", gzipped(b" \n")])
def test_an_empty_file_is_not_a_file_without_records(data: bytes) -> None:
    assert_unreadable(parse(data), data, "the file is empty")
    assert parse(gzipped(log())).counts["read"] == 0


@pytest.mark.parametrize("garbage", [b"garbage", b"\0\0\0\0", b"{}\n", b"\x1f\x8b\x07 no deflate"])
def test_garbage_behind_the_gzip_data_gives_no_rows(garbage: bytes) -> None:
    result = parse(gzipped(GOOD) + garbage)
    assert result.counts == UNREADABLE
    assert result.reasons[0][1] in {"something that is not gzip follows the gzip data", "the gzip file is damaged"}


def test_gzip_members_one_after_the_other_are_one_text() -> None:
    halves = gzipped(GOOD[:100]) + gzipped(b"") + gzipped(GOOD[100:])
    assert parse(halves).tables == parse(GOOD).tables
    two_documents = gzipped(GOOD) + gzipped(GOOD)
    assert_unreadable(parse(two_documents), GOOD + GOOD, "something follows after the end of the JSON")


@pytest.mark.parametrize("megabytes", [2, 300])
def test_a_bomb_is_stopped(megabytes: int) -> None:
    data = bomb(megabytes)
    reason = "the gzip file unpacks to more than 200 times its size, or to more than 512 MB"
    assert_unreadable(parse(data), data, reason)


# --- text and JSON


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"Records":[', "the JSON ends too early"),
        (GOOD[:-2], "the JSON ends too early"),
        (GOOD[: len(GOOD) // 2], "the JSON ends too early"),
        (b'{"Records":[}]', "the text is not JSON"),
        (GOOD[:-2] + b",]}", "the JSON has a comma too many"),
        (GOOD + b"x", "something follows after the end of the JSON"),
        (b"<Error><Code>AccessDenied</Code></Error>", "the text is not JSON"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the text is not UTF-8"),
        (GOOD.replace(b"Boto3", b"Boto\x01"), "the text is not JSON"),
        (GOOD.replace(b"birds", b"\\x"), "the text is not JSON"),
        (GOOD.decode().encode("utf-16"), "the text is UTF-16 or UTF-32, not UTF-8"),
        (GOOD.decode().encode("utf-16-le"), "the text is UTF-16 or UTF-32, not UTF-8"),
        (GOOD.decode().encode("utf-16-be"), "the text is UTF-16 or UTF-32, not UTF-8"),
        (GOOD.decode().encode("utf-32"), "the text is UTF-16 or UTF-32, not UTF-8"),
        (b'{"Records":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the JSON is nested too deeply"),
        (b'{"Records":' + b"[" * 100_000, "the JSON is nested too deeply"),
        (b'{"Records":null}', "the document holds no list of Records"),
        (b'{"Records":{}}', "the document holds no list of Records"),
        (b'{"records":[]}', "the document holds no list of Records"),
        (b"{}", "the document holds no list of Records"),
        (b"[]", "the document is a list, not an object"),
        (b"7", "the document is a number, not an object"),
        (b"null", "the document is null, not an object"),
    ],
)
def test_a_file_that_is_no_log_file_is_one_quarantined_record(text: bytes, reason: str) -> None:
    assert_unreadable(parse(text), text, reason)
    assert parse(gzipped(text)).reasons == [("0", reason)]


def test_a_byte_order_mark_is_no_part_of_the_text() -> None:
    plain, marked = parse(GOOD), parse(gzipped(b"\xef\xbb\xbf" + GOOD))
    assert (marked.counts, marked.tables) == (plain.counts, plain.tables)


def test_random_bytes_are_one_quarantined_record() -> None:
    generator = random.Random(7)
    for size in (1, 2, 3, 10, 100, 10_000):
        assert parse(generator.randbytes(size)).counts == UNREADABLE


BAD_RECORDS = [
    (7, "the record is a number, not an object"),
    (None, "the record is null, not an object"),
    ("text", "the record is text, not an object"),
    ([record()], "the record is a list, not an object"),
    ({}, "eventSource is missing"),
    (json.dumps(call()).replace("Boto3", "HERE").encode().replace(b"HERE", b"\xff"), "the text is not UTF-8"),
    (json.dumps(event("CreateTrial", {"x": "HERE"})).encode().replace(b"HERE", b"\xff"), "the text is not UTF-8"),
    (json.dumps(call(eventID="HERE")).encode().replace(b"HERE", rb"\ud800"),
     "a text holds half of a surrogate pair, which is no character"),
    (json.dumps(event("CreateTrial", {"x": "HERE"})).encode().replace(b"HERE", rb"x\udc00\ud800"),
     "a text holds half of a surrogate pair, which is no character"),
    (json.dumps(event("CreateTrial", {"x": "HERE"}, z="é")).encode().replace(b'"HERE"', b"NaN"),
     "a number is not finite, or too large (NaN, Infinity, 1e999)"),
    (json.dumps(event("CreateTrial", {"x": "HERE"})).encode().replace(b'"HERE"', b"[" * 70 + b"]" * 70),
     "the JSON is nested too deeply"),
    (json.dumps(event("CreateTrial", {"x": "y" * (16 * 1024 * 1024)})).encode(), "the record is larger than 16 MB"),
]  # fmt: skip


@pytest.mark.parametrize(("bad", "reason"), BAD_RECORDS, ids=range(len(BAD_RECORDS)))
def test_a_bad_record_costs_nobody_else(bad: Any, reason: str) -> None:
    result = parse(log(call(), record(), bad, event("CreateTrial"), call(eventID="last")))
    assert result.counts == {"read": 5, "loaded": 3, "quarantined": 1, "filtered": 1}
    assert result.reasons == [("2", reason)]
    assert [row["position"] for row in result.points] == ["0/0", "4/0"]
    assert [row["position"] for row in result.events] == ["3"]
    assert_held_by_arrow_and_duckdb(result)


FLAWS = [
    rb'"\ud800"',
    rb'{"\ud83d\u0041":1}',
    b"9223372036854775808",
    b"9" * 25,
    b"9" * 5_000,
    b"NaN",
    b"-Infinity",
    b"1e999",
    b'"\xff"',
    b"[" * 900 + b"]" * 900,
]


@pytest.mark.parametrize("token", FLAWS, ids=[token[:12].decode(errors="replace") for token in FLAWS])
@pytest.mark.parametrize("place", ["requestParameters", "responseElements", "additionalEventData", "userAgent"])
def test_a_flaw_in_a_foreign_record_is_nobodys(place: str, token: bytes) -> None:
    text = log(call(), record(**{place: "HERE"}), call(eventID="last")).replace(b'"HERE"', token)
    result = parse(text)
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 0, "filtered": 1}


@pytest.mark.parametrize("token", FLAWS, ids=[token[:12].decode(errors="replace") for token in FLAWS])
@pytest.mark.parametrize(
    "bad",
    [
        call(responseElements={"errors": "HERE"}),
        call(responseElements={"errors": [{"metricIndex": "HERE"}]}),
        call(responseElements="HERE"),
        call(additionalEventData="HERE"),
        call(eventID="HERE"),
        call(userIdentity={"arn": "HERE"}),
        call(resources=[{"ARN": "HERE"}]),
        call(point(value="HERE"), point()),
        call(point(metricName="HERE"), point()),
        call(point(timestamp="HERE"), point(step="HERE"), point()),
        call(point(unknown="HERE"), point()),
        call(requestParameters={"trialComponentName": "HERE", "metricData": [point()]}),
        call(requestParameters={"trialComponentName": "b", "metricData": [point()], "unknown": "HERE"}),
        event("CreateTrial", {"trialName": "b", "x": ["HERE"]}),
        event("CreateTrial", {"trialName": "é", "x": {"x": "HERE"}}),
        event("CreateTrial", {"trialName": "b"}, responseElements="HERE"),
        event("CreateTrial", {"trialName": "b"}, additionalEventData="HERE"),
        event("CreateTrial", {"trialName": "b"}, errorMessage="HERE"),
    ],
)
def test_what_the_lake_cannot_hold_never_reaches_it(bad: dict[str, Any], token: bytes) -> None:
    """Whether such a record loads without the flaw or not at all, those beside it do."""
    result = parse(log(call(), bad, record(), event("CreateTrial")).replace(b'"HERE"', token))
    assert (result.counts["read"], result.counts["filtered"]) == (4, 1)
    assert result.points[0]["position"] == "0/0"
    assert result.events[-1]["position"] == "3"
    assert_held_by_arrow_and_duckdb(result)


def assert_held_by_arrow_and_duckdb(result: Result) -> None:
    """Every row that loads can be stored, and its kept JSON be read again."""
    for rows in result.tables.values():
        table = pa.Table.from_pylist(rows)
        for column in (name for name in table.column_names if name.endswith("_json")):
            with duckdb.connect() as connection:
                connection.register("stored", table)
                invalid = f"select count(*) from stored where not coalesce(json_valid({column}), true)"
                assert connection.sql(invalid).fetchall() == [(0,)]
                connection.sql(f"select json_structure({column}), {column}->'$.x' from stored").fetchall()


@pytest.mark.parametrize("token", ["9223372036854775807", "1e308", r'"\ud83d\ude00"', r'"\u0000"', "-0.0", "1e-999"])
def test_what_the_lake_can_hold_loads(token: str) -> None:
    text = log(event("CreateTrial", {"trialName": "b", "x": "HERE"})).replace(b'"HERE"', token.encode())
    result = parse(text)
    assert result.counts["loaded"] == 1
    assert_held_by_arrow_and_duckdb(result)


def test_of_repeated_keys_one_counts_and_the_other_is_not_kept() -> None:
    """The first one in a regular metric call; the last one in whatever is looked at by itself."""
    text = log(event("CreateTrial", {"trialName": "b"}), call()).replace(b'"value":', b'"value": 0.125, "value":')
    assert parse(text).points[0]["metric_value"] == 0.125
    result = parse(text.replace(b'"eventID":', f'"eventID": "{USER}", "eventID":'.encode()))
    assert result.counts["loaded"] == 2
    assert {row["event_id"] for row in result.points + result.events} == {call()["eventID"]}
    assert result.points[0]["metric_value"] == 0.25


HOSTILE = [
    "'; drop table x; --",
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "../../etc/passwd",
    "{{ 7*7 }}",
    "{",
]


@pytest.mark.parametrize("text", [*HOSTILE, "${jndi:ldap://x}", "\u202eevil", "e\u0301", "a\0b", "[x", "\x7f"])
def test_hostile_text_is_only_text(text: str) -> None:
    parameters = {"trialComponentName": text, "metricData": [point(metricName=text)]}
    given = call(requestParameters=parameters, userAgent=text)
    result = parse(log(given, by_record(given), event("CreateTrial", {"trialName": text}, userAgent=text)))
    (row, again), (changed,) = result.points, result.events
    assert row["trial_component_name"] == row["metric_name"] == row["user_agent"] == text
    assert {**again, "position": "0/0"} == row
    assert changed["resource_name"] == changed["user_agent"] == text


def test_reasons_name_no_values_and_no_offsets() -> None:
    """Quarantine is counted by reason and shown to everybody: a reason must not vary, nor quote anybody."""
    secret = "Nightingale-7431"
    bad = [
        *(call(**{name: [secret]}) for name in ("eventID", "eventTime", "userIdentity", "resources", "userAgent")),
        *(call(point(**{name: secret})) for name in ("timestamp", "step", "value")),
        *(call(point(**{name: {secret: 1}})) for name in ("timestamp", "step", "value", "metricName")),
        call(eventTime=secret),
        call(requestParameters=secret),
        event("CreateTrial", eventTime=secret),
        event("CreateTrial", readOnly=[secret]),
    ]
    result = parse(log(*bad))
    assert len(result.reasons) == len(bad)
    for _, reason in result.reasons:
        assert secret not in reason
        assert not re.search(r"\bbyte\b|\bNone\b|\bstr\b|\bint\b|\barray\b|`|\$", reason)


def test_the_kept_piece_of_a_large_record_is_cut_and_its_hash_is_of_the_whole() -> None:
    (kept,) = parse(log(event("CreateTrial", {"x": "y" * 200_000}, eventID=None))).quarantined
    assert len(kept["raw_bytes"]) == 64 * 1024
    assert kept["raw_size_bytes"] > 200_000


# --- size


def test_a_very_large_file_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    records: list[Any] = []
    for number in range(40):
        records += [call(point(step=number), point(step=1), eventID=f"call {number}"), record()]
        records += [event("CreateTrial", eventID=f"change {number}"), 7, call(point(value=None), eventID="bad")]
    text = gzipped(log(*records))
    whole = parse(text)
    assert whole.counts == {"read": 200, "loaded": 80, "quarantined": 80, "filtered": 40}
    for size in (1, 3_000, 20_000, 100_000):
        monkeypatch.setattr(cloudtrail, "DOCUMENT_BYTES", size)
        pieces = parse(text)
        assert (pieces.counts, pieces.tables, pieces.reasons) == (whole.counts, whole.tables, whole.reasons)


def test_a_very_large_file_that_cannot_be_taken_apart_is_unreadable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloudtrail, "DOCUMENT_BYTES", 1_000)
    for text in (GOOD[:-1], GOOD + b"x", b"[" + b" " * 2_000 + b"]"):
        assert parse(text).counts == UNREADABLE
    assert parse(b'{"Records":[' + b" " * 2_000 + b"]}").counts["read"] == 0
    monkeypatch.setattr(documents, "MAX_UNIT_BYTES", 1_500)
    assert_unreadable(parse(GOOD), GOOD, "the file is larger than 0 MB")


def test_neither_huge_records_nor_huge_files_fill_the_memory() -> None:
    """In a process of its own, whose memory is its own: under a gigabyte, whatever is delivered."""
    code = """
import resource
from labeling_units import bomb
from labelhouse.sources import Unit
from trail_units import IDENTITIES, SOURCE, UNIT_AT, call, event, log, parse, point, record
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
huge = "x" * 80_000_000
foreign = parse(log(call(), record(requestParameters=huge), call()))
assert foreign.counts == {"read": 3, "loaded": 2, "quarantined": 0, "filtered": 1}, foreign.counts
for ours in (event("CreateTrial", {"x": huge}), call(userAgent=huge, eventTime=None), call(point(unknown=huge))):
    found = parse(log(call(), ours, event("CreateTrial")))
    assert found.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}, found.counts
    assert found.reasons == [("1", "the record is larger than 16 MB")], found.reasons
del huge, ours, foreign, found
assert parse(bomb(1024)).counts["quarantined"] == 1
assert parse(b'{"Records":[' + b'[' * 15_000_000).counts["quarantined"] == 1
one = log(call(*[point()] * 10), record(), event("CreateTrial"))[12:-2]
many = b'{"Records":[' + b",".join([one] * 60_000) + b"]}"
chunks = SOURCE.parse([(Unit("s3://b/k", "v", UNIT_AT, len(many)), many)], IDENTITIES)
counts = [(chunk.records_loaded, chunk.records_filtered) for _, chunk in chunks]
assert [sum(each) for each in zip(*counts)] == [120_000, 60_000], counts
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) // 1024)
"""
    tests = Path(__file__).parents[1]
    path = f"{tests}:{tests.parent / 'plugins'}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1024, f"{done.stdout} MB"
