"""What a BatchPutMetrics call says as a whole: what AWS refused of it, whose run it is, and when it happened."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from trail_units import (
    ACCOUNT,
    LOG,
    Json,
    Result,
    by_record,
    call,
    event,
    log,
    parse,
    parse_many,
    point,
    record,
    without,
)

LOADED = {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}
FILTERED = {"read": 1, "loaded": 0, "quarantined": 0, "filtered": 1}
QUARANTINED = {"read": 1, "loaded": 0, "quarantined": 1, "filtered": 0}
RESOURCE = call()["resources"][0]


def load(*records: Any) -> Result:
    return parse(log(*records))


# --- what AWS refused


@pytest.mark.parametrize("given", [call, lambda *points, **changes: by_record(call(*points, **changes))])
def test_refused_points_are_no_rows_and_are_counted(given: Any) -> None:
    errors = [{"code": "METRIC_LIMIT_EXCEEDED", "metricIndex": index} for index in (0, 2, 2, 9, -1, "1", None)]
    result = load(given(*(point(step=step) for step in range(4)), responseElements={"errors": errors}), call())
    assert [found["point_index"] for found in result.points[:2]] == [1, 3]
    assert [found["position"] for found in result.points[:2]] == ["0/1", "0/3"]
    assert (result.counts["loaded"], result.parts_filtered) == (2, 2)


def test_a_refused_point_may_be_as_bad_as_it_likes() -> None:
    refused = {"errors": [{"code": "VALIDATION_ERROR", "metricIndex": 1}]}
    result = load(call(point(), point(value="abc", timestamp=None), responseElements=refused))
    assert (result.counts, result.parts_filtered, result.reasons) == (LOADED, 1, [])


def test_a_call_of_which_every_point_was_refused_is_filtered() -> None:
    refused = {"errors": [{"metricIndex": 0}, {"metricIndex": 1}]}
    result = load(call(point(), point(), responseElements=refused))
    assert (result.counts, result.parts_filtered) == (FILTERED, 0)
    unusable = load(call(point(), point(value="abc"), responseElements={"errors": [{"metricIndex": 0}]}))
    assert unusable.counts == QUARANTINED


@pytest.mark.parametrize("errors", [None, [], {}, "all", 7, [None, 7, "x", [0], {}]])
def test_a_response_without_indexes_refuses_nothing(errors: Any) -> None:
    result = load(call(responseElements={"errors": errors}))
    assert (result.counts, result.parts_filtered) == (LOADED, 0)


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDenied"])
def test_a_call_that_aws_refused_wrote_nothing(code: str) -> None:
    assert load(call(errorCode=code, requestParameters=None)).counts == FILTERED


def test_other_calls_of_the_metrics_service_are_filtered() -> None:
    assert load(call(eventName="BatchGetMetrics", requestParameters=None, eventID=None)).counts == FILTERED


# --- which run, whose


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (None, (None, None, "999988887777")),
        (..., (None, None, "999988887777")),
        ([], (None, None, "999988887777")),
        ([without(RESOURCE | {"accountId": ...})], (RESOURCE["ARN"], RESOURCE["type"], "999988887777")),
        ([RESOURCE | {"accountId": ""}], (RESOURCE["ARN"], RESOURCE["type"], "999988887777")),
        ([RESOURCE], (RESOURCE["ARN"], RESOURCE["type"], ACCOUNT)),
        ([{"type": "AWS::Other"}], (None, "AWS::Other", "999988887777")),
        ([{"type": "AWS::Other", "ARN": "arn:aws:other"}, RESOURCE], (RESOURCE["ARN"], RESOURCE["type"], ACCOUNT)),
        ([{"type": "AWS::A"}, {"type": "AWS::B"}], (None, "AWS::A", "999988887777")),
    ],
)
def test_the_run_among_the_resources(resources: Any, expected: tuple[str | None, str | None, str]) -> None:
    result = load(call(resources=resources, recipientAccountId="999988887777"))
    (found,) = result.points
    assert (found["trial_component_arn"], found["resource_type"], found["account_id"]) == expected


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"resources": "birds"}, "resources is text, not a list"),
        ({"resources": [None]}, "resources[0] is null, not an object"),
        ({"resources": [{"ARN": 7}]}, "resources[0].ARN is a number, not text"),
        ({"userIdentity": "grace"}, "userIdentity is text, not an object"),
        ({"userIdentity": {"arn": ["grace"]}}, "userIdentity.arn is a list, not text"),
        ({"eventID": 7}, "eventID is a number, not text"),
        ({"awsRegion": {"a": 1}}, "awsRegion is an object, not text"),
        ({"sourceIPAddress": [1]}, "sourceIPAddress is a list, not text"),
        ({"userAgent": False}, "userAgent is true or false, not text"),
        ({"eventName": 7}, "eventName is a number, not text"),
        ({"eventSource": []}, "eventSource is a list, not text"),
    ],
)
def test_a_field_that_is_not_what_it_should_be_quarantines_its_call_alone(changes: Json, reason: str) -> None:
    result = load(call(eventID="before"), record(), call(**changes), call(eventID="after"))
    assert result.counts == {"read": 4, "loaded": 2, "quarantined": 1, "filtered": 1}
    assert result.reasons == [("2", reason)]
    assert [(found["position"], found["event_id"]) for found in result.points] == [("0/0", "before"), ("3/0", "after")]


# --- times


@pytest.mark.parametrize(
    ("text", "at", "flag"),
    [
        ("2024-05-06T07:00:01Z", datetime(2024, 5, 6, 7, 0, 1, tzinfo=UTC), None),
        ("2024-05-06T07:00:01.25Z", datetime(2024, 5, 6, 7, 0, 1, 250000, tzinfo=UTC), None),
        ("2024-05-06T09:30:01+02:30", datetime(2024, 5, 6, 7, 0, 1, tzinfo=UTC), None),
        ("2024-05-05T23:00:01-08:00", datetime(2024, 5, 6, 7, 0, 1, tzinfo=UTC), None),
        ("2024-05-06T07:00:01", datetime(2024, 5, 6, 7, 0, 1, tzinfo=UTC), None),
        ("2024-05-06T06:59:60Z", datetime(2024, 5, 6, 6, 59, 59, 999000, tzinfo=UTC), "leap_second"),
        ("2024-05-06T06:59:60.5+00:00", datetime(2024, 5, 6, 6, 59, 59, 999000, tzinfo=UTC), "leap_second"),
        ("2024-02-29T23:59:59Z", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC), None),
    ],
)
def test_when_a_call_happened(text: str, at: datetime, flag: str | None) -> None:
    (found,) = load(call(eventTime=text)).points
    assert (found["event_at"], found["time_flag"]) == (at, flag)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2024-05-06T07:00:01 CEST", "eventTime is not a time such as 2019-04-18T16:40:59Z"),
        ("2024-02-30T07:00:01Z", "eventTime is not a time such as 2019-04-18T16:40:59Z"),
        ("2024-05-06T24:00:01Z", "eventTime is not a time such as 2019-04-18T16:40:59Z"),
        ("2024-05-06T07:60:00Z", "eventTime is not a time such as 2019-04-18T16:40:59Z"),
        ("Mon May  6 07:00:01 2024", "eventTime is not a time such as 2019-04-18T16:40:59Z"),
        ("2024-05-06", "eventTime is not a time such as 2019-04-18T16:40:59Z"),
        ("1714978801", "eventTime is not a time such as 2019-04-18T16:40:59Z"),
        ("2009-12-31T23:59:59Z", "eventTime lies before 2010 or in the future"),
        ("2999-01-01T00:00:00Z", "eventTime lies before 2010 or in the future"),
        (1714978801, "eventTime is a number, not text"),
    ],
)
def test_a_time_that_is_none_quarantines_its_call(text: Any, reason: str) -> None:
    result = load(call(eventTime=text), call())
    assert result.reasons == [("0", reason)]
    assert result.counts == {"read": 2, "loaded": 1, "quarantined": 1, "filtered": 0}


def test_clocks_may_be_ahead_a_little() -> None:
    now = datetime.now(UTC)
    hour, year = now + timedelta(hours=1), now + timedelta(days=365)
    milliseconds = {"hour": int(hour.timestamp() * 1000), "year": int(year.timestamp() * 1000)}
    result = load(call(point(timestamp=milliseconds["hour"]), point(timestamp=milliseconds["year"]), point()))
    assert [found["time_flag"] for found in result.points] == ["future", None]
    assert result.points[0]["metric_at"] == datetime.fromtimestamp(milliseconds["hour"] / 1000, UTC)
    assert result.reasons == [("0/1", "timestamp lies before 2010 or in the future")]
    (ahead,) = load(call(eventTime=f"{hour:%Y-%m-%dT%H:%M:%SZ}")).points
    assert ahead["time_flag"] == "future"
    assert load(call(eventTime=f"{year:%Y-%m-%dT%H:%M:%SZ}")).counts == QUARANTINED


def test_a_time_in_seconds_is_taken_for_what_it_is() -> None:
    result = load(call(point(timestamp=1714978800), point(timestamp="1714978800.5"), point()))
    assert [found["time_flag"] for found in result.points] == ["seconds", "seconds", None]
    assert result.points[0]["metric_at"] == datetime(2024, 5, 6, 7, tzinfo=UTC)
    assert result.points[1]["metric_at"] == datetime(2024, 5, 6, 7, 0, 0, 500000, tzinfo=UTC)


def test_a_file_that_columns_do_not_take_leaves_those_beside_it_alone() -> None:
    """Where the parameters of one call are no text, those of its file are read as nothing: record by record, then."""
    good, bad = call(point(step=1), point(step=2)), json.dumps(call(point(metricName="loss"))).encode()
    contents = [
        [record(), good, record(), good],
        [record(), bad.replace(b"loss", b"\xff"), record(), good],
        [event("CreateTrial"), good],
    ]
    files = {LOG.replace("0710Z_", f"0710Z_{at}"): log(*records) for at, records in enumerate(contents)}
    first, odd, last = parse_many(files.items()).values()
    assert [found["position"] for found in first.points] == ["1/0", "1/1", "3/0", "3/1"]
    assert [found["position"] for found in odd.points] == ["3/0", "3/1"]
    assert [found["position"] for found in last.points] == ["1/0", "1/1"]
    assert odd.counts == {"read": 4, "loaded": 1, "quarantined": 1, "filtered": 2}
    assert odd.reasons == [("1", "the text is not UTF-8")]
