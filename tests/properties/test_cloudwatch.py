"""Answers of CloudWatch are complete or none, whatever their pages; nothing that was captured makes a parser raise."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cloudwatch import ACCOUNT, HOUR, CloudWatch
from control_plane_units import parse
from labelhouse.errors import SourceError
from labelhouse.sources import Unit, cloudwatch_metrics, model_predictions
from labelhouse.sources.captures.predictions import predictions_of
from mutated_json import mutated
from served_aws import refused

UNIT = Unit(f"cloudwatch://us-east-2:{ACCOUNT}/{HOUR:%Y-%m-%dT%HZ}/60", "", HOUR, 0)
CAPTURED = "s3://bucket/live/AllTraffic/2024/05/06/07/08-09-123-a.jsonl"
THROTTLED = refused("ThrottlingException", message="Rate exceeded")
EXPIRED = refused("InvalidParameterValue", message="The NextToken has expired")


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("labelhouse.sources.control_plane.WAITS_SECONDS", (0.0, 0.0))
        yield


class Quick(CloudWatch):
    """As the other one, without botocore between."""

    def __getattr__(self, operation: str) -> Any:
        if not operation.startswith(("get_", "list_")):
            raise AttributeError(operation)
        name = "".join(word.capitalize() for word in operation.split("_"))
        return lambda **parameters: self.answer(name, parameters)

    __hash__ = object.__hash__  # type: ignore[assignment]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 1e6), max_size=60), min_size=1, max_size=5),
    st.integers(1, 150),
    st.dictionaries(st.integers(11, 40), st.sampled_from([THROTTLED]), max_size=6),
)
def test_an_hour_is_whole_or_not_there(series: list[list[float]], page: int, weather: dict[int, Exception]) -> None:
    served = Quick(points_a_page=page)
    for number, values in enumerate(series):
        served.put("Invocations", HOUR, *values, EndpointName=f"e{number}", VariantName="v")
        served.put("Invocations", HOUR + timedelta(hours=1), 1, EndpointName=f"e{number}", VariantName="v")
    served.faults = weather
    try:
        data = cloudwatch_metrics.SOURCE.read_unit(UNIT, lambda _name: served)
    except SourceError:
        assert any(all(first + more in weather for more in range(3)) for first in weather)
        return
    rows = parse(cloudwatch_metrics.SOURCE, data, UNIT.uri).tables["cloudwatch_metrics"]
    found = [(row["series_key"].split(",")[0], row["period_at"], row["metric_value"]) for row in rows]
    assert found == [
        (f"EndpointName=e{number}", HOUR + timedelta(minutes=minute), value)
        for number, values in enumerate(series)
        for minute, value in enumerate(values)
    ]


texts = st.text(st.characters(codec=None), max_size=8)  # half surrogate pairs too
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    texts,
    st.sampled_from(["", "0.5", "1,2\n3", "[1]", "9999-12-31T23:59:59Z", "a@b.example", "WorkerId", "BASE64"]),
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))

METRIC = {
    "Namespace": "AWS/SageMaker",
    "MetricName": "ModelLatency",
    "Dimensions": [{"Name": "WorkerId", "Value": "w"}],
}
ANSWER = {
    "Region": "us-east-1",
    "MetricDataQueries": [{"Id": "q", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Average"}}],
    "MetricDataResults": [
        {
            "Id": "q",
            "StatusCode": "Complete",
            "Timestamps": ["2024-05-06T07:00:00Z", "2024-05-06T07:01:00Z"],
            "Values": [1.0, 2.0],
        },
        {"Id": "q", "StatusCode": "Complete", "Timestamps": ["2024-05-06T07:01:00Z"], "Values": [3.0]},
    ],
}
PREDICTED = json.dumps({"predictions": [{"predicted_label": "a", "probabilities": [0.9, 0.1], "labels": ["a", "b"]}]})
CALL = {
    "captureData": {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2\n3,4", "encoding": "CSV"},
        "endpointOutput": {"observedContentType": "application/json", "data": PREDICTED, "encoding": "JSON"},
    },
    "eventMetadata": {"eventId": "e", "inferenceTime": "2024-05-06T07:08:09Z", "inferenceId": "i"},
    "eventVersion": "0",
}


@settings(max_examples=200, deadline=None)
@given(mutated(ANSWER, values, texts))
def test_no_answer_makes_the_parser_raise(answer: Any) -> None:
    found = parse(cloudwatch_metrics.SOURCE, json.dumps(answer).encode())
    assert sum(found.counts.values()) == 2 * found.counts["read"]
    assert all(row["dimensions"] != [("WorkerId", "w")] for row in found.tables["cloudwatch_metrics"])


@settings(max_examples=200, deadline=None)
@given(mutated(CALL, values, texts))
def test_no_captured_call_makes_the_parser_raise(call: Any) -> None:
    line = json.dumps(call).encode()
    found = parse(model_predictions.SOURCE, line, CAPTURED)
    assert found.counts["read"] == 1
    assert bool(found.keys) == bool(found.tables["model_predictions"]) == bool(found.counts["loaded"])


@settings(max_examples=200, deadline=None)
@given(values)
def test_no_output_makes_the_parser_raise(said: Any) -> None:
    side = {"observedContentType": "application/json", "data": json.dumps(said), "encoding": "JSON"}
    record = {"captureData": {"endpointInput": side, "endpointOutput": side}, "eventMetadata": {"eventId": "e"}}
    found = parse(model_predictions.SOURCE, json.dumps(record).encode(), CAPTURED)
    for row in found.tables["model_predictions"]:
        assert row["confidence_ratio"] is None or 0 <= row["confidence_ratio"] <= 1


@settings(max_examples=200)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=6).filter(sum))
def test_the_most_probable_class_is_the_prediction(weights: list[float]) -> None:
    shares = [weight / sum(weights) for weight in weights]
    (found,) = predictions_of([shares], 1)
    assert found.label == str(shares.index(max(shares)))
    assert found.confidence_ratio == max(shares)
