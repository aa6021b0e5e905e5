"""Damaged, hostile and nonsensical deliveries of the worker activity log.

Every test of a delivery also checks, through `parse`, that the counts of each chunk add up and that nothing is raised.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from activity_units import (
    HOUR,
    IDENTITIES,
    SUB,
    SUBMITTED_AT,
    Result,
    at,
    bare,
    envelope,
    export,
    gzipped,
    hour,
    many,
    parse,
    record,
)
from labelhouse.sources import documents
from labelhouse.sources.activity.times import java_date

UNREADABLE = {"read": 1, "loaded": 0, "quarantined": 1, "filtered": 0}


# --- files


def assert_unreadable(result: Result, data: bytes, *reasons: str) -> None:
    """The whole file is one record, kept encrypted; no row of it is trusted."""
    assert result.counts == UNREADABLE
    assert result.rows == []
    [(position, reason)] = result.reasons
    assert (position, reason in reasons) == ("0", True), reason
    [kept] = result.quarantined
    assert IDENTITIES.decrypt(kept["raw_bytes"]) == data[: 64 * 1024]


def test_a_gzip_file_cut_off_or_damaged_anywhere_gives_no_rows() -> None:
    data = gzipped(export(*many(50)))
    for length in range(3, len(data) - 1, 41):
        assert_unreadable(parse(data[:length]), data[:length], "the gzip file is cut off")
    for place in range(10, len(data), 41):
        damaged = data[:place] + bytes([data[place] ^ 0x10]) + data[place + 1 :]
        assert_unreadable(parse(damaged), damaged, "the gzip file is damaged", "the gzip file is cut off")


def test_the_same_text_twice_in_one_gzip_file_is_there_twice() -> None:
    """The first of two equal members ends as the file does: whoever looks only at the end would stop there."""
    packed = gzipped(export(*many(50)))
    assert parse(packed + packed).counts["loaded"] == 100


@pytest.mark.parametrize("data", [b"", gzipped(b""), b"\n", gzipped(b" \n")])
def test_an_empty_file_is_not_a_file_without_records(data: bytes) -> None:
    assert_unreadable(parse(data), data, "the file is empty")


@pytest.mark.parametrize("data", [b"PAR1" + b"\xff" * 99, b"a,b,c\n1,2,3\n" * 9, b"<html>"])
def test_a_file_of_another_kind_is_one_thing_in_quarantine_and_not_thousands(data: bytes) -> None:
    assert_unreadable(parse(data), data, "the file is no delivery of a log", "the text is UTF-16 or UTF-32, not UTF-8")


BROKEN: list[tuple[bytes, str]] = [
    (b'{"worker_id": "a"', "the JSON ends too early"),
    (b"no JSON at all", "the text is not JSON"),
    (b"[1, 2]", "the record is a list, not an object"),
    (b'{"worker_id": "\xff"}', "the text is not UTF-8"),
    (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "the JSON is nested too deeply"),
    (json.dumps(record(event_type="\ud800")).encode(), "a text holds half of a surrogate pair, which is no character"),
    (json.dumps(record(more=10**30)).encode(), "a whole number is beyond 64 bits"),
    (b'{"more": ' + b"9" * 5000 + b"}", "a number is not finite, or too large (NaN, Infinity, 1e999)"),
    (json.dumps(record(more=float("nan"))).encode(), "a number is not finite, or too large (NaN, Infinity, 1e999)"),
]


@pytest.mark.parametrize(("bad", "reason"), BROKEN, ids=[reason for _, reason in BROKEN])
def test_a_bad_line_costs_no_other(bad: bytes, reason: str) -> None:
    for data, uri in ((export(*many(50), bad, *many(50)), "s3://logs/a"), (bare(*many(50), bad, *many(50)), "s3://b")):
        result = parse(data, uri)
        assert result.counts == {"read": 101, "loaded": 100, "quarantined": 1, "filtered": 0}
        assert result.reasons == [("50", reason)]


def test_a_bad_delivery_costs_no_other() -> None:
    good = json.dumps(envelope(record())).encode()
    result = parse(good + b"\n" + good[:-40] + b"\n" + good, "s3://logs/firehose")
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}


@pytest.mark.parametrize("size", [2**20, 5 * 2**20])
def test_a_huge_record_is_read(size: int) -> None:
    result = parse(export(record(more="x" * size), *many(50)))
    assert result.counts["loaded"] == 51
    assert len(result.rows[0]["other_json"]) > size


def test_a_record_beyond_all_bounds_is_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "MAX_RECORD_BYTES", 10_000)
    monkeypatch.setattr("labelhouse.sources.activity.columns.MAX_RECORD_BYTES", 10_000)
    result = parse(export(record(more="x" * 10_000), *many(50)))
    assert (result.counts["loaded"], result.reasons) == (50, [("0", "the record is larger than 0 MB")])


# --- times


def one(**changes: Any) -> Result:
    """A record among so many that they are read as columns; only it is returned."""
    whole = parse(export(*many(50), record(**changes)))
    assert [row["position"] for row in whole.rows[:50]] == [str(number) for number in range(50)]
    return Result(whole.rows[50:], whole.quarantined, whole.counts)


@pytest.mark.parametrize("name", ["task_accepted_time", "task_submitted_time", "task_returned_time"])
def test_a_wrong_weekday_is_flagged(name: str) -> None:
    [row] = one(**{name: "Thu Aug 14 16:01:04 UTC 2019"}).rows
    assert row["time_flag"] == "weekday"
    assert row[name.removeprefix("task_").replace("_time", "_at")] == SUBMITTED_AT


def test_a_leap_second_is_the_end_of_its_minute_and_flagged() -> None:
    [row] = one(task_returned_time="Wed Aug 14 16:01:60 UTC 2019").rows
    assert (row["time_flag"], row["returned_at"]) == (
        "leap_second",
        SUBMITTED_AT.replace(second=59, microsecond=999_000),
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Wed Aug 14 16:00:59 PDT 2019", "task_accepted_time is not in UTC"),
        ("Wed Aug 14 16:00:59 +02:00 2019", "task_accepted_time is not in UTC"),
        ("Mi Aug 14 16:00:59 UTC 2019", "task_accepted_time is not a time such as Wed Aug 14 16:00:59 UTC 2019"),
        ("Wed Ago 14 16:00:59 UTC 2019", "task_accepted_time is not a time such as Wed Aug 14 16:00:59 UTC 2019"),
        ("Wed Aug 32 16:00:59 UTC 2019", "task_accepted_time is not a time such as Wed Aug 14 16:00:59 UTC 2019"),
        ("Wed Aug 14 16:00:61 UTC 2019", "task_accepted_time is not a time such as Wed Aug 14 16:00:59 UTC 2019"),
        ("2019-08-14T16:00:59Z", "task_accepted_time is not a time such as Wed Aug 14 16:00:59 UTC 2019"),
        ("Mon Aug 14 16:00:59 UTC 2017", "task_accepted_time lies before 2018 or in the future"),
    ],
)
def test_a_time_that_is_none_is_quarantined(text: str, reason: str) -> None:
    assert one(task_accepted_time=text).reasons == [("50", reason)]


@pytest.mark.parametrize(
    ("stamp", "reason"),
    [
        ("", "event_timestamp is missing"),
        (None, "event_timestamp is missing"),
        (..., "event_timestamp is missing"),
        ("soon", "event_timestamp is no epoch in seconds"),
        ("-5", "event_timestamp is no epoch in seconds"),
        (True, "event_timestamp is true or false, not a number"),
        ([1565798464], "event_timestamp is a list, not a number"),
        ("0", "event_timestamp lies before 2018 or in the future"),
        ("15657984", "event_timestamp lies before 2018 or in the future"),
        ("1565798464000000", "event_timestamp lies before 2018 or in the future"),
        (1e300, "event_timestamp is no epoch in seconds"),
    ],
)
def test_an_epoch_that_is_none_is_quarantined(stamp: Any, reason: str) -> None:
    assert one(event_timestamp=stamp).reasons == [("50", reason)]


@pytest.mark.parametrize("count", [1, 50], ids=["one by one", "as columns"])
def test_clocks_may_be_ahead_by_two_hours(count: int) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    soon = parse(export(*[at(now + timedelta(minutes=110))] * count))
    assert [row["time_flag"] for row in soon.rows] == ["future"] * count
    later = parse(export(*[at(now + timedelta(minutes=130))] * count))
    assert [reason for _, reason in later.reasons] == ["event_timestamp lies before 2018 or in the future"] * count
    assert [reason for _, reason in parse(export(at(now + timedelta(days=365)))).reasons] == [
        "event_timestamp lies before 2018 or in the future"
    ]


def test_a_task_that_ends_before_it_begins_is_flagged() -> None:
    later = java_date(SUBMITTED_AT + timedelta(seconds=1))
    [row] = one(task_accepted_time=later).rows
    assert (row["time_flag"], row["accepted_at"] - row["submitted_at"]) == ("negative", timedelta(seconds=1))
    [row] = one(task_accepted_time=later, task_submitted_time="", task_declined_time=java_date(SUBMITTED_AT)).rows
    assert row["time_flag"] == "negative"


def test_a_task_of_more_than_a_day_is_kept_as_captured() -> None:
    [row] = one(task_accepted_time="Mon Aug 12 16:00:59 UTC 2019").rows
    assert (row["time_flag"], row["submitted_at"] - row["accepted_at"]) == (None, timedelta(days=2, seconds=5))


def test_empty_times_are_none_however_many_there_are() -> None:
    result = parse(export(*many(50, task_accepted_time="", task_submitted_time="")))
    assert {(row["accepted_at"], row["submitted_at"]) for row in result.rows} == {(None, None)}


# --- texts


@pytest.mark.parametrize(
    "name",
    [
        "Ünïcode-日本語",
        "עברית",
        "a\u200bb",
        "e\u0301",
        "\u00e9",
        "😀",
        "=cmd()",
        "+1",
        "@SUM(A1)",
        "-1",
        "\tx",
        "'; drop",
    ],
)
def test_names_are_kept_letter_by_letter(name: str) -> None:
    arn = f"arn:aws:sagemaker:us-east-2:111122223333:labeling-job/{name}"
    for count in (1, 50):
        for spelled in (
            json.dumps(record(labeling_job_arn=arn)),
            json.dumps(record(labeling_job_arn=arn), ensure_ascii=False),
        ):
            result = parse(export(*[spelled.encode()] * count))
            assert {row["labeling_job_name"] for row in result.rows} == {name}


def test_patterns_are_linear_in_the_length_of_a_text() -> None:
    evil = [
        "a@" * 20_000,
        "arn:" * 20_000,
        '\\"task_accepted_time\\": "' * 2000,
        "private." * 20_000,
        " " * 40_000 + "x",
    ]
    lines = [
        record(**{name: text}) for text in evil for name in ("labeling_job_arn", "worker_id", "task_accepted_time")
    ]
    begin = time.process_time()
    result = parse(export(*lines, *many(50)) + b'"task_x_time": ' * 5000 + b"\n")
    assert time.process_time() - begin < 0.1 * len(lines)
    assert result.counts["read"] == len(lines) + 51


def test_nobody_is_named_anywhere() -> None:
    address = "grace.canary@example.com"
    records = [
        record(worker_id=address, asks=address),
        record(task_accepted_time="soon", by=SUB),
        record(event_type="", by=[SUB, {"sub": "somebody-else"}]),
        record(job_type=f"for {SUB}"),
    ]
    for result in (parse(export(*records)), parse(export(*records * 20)), parse(hour(*records), HOUR)):
        text = str([result.rows, result.quarantined])
        assert not [name for name in (SUB, "grace.canary", "somebody-else") if name in text]
        assert all(not row["is_encrypted"] for row in result.quarantined)


def test_the_machines_zone_is_none_of_our_business(tmp_path: Path) -> None:
    (tmp_path / "log").write_bytes(export(*many(40), record(task_accepted_time="Thu Aug 14 16:00:59 UTC 2019")))
    script = (
        "from labelhouse.identities import Identities; from labelhouse.sources import Window\n"
        "from labelhouse.sources.worker_activity import SOURCE as S\n"
        f"units = [(u, S.read_unit(u, None)) for u in S.list_units({str(tmp_path)!r}, None, Window())]\n"
        "for _, chunk in S.parse(units, Identities('k' * 32)):\n"
        "    for columns in chunk.tables.values(): print(*columns['event_at'], *columns['accepted_at'])"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            check=True,
            capture_output=True,
            text=True,
            env={"TZ": zone, "PYTHONPATH": "plugins"},
        ).stdout
        for zone in ("UTC", "America/Los_Angeles", "Asia/Kolkata")
    }
    assert len(said) == 1
    assert "2019-08-14 16:01:04+00:00" in said.pop()
