"""The units of the worker activity log: hours of a log group, files; and which records are found in them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from activity_units import (
    FILE,
    HOUR,
    LOGGED_AT,
    STREAM,
    SUBMITTED_AT,
    api_events,
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
from labelhouse.errors import SourceError
from labelhouse.sources import Unit, UnitGone, Window, all_sources
from labelhouse.sources.worker_activity import SOURCE
from log_group import NAME, PLACE, START, LogGroup, event, milliseconds

AN_HOUR = timedelta(hours=1)
PRINTED = json.dumps(record(), indent=1).encode()


def hours(group: LogGroup, window: Window, uri: str = PLACE) -> list[Unit]:
    return list(SOURCE.list_units(uri, group.clients, window))


# --- hours of a log group


def test_the_source_is_found_by_its_name() -> None:
    assert all_sources()["worker_activity"] is SOURCE
    assert SOURCE.daily_look_back == timedelta(days=14), "CloudWatch takes events as late as that"


def test_a_window_is_cut_into_hours_whose_content_alone_tells_whether_they_changed() -> None:
    units = hours(LogGroup(), Window(START, START + 3 * AN_HOUR))
    assert units == [Unit(f"{PLACE}/2024-05-06T{7 + at:02}Z", "", START + at * AN_HOUR, 0) for at in range(3)]


def test_without_a_start_it_begins_two_weeks_before_the_log_group_and_ends_where_clocks_may_be_ahead() -> None:
    units = hours(LogGroup(), Window())
    now = datetime.now(UTC)
    assert units[0].unit_at == START - timedelta(days=14), "events may be older than the group"
    assert now + AN_HOUR < units[-1].unit_at <= now + 2 * AN_HOUR
    assert [unit.unit_at for unit in units] == [units[0].unit_at + at * AN_HOUR for at in range(len(units))]


def test_it_begins_where_the_log_group_forgets() -> None:
    group = LogGroup(described={"creationTime": milliseconds(START), "retentionInDays": 3})
    first, now = hours(group, Window())[0].unit_at, datetime.now(UTC)
    assert timedelta(days=3) - AN_HOUR <= now - first <= timedelta(days=3), "no hour of which a part is gone"


def test_hours_of_several_accounts_are_told_apart() -> None:
    """Every account has a log group of this name."""
    arn = f"arn:aws:logs:us-east-2:011122223333:log-group:{NAME}:*"
    group = LogGroup([event(1, milliseconds(START))], described={"creationTime": milliseconds(START), "arn": arn})
    [unit] = hours(group, Window(START, START + AN_HOUR))
    assert unit.uri == f"logs://us-east-2:011122223333{NAME}/2024-05-06T07Z"
    assert len(SOURCE.read_unit(unit, group.clients).splitlines()) == 1
    assert parse(b"", unit.uri).counts["read"] == 0


def test_a_log_group_that_does_not_exist_is_not_an_empty_one() -> None:
    with pytest.raises(SourceError, match="the log group does not exist: 'logs://us-east-2/aws/sagemaker"):
        hours(LogGroup(name=f"{NAME}2"), Window())
    assert hours(LogGroup(), Window(START, START)) == []


@pytest.mark.parametrize("uri", ["logs://", "logs://us-east-2", "logs://us-east-2/", "logs://nowhere/a", "logs:///a"])
def test_a_uri_without_region_or_group_says_what_is_allowed(uri: str) -> None:
    with pytest.raises(SourceError, match=r"no log group is named: .* \(allowed: logs://REGION/aws/sagemaker"):
        hours(LogGroup(), Window(), uri)


def test_an_hour_holds_its_first_millisecond_and_not_the_next_hours() -> None:
    first = milliseconds(START)
    group = LogGroup([event(at, first + after) for at, after in enumerate((-1, 0, 3_599_999, 3_600_000))])
    read = [SOURCE.read_unit(unit, group.clients) for unit in hours(group, Window(START, START + 2 * AN_HOUR))]
    stamps = [[json.loads(line)["timestamp"] - first for line in each.splitlines()] for each in read]
    assert stamps == [[0, 3_599_999], [3_600_000]]
    asked = [each for each in group.requests if "startTime" in each]
    assert [(each["startTime"], each["endTime"]) for each in asked] == [
        (first, first + 3_599_999),
        (first + 3_600_000, first + 7_199_999),
    ]


def test_an_hour_has_the_same_bytes_however_its_events_were_ordered_and_paged() -> None:
    events = [event(at, milliseconds(START) + 1000 * (at // 3)) for at in range(20)]
    [unit] = hours(LogGroup(), Window(START, START + AN_HOUR))
    whole = SOURCE.read_unit(unit, LogGroup(events).clients)
    pages = [slice(at, at + 3) for at in range(0, 20, 3)]
    assert SOURCE.read_unit(unit, LogGroup(events[::-1], pages).clients) == whole
    assert SOURCE.read_unit(unit, LogGroup(events[1:]).clients) != whole


def test_an_hour_of_a_log_group_that_was_deleted_is_gone() -> None:
    with pytest.raises(UnitGone):
        SOURCE.read_unit(Unit(f"{PLACE}/2024-05-06T07Z", "", START, 0), LogGroup(name="/other").clients)


def test_an_empty_hour_gives_nothing() -> None:
    [unit] = hours(LogGroup(), Window(START, START + AN_HOUR))
    assert SOURCE.read_unit(unit, LogGroup().clients) == b""
    result = parse(b"", HOUR)
    assert (result.rows, result.counts["read"]) == ([], 0)


# --- files


def test_everything_but_aws_own_test_object_is_a_file(tmp_path: Path) -> None:
    for key in ("exportedlogs/1/stream/000000.gz", "exportedlogs/aws-logs-write-test", "firehose/2024/05/06/a-1-2"):
        path = tmp_path / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    units = SOURCE.list_units(str(tmp_path), {}.__getitem__, Window())
    names = [unit.uri.partition(f"{tmp_path.name}/")[2] for unit in units]
    assert names == ["exportedlogs/1/stream/000000.gz", "firehose/2024/05/06/a-1-2"]


def test_a_copied_file_is_a_copy_wherever_it_lies() -> None:
    assert SOURCE.same_content(FILE) == SOURCE.same_content("file:///elsewhere")


@pytest.mark.parametrize("count", [3, 100], ids=["few", "many"])
def test_an_export_says_when_and_in_which_stream(count: int) -> None:
    result = parse(gzipped(export(*many(count))))
    assert result.counts == {"read": count, "loaded": count, "quarantined": 0, "filtered": 0}
    assert {row["logged_at"] for row in result.rows} == {LOGGED_AT}
    assert {row["log_stream_name"] for row in result.rows} == {STREAM}
    assert {row["cloudwatch_event_id"] for row in result.rows} == {None}
    assert [row["position"] for row in result.rows] == [str(at) for at in range(count)]
    assert [row["event_at"] for row in result.rows] == [SUBMITTED_AT + timedelta(seconds=at) for at in range(count)]


@pytest.mark.parametrize("count", [3, 100], ids=["few", "many"])
def test_an_hour_says_when_in_which_stream_and_by_which_id(count: int) -> None:
    result = parse(hour(*many(count)), HOUR)
    assert result.counts["loaded"] == count
    assert {row["logged_at"] for row in result.rows} == {LOGGED_AT}
    assert {row["log_stream_name"] for row in result.rows} == {STREAM}
    assert [row["cloudwatch_event_id"] for row in result.rows] == [f"{at:056}" for at in range(count)]


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(envelope(record(), record(job_type="x"))).encode(),
        lines(envelope(record()), envelope(record(job_type="x"))),
        json.dumps(envelope(record())).encode() + json.dumps(envelope(record(job_type="x"))).encode(),
        gzipped(json.dumps(envelope(record())).encode()) + gzipped(json.dumps(envelope(record(job_type="x"))).encode()),
        json.dumps(envelope(record(), record(job_type="x")), indent=1).encode(),
        json.dumps({"events": api_events(record(), record(job_type="x")), "searchedLogStreams": []}, indent=4).encode(),
        json.dumps(api_events(record(), record(job_type="x"))).encode(),
        lines(*api_events(record(), record(job_type="x"))),
        b"\xef\xbb\xbf" + lines(*api_events(record(), record(job_type="x"))),
    ],
    ids=[
        "envelope",
        "lines",
        "concatenated",
        "gzip members",
        "indented",
        "answer",
        "list",
        "events",
        "byte order mark",
    ],
)
def test_deliveries_are_told_from_their_text(data: bytes) -> None:
    result = parse(data, "s3://logs/any/name")
    assert result.counts == {"read": 2, "loaded": 2, "quarantined": 0, "filtered": 0}
    assert [row["job_type"] for row in result.rows] == ["Private", "x"]
    assert {(row["logged_at"], row["log_stream_name"]) for row in result.rows} == {(LOGGED_AT, STREAM)}
    assert all(row["cloudwatch_event_id"] for row in result.rows)


@pytest.mark.parametrize(
    "data", [bare(record()), json.dumps(record(), indent=1).encode(), json.dumps([record()]).encode()]
)
def test_records_alone_have_nothing_from_cloudwatch(data: bytes) -> None:
    [row] = parse(data, "s3://logs/any/name").rows
    assert (row["logged_at"], row["log_stream_name"], row["cloudwatch_event_id"]) == (None, None, None)


def test_what_aws_sends_to_see_whether_anybody_listens_is_left_out_and_counted() -> None:
    control = envelope(b"CWL CONTROL MESSAGE: Checking health of destination Firehose.", messageType="CONTROL_MESSAGE")
    foreign = envelope(record(), record(), logGroup="/aws/sagemaker/TrainingJobs")
    result = parse(lines(control, envelope(record()), foreign), "s3://logs/firehose")
    assert result.counts == {"read": 4, "loaded": 1, "quarantined": 0, "filtered": 3}
    assert result.rows[0]["position"] == "1"


def test_a_record_printed_over_several_lines_of_an_export_is_one() -> None:
    result = parse(export(record(), PRINTED, record(job_type="x")))
    assert [row["position"] for row in result.rows] == ["0", "1", "17"]
    assert result.rows[0]["activity_id"] == result.rows[1]["activity_id"]
    assert result.counts["quarantined"] == 0


def test_a_line_without_a_time_costs_no_other() -> None:
    result = parse(export(record()) + b"garbage\n" + export(*many(100), record(task_returned_time=None)) + b"}\n")
    assert (result.counts["loaded"], result.counts["quarantined"]) == (102, 2)
    assert [reason for _, reason in result.reasons] == ["the text is not JSON"] * 2


def test_windows_line_ends_are_none_of_ours() -> None:
    data = export(*many(100)).replace(b"\n", b"\r\n")
    assert parse(data).rows == parse(export(*many(100))).rows


def test_a_log_that_never_says_the_same_twice_is_read_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    files = [(f"{FILE}{number}", export(*many(40, job_reference_code=f"{number}"))) for number in range(4)]
    expected = parse_many(files)
    monkeypatch.setattr("labelhouse.sources.activity.columns.MOST_SAYINGS", 1)
    assert parse_many(files) == expected
    assert [result.counts["loaded"] for result in expected.values()] == [40] * 4


def test_lines_of_several_layouts_are_read_as_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers' ids of other lengths, fewer times, other spaces: each a pass over the lines that are left."""
    lines = []
    for number, each in enumerate(many(120)):
        if number % 2:
            del each["task_declined_time"]
        is_close = number % 4 == 3
        each["worker_id"] = "a" * (8 if is_close else 8 + number % 3)
        lines.append(json.dumps(each, separators=(",", ":") if is_close else None).encode())
    data = export(*lines)
    with monkeypatch.context() as patch:
        patch.setattr("labelhouse.sources.activity.columns.FEWEST_LINES", 2**62)
        expected = parse(data)
    monkeypatch.setattr("labelhouse.sources.worker_activity.load_record", None)
    assert parse(data).rows == expected.rows


def test_bad_lines_at_the_beginning_cost_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = [b"{", *(json.dumps(record(task_accepted_time="soon")).encode() for _ in range(30))]
    loaded = []
    monkeypatch.setattr("labelhouse.sources.worker_activity.load_record", lambda *given: loaded.append(given[1]))
    assert len(parse(export(*broken, *many(50))).rows) == 50
    assert loaded == list(range(31)), "only these were looked at one by one"
