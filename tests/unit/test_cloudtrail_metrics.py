"""BatchPutMetrics calls become one row per point; whatever is odd about a call costs nobody else a row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from trail_units import (
    ACCOUNT,
    IDENTITIES,
    LOG,
    SESSION,
    Json,
    Result,
    by_record,
    call,
    gzipped,
    log,
    parse,
    parse_many,
    point,
    record,
)

LOADED = {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}
FILTERED = {"read": 1, "loaded": 0, "quarantined": 0, "filtered": 1}
QUARANTINED = {"read": 1, "loaded": 0, "quarantined": 1, "filtered": 0}


def load(*records: Any) -> Result:
    return parse(log(*records))


def row(given: Json) -> Json:
    """The row of a call of one point, which must load, and be the same whichever way it is read."""
    result = load(given)
    assert result.reasons == []
    assert result.counts == LOADED
    if isinstance(given.get("eventTime"), str):
        assert load(by_record(given)).points == result.points
    (found,) = result.points
    return found


def test_a_point() -> None:
    pseudonym = IDENTITIES.pseudonym(SESSION)
    assert row(call()) == {
        "position": "0/0",
        "event_at": datetime(2024, 5, 6, 7, 0, 1, tzinfo=UTC),
        "event_id": "0a1b2c3d-0000-4000-8000-000000000001",
        "point_index": 0,
        "trial_component_name": "birds-7",
        "trial_component_arn": f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:experiment-trial-component/birds-7",
        "account_id": ACCOUNT,
        "aws_region": "eu-west-1",
        "resource_type": "AWS::SageMaker::ExperimentTrialComponent",
        "metric_name": "train:loss",
        "step": 7,
        "metric_value": 0.25,
        "value_flag": None,
        "metric_at": datetime(2024, 5, 6, 7, 0, 0, 123000, tzinfo=UTC),
        "time_flag": None,
        "principal_arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/Trainer/{pseudonym}",
        "principal_type": "AssumedRole",
        "source_network": "203.0.113.0/24",
        "user_agent": "Boto3/1.34",
    }


def test_positions_are_of_the_record_and_the_point_in_it() -> None:
    points = [point(step=0), point(step=1), point(step=2)]
    result = load(record(), call(*points), {"broken": True}, call(*points[:2], eventID="second"), record())
    assert [found["position"] for found in result.points] == ["1/0", "1/1", "1/2", "3/0", "3/1"]
    assert [found["point_index"] for found in result.points] == [0, 1, 2, 0, 1]
    assert [found["step"] for found in result.points] == [0, 1, 2, 0, 1]
    assert {found["event_id"] for found in result.points[3:]} == {"second"}
    assert result.counts == {"read": 5, "loaded": 2, "quarantined": 1, "filtered": 2}


def test_calls_of_many_files_stay_with_their_files() -> None:
    """Files of one batch are read together: regular ones, odd ones, and ones without calls."""
    texts = {
        "a": gzipped(log(call(point(step=1)), call(point(step=2), eventID="a2"))),
        "b": b"{",
        "c": log(record()),
        "d": log(by_record(call(point(step=3), eventID="d1")), record(), call(point(step=4), eventID="d2")),
        "e": log(),
        "f": log(call(point(step=5), eventID="f1"), 7),
        "g": log(call(point(step=6), requestParameters=None), call(point(step=7), eventID="g2")),
    }
    found = parse_many((LOG.replace("0710Z_", f"0710Z_{name}"), text) for name, text in texts.items())
    by_name = {uri.partition("0710Z_")[2][0]: result for uri, result in found.items()}
    assert {name: [each["step"] for each in result.points] for name, result in by_name.items()} == {
        "a": [1, 2], "b": [], "c": [], "d": [3, 4], "e": [], "f": [5], "g": [7],
    }  # fmt: skip
    assert [each["position"] for each in by_name["d"].points] == ["0/0", "2/0"]
    for name, text in texts.items():
        alone = parse(text)
        assert (alone.tables, alone.counts, alone.reasons) == (
            by_name[name].tables, by_name[name].counts, by_name[name].reasons,
        )  # fmt: skip


def test_a_log_file_without_records_has_none() -> None:
    assert load().counts == {"read": 0, "loaded": 0, "quarantined": 0, "filtered": 0}


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"value": 0}, "metric_value", 0.0),
        ({"value": -1.5e-300}, "metric_value", -1.5e-300),
        ({"value": 1e300}, "metric_value", 1e300),
        ({"value": 0.1}, "metric_value", 0.1),
        ({"value": 10**19}, "metric_value", 1e19),
        ({"value": "0.5"}, "metric_value", 0.5),
        ({"value": "5.0E-4"}, "metric_value", 5.0e-4),
        ({"value": True}, "metric_value", 1.0),
        ({"step": 0}, "step", 0),
        ({"step": None}, "step", None),
        ({"step": ...}, "step", None),
        ({"step": "12"}, "step", 12),
        ({"step": 12.0}, "step", 12),
        ({"step": 10**14}, "step", 10**14),
        ({"timestamp": "1714978800123"}, "metric_at", datetime(2024, 5, 6, 7, 0, 0, 123000, tzinfo=UTC)),
        ({"timestamp": 1.714978800123e12}, "metric_at", datetime(2024, 5, 6, 7, 0, 0, 123000, tzinfo=UTC)),
        ({"timestamp": 1714978800123.5}, "metric_at", datetime(2024, 5, 6, 7, 0, 0, 123500, tzinfo=UTC)),
        ({"timestamp": 1262304000000}, "metric_at", datetime(2010, 1, 1, tzinfo=UTC)),
        ({"metricName": "validation:F1 – macro"}, "metric_name", "validation:F1 – macro"),
        ({"metricName": "{loss}"}, "metric_name", "{loss}"),
        ({"metricName": 7}, "metric_name", "7"),
        (
            {"metricName": "loss of ada@example.com"},
            "metric_name",
            f"loss of {IDENTITIES.pseudonym('ada@example.com')}",
        ),
    ],
)
def test_what_a_point_says(changes: Json, column: str, value: Any) -> None:
    found = row(call(point(**changes)))
    assert found[column] == value
    assert (found["value_flag"], found["time_flag"]) == (None, None)


@pytest.mark.parametrize(
    ("token", "flag"),
    [
        ('"NaN"', "nan"),
        ("NaN", "nan"),
        ('"-nan"', "nan"),
        ('"Infinity"', "infinite"),
        ("Infinity", "infinite"),
        ("-Infinity", "infinite"),
        ('"-inf"', "infinite"),
        ("1e999", "infinite"),
        ("-1e999", "infinite"),
        ('"1e999"', "infinite"),
        ("9" * 5_000, "infinite"),
    ],
)
def test_a_value_that_is_no_finite_number_loads_without_it(token: str, flag: str) -> None:
    text = log(call(point(value="HERE"), point(step=8))).replace(b'"HERE"', token.encode())
    result = parse(text)
    assert result.counts == LOADED
    assert result.reasons == []
    assert [(found["metric_value"], found["value_flag"]) for found in result.points] == [(None, flag), (0.25, None)]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"value": ...}, "value is missing"),
        ({"value": None}, "value is null, not a number"),
        ({"value": "abc"}, "value is text, not a number"),
        ({"value": ""}, "value is text, not a number"),
        ({"value": [1]}, "value is a list, not a number"),
        ({"value": {"a": 1}}, "value is an object, not a number"),
        ({"step": -1}, "step is no whole number from 0 on"),
        ({"step": 1.5}, "step is no whole number from 0 on"),
        ({"step": 10**15}, "step is no whole number from 0 on"),
        ({"step": "seven"}, "step is text, not a number"),
        ({"step": [7]}, "step is a list, not a number"),
        ({"timestamp": ...}, "timestamp is missing"),
        ({"timestamp": None}, "timestamp is missing"),
        ({"timestamp": "2024-05-06T07:00:00Z"}, "timestamp is text, not a number"),
        ({"timestamp": 0}, "timestamp lies before 2010 or in the future"),
        ({"timestamp": -1}, "timestamp lies before 2010 or in the future"),
        ({"timestamp": 1262303999999}, "timestamp lies before 2010 or in the future"),
        ({"timestamp": 1714978800123456}, "timestamp is no epoch in milliseconds"),
        ({"timestamp": 1e300}, "timestamp is no epoch in milliseconds"),
        ({"timestamp": "NaN"}, "timestamp is no epoch in milliseconds"),
        ({"timestamp": "Infinity"}, "timestamp is no epoch in milliseconds"),
        ({"metricName": ...}, "metricName is missing"),
        ({"metricName": ""}, "metricName is missing"),
        ({"metricName": None}, "metricName is missing"),
        ({"metricName": ["loss"]}, "metricName is a list, not text"),
        ({"metricName": {"a": 1}}, "metricName is an object, not text"),
    ],
)
def test_a_bad_point_is_kept_beside_the_good_ones(changes: Json, reason: str) -> None:
    bad = point(note="kept", **changes)
    result = load(call(point(step=1), bad, point(step=3)))
    assert result.counts == LOADED, "some of the record loaded"
    assert result.reasons == [("0/1", reason)]
    assert [found["point_index"] for found in result.points] == [0, 2]
    (kept,) = result.quarantined
    assert json.loads(kept["raw_bytes"]) == {"point": bad}
    assert kept["is_encrypted"] is False
    alone = load(call(bad))
    assert alone.counts == QUARANTINED, "nothing of the record loaded"
    assert alone.reasons == [("0", reason)]
    assert alone.points == []


@pytest.mark.parametrize("bad", [None, 7, "loss", [], [point()]])
def test_a_point_that_is_no_object_is_kept_beside_the_good_ones(bad: Any) -> None:
    result = load(call(point(), bad))
    assert result.counts == LOADED
    (reason,) = (reason for position, reason in result.reasons if position == "0/1")
    assert reason.startswith("the point is ")
    assert len(result.points) == 1


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        (None, "requestParameters is null, not an object"),
        (..., "requestParameters is null, not an object"),
        ("trialComponentName=birds", "requestParameters is text, not an object"),
        ([], "requestParameters is a list, not an object"),
        ({"trialComponentName": "birds"}, "metricData is null, not a list"),
        ({"trialComponentName": "birds", "metricData": None}, "metricData is null, not a list"),
        ({"trialComponentName": "birds", "metricData": "[]"}, "metricData is text, not a list"),
        ({"trialComponentName": "birds", "metricData": {"0": point()}}, "metricData is an object, not a list"),
        ({"metricData": [point()]}, "trialComponentName is missing"),
        ({"trialComponentName": "", "metricData": [point()]}, "trialComponentName is missing"),
        ({"trialComponentName": ["birds"], "metricData": [point()]}, "trialComponentName is a list, not text"),
    ],
)
def test_a_call_without_its_parameters_is_quarantined(parameters: Any, reason: str) -> None:
    result = load(call(), call(requestParameters=parameters), call(eventID="third"))
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}
    assert result.reasons == [("1", reason)]
    assert [found["position"] for found in result.points] == ["0/0", "2/0"]


def test_a_call_without_points_is_filtered() -> None:
    assert load(call(requestParameters={"trialComponentName": "birds", "metricData": []})).counts == FILTERED


@pytest.mark.parametrize("missing", [..., None, ""])
@pytest.mark.parametrize("name", ["eventID", "eventTime", "eventName", "eventSource"])
def test_a_call_must_say_what_it_is(name: str, missing: Any) -> None:
    result = load(call(**{name: missing}), call())
    assert result.counts == {"read": 2, "loaded": 1, "quarantined": 1, "filtered": 0}
    assert result.reasons == [("0", f"{name} is missing")]
