"""Damaged, hostile and nonsensical deliveries: good rows load, bad ones are kept with a reason people understand.

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

from labelhouse.sources import documents
from labeling_units import (
    IDENTITIES,
    MANIFEST,
    RESPONSE,
    SUB,
    Result,
    answer,
    bomb,
    document,
    gzipped,
    line,
    manifest,
    parse,
)

UNREADABLE = {"read": 1, "loaded": 0, "quarantined": 1, "filtered": 0}
GOOD = {RESPONSE: document(answer(), answer()), MANIFEST: manifest([line(), line(), line()])}
BOTH = pytest.mark.parametrize("uri", [RESPONSE, MANIFEST], ids=["answers", "manifest"])


def assert_unreadable(result: Result, data: bytes, reason: str) -> None:
    """The whole unit is one record, kept encrypted; no row of it is trusted."""
    assert result.counts == UNREADABLE
    assert (result.answers, result.entries) == ([], [])
    assert result.reasons == [("0", reason)]
    (kept,) = result.quarantined
    assert kept["is_encrypted"] is True
    assert IDENTITIES.decrypt(kept["raw_bytes"]) == data[: 64 * 1024]
    assert kept["raw_size_bytes"] == len(data)


# --- gzip


@BOTH
def test_a_gzip_file_cut_off_anywhere_gives_no_rows(uri: str) -> None:
    data = gzipped(GOOD[uri])
    for length in range(3, len(data)):
        assert_unreadable(parse(data[:length], uri), data[:length], "the gzip file is cut off")


@BOTH
@pytest.mark.parametrize("place", [-8, -5, -4, -1], ids=["checksum", "checksum's end", "length", "length's end"])
def test_a_flipped_bit_in_the_checks_at_the_end_gives_no_rows(uri: str, place: int) -> None:
    data = bytearray(gzipped(GOOD[uri]))
    data[place] ^= 1
    assert_unreadable(parse(bytes(data), uri), bytes(data), "the gzip file is damaged")


@BOTH
def test_a_flipped_bit_anywhere_in_the_packed_text_gives_no_rows(uri: str) -> None:
    packed = gzipped(GOOD[uri])
    for place in range(10, len(packed) - 8):
        data = packed[:place] + bytes([packed[place] ^ 0x10]) + packed[place + 1 :]
        result = parse(data, uri)
        if result.counts == UNREADABLE:
            assert result.reasons[0][1] in {"the gzip file is damaged", "the gzip file is cut off"}
        else:  # a bit that fills up the last byte: the text is whole
            assert place == len(packed) - 9
            assert result.tables == parse(GOOD[uri], uri).tables


@BOTH
@pytest.mark.parametrize("data", [b"", gzipped(b""), b"\n", b" \n\t\r\n", gzipped(b" \n")])
def test_an_empty_file_is_not_a_file_without_records(uri: str, data: bytes) -> None:
    assert_unreadable(parse(data, uri), data, "the file is empty")
    assert_unreadable(parse(data, uri + ".gz"), data, "the file is empty")


@BOTH
@pytest.mark.parametrize("garbage", [b"garbage", b"\0\0\0\0", b"{}\n", b"\x1f\x8b\x07 no deflate"])
def test_garbage_behind_the_gzip_data_gives_no_rows(uri: str, garbage: bytes) -> None:
    data = gzipped(GOOD[uri]) + garbage
    result = parse(data, uri)
    assert result.counts == UNREADABLE
    assert result.reasons[0][1] in {"something that is not gzip follows the gzip data", "the gzip file is damaged"}


def test_gzip_members_one_after_the_other_are_one_text() -> None:
    text = GOOD[MANIFEST]
    halves = gzipped(text[:100]) + gzipped(b"") + gzipped(text[100:])
    assert parse(halves, MANIFEST).entries == parse(text, MANIFEST).entries
    two_documents = gzipped(document(answer())) + gzipped(document(answer()))
    assert_unreadable(parse(two_documents), two_documents, "something follows after the end of the JSON")


def test_many_small_members_and_one_large_one_are_read() -> None:
    text = manifest([line(failure_reason=random.Random(1).randbytes(30).hex() + str(n)) for n in range(5_000)])
    pieces = [text[start : start + 700] for start in range(0, len(text), 700)]
    packed = b"".join(gzipped(piece) for piece in pieces)
    assert len(packed) > 2 * documents._PIECE_BYTES
    assert parse(packed, MANIFEST).counts["loaded"] == 5_000
    assert parse(gzipped(text), MANIFEST).counts["loaded"] == 5_000


def test_text_that_packs_well_is_no_bomb() -> None:
    text = manifest(line() | {"source-ref": f"s3://images/{number:06d}.jpg"} for number in range(20_000))
    assert len(gzipped(text)) * 50 < len(text)
    assert parse(gzipped(text), MANIFEST).counts["loaded"] == 20_000


@BOTH
@pytest.mark.parametrize("megabytes", [2, 300])
def test_a_bomb_is_stopped(uri: str, megabytes: int) -> None:
    data = bomb(megabytes)
    assert len(data) * 1000 < megabytes * 1024 * 1024 + 200_000
    reason = "the gzip file unpacks to more than 200 times its size, or to more than 512 MB"
    assert_unreadable(parse(data, uri), data, reason)


def test_a_file_that_unpacks_to_more_than_the_largest_size_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_UNIT_BYTES", 3 * 1024 * 1024)
    fits, exceeds = (manifest([line(), "x" * size]) for size in (1_000_000, 4_000_000))
    assert parse(gzipped(fits), MANIFEST).counts["loaded"] == 1
    for data in (exceeds, gzipped(random.Random(1).randbytes(2_000_000).hex().encode())):
        assert parse(data, MANIFEST).counts == UNREADABLE


def test_neither_bombs_nor_huge_records_fill_the_memory() -> None:
    """In a process of its own, whose memory is its own: under a gigabyte, whatever is delivered."""
    code = """
import resource
from labeling_units import MANIFEST, RESPONSE, answer, bomb, document, parse
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
deliveries = [
    (RESPONSE, bomb(1024)),
    (MANIFEST, b'{"a":"' + b'x' * 400_000_000),
    (MANIFEST, b'[' * 15_000_000),
    (RESPONSE, document(answer(answerContent={'form': 'HERE'})).replace(b'"HERE"', b'[' + b'{},' * 5_000_000 + b'{}]')),
]
for uri, data in deliveries:
    parse(data, uri)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) // 1024)
"""
    tests = Path(__file__).parents[1]
    path = f"{tests}:{tests.parent / 'plugins'}"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True, timeout=300
    )
    assert int(done.stdout) < 1024, f"{done.stdout} MB"


# --- text and JSON


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"answers": [', "the JSON ends too early"),
        (b'{"answers": [{"answerContent": {}}', "the JSON ends too early"),
        (b'{"answers": [}]', "the text is not JSON"),
        (b'{"answers": [1,]}', "the JSON has a comma too many"),
        (b'{"answers": []} {"answers": []}', "something follows after the end of the JSON"),
        (b"<Error><Code>AccessDenied</Code></Error>", "the text is not JSON"),
        (b'{"answers": ["\xff"]}', "the text is not UTF-8"),
        (b'{"answers": [\xff]}', "the text is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the text is not UTF-8"),
        (b'{"answers": ["\xed\xa0\x80"]}', "the text is not UTF-8"),
        (b'{"answers": ["\x01"]}', "the text is not JSON"),
        ('{"answers": []}'.encode("utf-16"), "the text is UTF-16 or UTF-32, not UTF-8"),
        ('{"answers": []}'.encode("utf-16-le"), "the text is UTF-16 or UTF-32, not UTF-8"),
        ('{"answers": []}'.encode("utf-16-be"), "the text is UTF-16 or UTF-32, not UTF-8"),
        ('{"answers": []}'.encode("utf-32"), "the text is UTF-16 or UTF-32, not UTF-8"),
        ('{"answers": ["é"]}'.encode("latin-1"), "the text is not UTF-8"),
        (b'{"answers":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the JSON is nested too deeply"),
        (b'{"answers":' + b"[" * 100_000, "the JSON is nested too deeply"),
        (b'{"a":' * 100_000, "the JSON is nested too deeply"),
        (b'{"answers":' + b"[" * 65 + b"]" * 65 + b"}", "the JSON is nested too deeply"),
        (b"[NaN," + b"[" * 100_000, "the JSON is nested too deeply"),
    ],
)
def test_a_document_that_is_no_json_is_one_quarantined_record(text: bytes, reason: str) -> None:
    assert_unreadable(parse(text), text, reason)
    assert_unreadable(parse(gzipped(text)), gzipped(text), reason)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"pet":', "the JSON ends too early"),
        (b'{"pet": "\xff"}', "the text is not UTF-8"),
        (b"\x00\x01\x02", "the text is not JSON"),
        (b'{"pet":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the JSON is nested too deeply"),
        (b'{"pet": "' + b"x" * (16 * 1024 * 1024) + b'"}', "the record is larger than 16 MB"),
    ],
)
def test_a_bad_line_leaves_the_others(bad: bytes, reason: str) -> None:
    result = parse(b"\n".join([GOOD[MANIFEST].rstrip(), bad, GOOD[MANIFEST]]), MANIFEST)
    assert result.counts == {"read": 7, "loaded": 6, "quarantined": 1, "filtered": 0}
    assert result.reasons == [("3", reason)]
    assert result.quarantined[0]["raw_size_bytes"] == len(bad)
    assert IDENTITIES.decrypt(result.quarantined[0]["raw_bytes"]) == bad[: 64 * 1024]
    assert [row["dataset_object_id"] for row in result.entries] == ["0", "1", "2", "4", "5", "6"]


@BOTH
def test_a_byte_order_mark_is_no_part_of_the_text(uri: str) -> None:
    plain = parse(GOOD[uri], uri)
    marked = parse(b"\xef\xbb\xbf" + GOOD[uri], uri)
    assert marked.counts == plain.counts
    assert marked.tables == plain.tables


def test_a_document_larger_than_a_record_may_be_is_quarantined() -> None:
    text = document({"answerContent": {"a": "x" * (16 * 1024 * 1024)}})
    assert_unreadable(parse(text), text, "the record is larger than 16 MB")


def test_brackets_in_texts_are_not_taken_for_depth() -> None:
    content = {"form": {"comment": "[{" * 5_000, "more": ["]", "["] * 100}}
    assert parse(document(answer(answerContent=content))).counts["loaded"] == 1


FLAWS = [
    (r'"\ud800"', "a text holds half of a surrogate pair, which is no character"),
    (r'"x\udc00\ud800y"', "a text holds half of a surrogate pair, which is no character"),
    (r'{"\ud83d\u0041": 1}', "a text holds half of a surrogate pair, which is no character"),
    ("9223372036854775808", "a whole number is beyond 64 bits"),
    ("-9223372036854775809", "a whole number is beyond 64 bits"),
    ("18446744073709551616", "a whole number is beyond 64 bits"),
    ("9" * 25, "a whole number is beyond 64 bits"),
    ("9" * 5_000, "a number is not finite, or too large (NaN, Infinity, 1e999)"),
    ("NaN", "a number is not finite, or too large (NaN, Infinity, 1e999)"),
    ("Infinity", "a number is not finite, or too large (NaN, Infinity, 1e999)"),
    ("-Infinity", "a number is not finite, or too large (NaN, Infinity, 1e999)"),
    ("1e999", "a number is not finite, or too large (NaN, Infinity, 1e999)"),
    ("-1e999", "a number is not finite, or too large (NaN, Infinity, 1e999)"),
]


@pytest.mark.parametrize(("token", "reason"), FLAWS)
@pytest.mark.parametrize("path", ["answerContent", "workerMetadata", "timeSpentInSeconds", "unknown"])
def test_what_the_lake_cannot_hold_quarantines_its_answer_alone(token: str, reason: str, path: str) -> None:
    text = document(answer(), answer(**{path: {"kept": ["HERE"]}, "email": "ada@example.com"}), answer())
    result = parse(text.replace(b'"HERE"', token.encode()))
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}
    assert result.reasons == [("1", reason)]
    (kept,) = result.quarantined
    assert kept["is_encrypted"] is False, "it was parsed, and so cleaned"
    assert SUB.encode() not in kept["raw_bytes"]
    assert b"ada@example.com" not in kept["raw_bytes"]
    assert len(result.answers) == 2
    assert_held_by_arrow_and_duckdb(result)


@pytest.mark.parametrize(("token", "reason"), FLAWS)
@pytest.mark.parametrize("key", ["pet", "source-ref", "pet-metadata", "unknown"])
def test_what_the_lake_cannot_hold_quarantines_its_line_alone(token: str, reason: str, key: str) -> None:
    bad = json.dumps(line() | {key: ["HERE"]}).replace('"HERE"', token)
    result = parse(manifest([line(), bad, line()]), MANIFEST)
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}
    assert result.reasons == [("1", reason)]
    assert_held_by_arrow_and_duckdb(result)


@pytest.mark.parametrize(
    "token",
    [
        "9223372036854775807",
        "-9223372036854775808",
        "0.12345678901234567890123",
        "1e308",
        r'"\ud83d\ude00"',
        r'"\u0000"',
        '"12345678901234567890123"',
        "1e-999",
        "-0.0",
    ],
)
def test_what_the_lake_can_hold_loads(token: str) -> None:
    text = document(answer(answerContent={"form": "HERE"})).replace(b'"HERE"', token.encode())
    result = parse(text)
    assert result.counts["loaded"] == 1
    assert_held_by_arrow_and_duckdb(result)


def assert_held_by_arrow_and_duckdb(result: Result) -> None:
    """Every row that loads can be stored, and its kept JSON be read again."""
    for name in ("answers", "entries"):
        rows = getattr(result, name)
        if rows:
            table = pa.Table.from_pylist(rows)
            columns = [column for column in table.column_names if column.endswith("_json")]
            with duckdb.connect() as connection:
                connection.register("stored", table)
                for column in columns:
                    invalid = f"select count(*) from stored where not coalesce(json_valid({column}), true)"
                    assert connection.sql(invalid).fetchall() == [(0,)]
                    connection.sql(f"select json_structure({column}) from stored").fetchall()


def test_of_repeated_keys_the_last_counts_and_the_first_is_not_kept() -> None:
    text = document(answer()).replace(b'"workerId":', b'"workerId": "ada@example.com", "workerId":')
    (found,) = parse(text).answers
    assert found["worker_id"] == "abcdef0123456789"
    assert "ada@example.com" not in found["answer_json"]


@pytest.mark.parametrize(
    "text",
    [
        "'; drop table raw.worker_responses; --",
        "=cmd|' /C calc'!A0",
        "<script>alert(1)</script>",
        "\u202eevil",
        "e\u0301",
        "a\0b",
        "../../etc/passwd",
        "${jndi:ldap://x}",
        "{{ 7*7 }}",
    ],
)
def test_hostile_text_is_only_text(text: str) -> None:
    (found,) = parse(document(answer(answerContent={"crowd-image-classifier": {"label": text}}))).answers
    (entry,) = parse(manifest([line(class_name=text)]), MANIFEST).entries
    assert found["label"] == entry["label"] == text


def test_reasons_name_no_values_and_no_offsets() -> None:
    """Quarantine is counted by reason and shown to everybody: a reason must not vary, nor quote a worker."""
    secret = "Nightingale-7431"
    changes: list[dict[str, Any]] = [
        {"workerId": [secret]},
        {"submissionTime": secret},
        {"answerContent": secret},
        {"answerContent": {"crowd-image-classifier": {"label": [secret]}}},
        {"workerMetadata": {"identityData": {"sub": {secret: 1}}}},
        {"timeSpentInSeconds": secret},
    ]
    result = parse(document(*(answer(**change) for change in changes)))
    metadata = [
        {"human_annotated": secret},
        {"adjustment_status": secret},
        {"creation_date": secret},
        {"type": [secret]},
    ]
    lines = parse(manifest([*(line(**change) for change in metadata), f'{{"{secret}": ']), MANIFEST)
    reasons = [reason for _, reason in result.reasons + lines.reasons]
    assert len(reasons) == len(changes) + len(metadata) + 1
    for reason in reasons:
        assert secret not in reason
        assert not re.search(r"\bbyte\b|\bNone\b|\bstr\b|\bint\b|\barray\b|`|\$", reason)


def test_the_kept_piece_of_a_large_record_is_cut_and_its_hash_is_of_the_whole() -> None:
    bad = line(confidence="x" * 200_000)
    (kept,) = parse(manifest([bad]), MANIFEST).quarantined
    assert len(kept["raw_bytes"]) == 64 * 1024
    assert kept["raw_size_bytes"] > 200_000


def test_random_bytes_are_always_one_quarantined_record_as_a_document() -> None:
    generator = random.Random(7)
    for size in (1, 2, 3, 10, 100, 10_000):
        data = generator.randbytes(size)
        assert parse(data).counts == UNREADABLE
