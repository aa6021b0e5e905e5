"""What of captured calls becomes predictions, in which forms, and what is kept of the others."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from control_plane_units import Result, parse
from labelhouse.sources import Window, model_predictions

SOURCE = model_predictions.SOURCE
TAIL = "2024/05/06/07/08-09-123-0f3c2a9e.jsonl"
URI = f"s3://bucket/capture/live/AllTraffic/{TAIL}"
AT = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


def side(data: Any, content_type: str | None = "text/csv", encoding: str | None = "CSV") -> dict[str, Any]:
    return {"observedContentType": content_type, "mode": "INPUT", "data": data, "encoding": encoding}


def in_json(data: Any) -> dict[str, Any]:
    return side(json.dumps(data), "application/json", "JSON")


def call(given: Any = None, said: Any = None, event_id: str = "e1", **metadata: Any) -> dict[str, Any]:
    """A captured call; a side that is None was not captured."""
    sides = {"endpointInput": given, "endpointOutput": said}
    return {
        "captureData": {name: value for name, value in sides.items() if value is not None},
        "eventMetadata": {"eventId": event_id, "inferenceTime": "2024-05-06T07:08:09Z"} | metadata,
        "eventVersion": "0",
    }


def read(*calls: Any) -> Result:
    return parse(SOURCE, b"\n".join(json.dumps(each).encode() for each in calls), URI)


def said(output: dict[str, Any], given: Any = None) -> list[tuple[Any, ...]]:
    """Label, value, confidence and the rest of each prediction."""
    found = read(call(given, output))
    assert found.reasons == []
    names = ("prediction_label", "prediction_value", "confidence_ratio", "other_json")
    return [tuple(row[name] for name in names) for row in found.tables["model_predictions"]]


def inputs(given: dict[str, Any]) -> list[Any]:
    found = read(call(given))
    assert found.reasons == []
    return [row["inputs"] and dict(row["inputs"]) for row in found.tables["model_predictions"]]


def test_units_are_files_of_data_capture_by_the_time_in_their_names(tmp_path: Path) -> None:
    for name in (f"live/AllTraffic/{TAIL}", f"live/B/{TAIL}.gz", "live/B/2024/05/06/07/x.jsonl", "live/B/readme.jsonl"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{}")
    units = list(SOURCE.list_units(str(tmp_path), {}.__getitem__, Window()))
    assert [(unit.uri.split("/live/")[1], unit.unit_at) for unit in units] == [
        (f"AllTraffic/{TAIL}", AT.replace(microsecond=123_000)),
        (f"B/{TAIL}.gz", AT.replace(microsecond=123_000)),
        ("B/2024/05/06/07/x.jsonl", AT.replace(minute=0, second=0)),
    ]
    assert SOURCE.same_content(units[0].uri) != SOURCE.same_content(units[1].uri)


def test_a_call_becomes_a_row() -> None:
    found = read(
        call(side("5.1,3.5"), in_json({"predictions": [{"label": "setosa", "score": 0.98}]}), inferenceId="i7")
    )
    (row,) = found.tables["model_predictions"]
    assert row | {"inputs": dict(row["inputs"])} == {
        "position": "0/0",
        "event_at": AT,
        "event_id": "e1",
        "prediction_index": 0,
        "inference_id": "i7",
        "endpoint_name": "live",
        "variant_name": "AllTraffic",
        "input_content_type": "text/csv",
        "output_content_type": "application/json",
        "prediction_label": "setosa",
        "prediction_value": None,
        "confidence_ratio": 0.98,
        "inputs": {"input_0": "5.1", "input_1": "3.5"},
        "other_json": None,
    }
    assert found.keys == ["e1"]
    assert found.counts == {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (side("0.75"), [(None, 0.75, None, None)]),
        (side("0.1,0.7,0.2"), [("1", None, 0.7, '["0.1","0.7","0.2"]')]),
        (side("cat"), [("cat", None, None, None)]),
        (side("cat,0.9"), [("cat", None, 0.9, None)]),
        (side("1.5\n2.5\n"), [(None, 1.5, None, None), (None, 2.5, None, None)]),
        (in_json([0.2, 0.8]), [("1", None, 0.8, "[0.2,0.8]")]),
        (in_json([[0.9, 0.1], [0.4, 0.6]]), [("0", None, 0.9, "[0.9,0.1]"), ("1", None, 0.6, "[0.4,0.6]")]),
        (in_json(12.5), [(None, 12.5, None, None)]),
        (in_json({"prediction": 12.5}), [(None, 12.5, None, None)]),
        (in_json({"prediction": "cat"}), [("cat", None, None, None)]),
        (in_json({"predictions": [{"score": 0.4, "predicted_label": 0}]}), [("0", 0.4, 0.6, None)]),
        (in_json({"predictions": [{"score": 0.9, "predicted_label": 1}]}), [("1", 0.9, 0.9, None)]),
        (in_json({"predictions": [{"score": 17.25}]}), [(None, 17.25, None, None)]),
        (
            in_json({"predictions": [{"score": [0.1, 0.9], "predicted_label": 1}]}),
            [("1", None, 0.9, '{"probabilities":[0.1,0.9]}')],
        ),
        (
            in_json({"predicted_label": "b", "probabilities": [0.7, 0.3], "labels": ["a", "b"]}),
            [("b", None, 0.3, '{"probabilities":[0.7,0.3],"labels":["a","b"]}')],
        ),
        (in_json([{"label": "POSITIVE", "score": 0.99}]), [("POSITIVE", None, 0.99, None)]),
        (in_json({"predictions": ["a", "b"]}), [("a", None, None, None), ("b", None, None, None)]),
        (in_json({"predictions": [[0.25, 0.75]]}), [("1", None, 0.75, "[0.25,0.75]")]),
        (in_json({"boxes": [1, 2]}), [(None, None, None, '{"boxes":[1,2]}')]),
        (
            side('{"score":1.5}\n{"score":2.5}', "application/jsonlines", "JSON"),
            [(None, 1.5, None, None), (None, 2.5, None, None)],
        ),
        (side(base64.b64encode(b"0.75").decode(), "text/csv; charset=utf-8", "BASE64"), [(None, 0.75, None, None)]),
        (side("/9j/4AAQ", "image/png", "BASE64"), [(None, None, None, None)]),
    ],
)
def test_forms_of_outputs(output: dict[str, Any], expected: list[Any]) -> None:
    found = said(output)
    assert [pytest.approx(each) for each in expected] == found


def test_as_many_numbers_as_objects_are_a_prediction_each() -> None:
    assert said(side("0.25,0.75"), side("1,2\n3,4")) == [(None, 0.25, None, None), (None, 0.75, None, None)]
    assert said(in_json({"predictions": [0.25, 0.75]}), in_json({"instances": [[1], [2]]})) == [
        (None, 0.25, None, None),
        (None, 0.75, None, None),
    ]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (side("1,,x"), [{"input_0": "1", "input_1": "", "input_2": "x"}]),
        (side('"a, b",2'), [{"input_0": "a, b", "input_1": "2"}]),
        (in_json({"width": 7, "place": {"city": "Bonn"}}), [{"width": "7", "place.city": "Bonn"}]),
        (
            in_json({"instances": [{"features": [1, 2]}, {"features": [3]}]}),
            [{"input_0": "1", "input_1": "2"}, {"input_0": "3"}],
        ),
        (in_json({"inputs": "good"}), [{"inputs": "good"}]),
        (in_json([1, 2]), [{"input_0": "1", "input_1": "2"}]),
        (side("/9j/4AAQ", "image/jpeg", "BASE64"), [None]),
        (side(",".join(["1"] * 1001)), [None]),
        (side(None), [None]),
    ],
)
def test_forms_of_inputs(given: dict[str, Any], expected: list[Any]) -> None:
    assert inputs(given) == expected


def test_one_object_in_which_several_things_are_found_is_counted_once() -> None:
    found = read(call(in_json({"width": 7}), in_json({"predictions": [{"label": "a"}, {"label": "b"}]})))
    rows = found.tables["model_predictions"]
    assert [(row["prediction_index"], row["prediction_label"], row["inputs"]) for row in rows] == [
        (0, "a", [("width", "7")]),
        (1, "b", None),
    ]


def test_inputs_that_do_not_fit_their_predictions_are_set_aside() -> None:
    found = read(call(side("1\n2\n3"), side("0.5\n0.6")))
    assert found.reasons == [("0/input", "input: there are not as many inputs as predictions")]
    assert [row["inputs"] for row in found.tables["model_predictions"]] == [None, None]


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (in_json(1) | {"data": "{broken"}, "input: the data is not JSON"),
        (side("%%%", "text/csv", "BASE64"), "input: the data is not text in base64"),
        (side(base64.b64encode(b"\xff").decode(), "text/csv", "BASE64"), "input: the data is not text in base64"),
        (side('"' + "x" * 200_000), "input: the data is not CSV"),
        (in_json(1) | {"data": "[NaN]"}, "input: a number is not finite, or too large (NaN, Infinity, 1e999)"),
    ],
)
def test_one_side_that_cannot_be_read_costs_only_itself(given: dict[str, Any], reason: str) -> None:
    found = read(call(given, side("0.5")))
    assert found.reasons == [("0/input", reason)]
    assert [row["prediction_value"] for row in found.tables["model_predictions"]] == [0.5]
    assert found.counts == {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}
    assert all(row["is_encrypted"] for row in found.quarantined)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_predictions_that_are_no_finite_numbers_reach_no_row(number: str) -> None:
    (row,) = read(call(None, side(number))).tables["model_predictions"]
    assert (row["prediction_value"], row["prediction_label"]) == (None, number), "as text it is kept"
    found = read(call(None, in_json(1) | {"data": number}))
    assert [row["prediction_value"] for row in found.tables["model_predictions"]] == [None]
    assert [position for position, _ in found.reasons] == ["0/output"]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{broken", "the text is not JSON"),
        (b"[]", "the record is a list, not an object"),
        (b"{}", "captureData is missing"),
        (json.dumps(call(event_id="")).encode(), "eventMetadata.eventId is empty"),
        (json.dumps(call(inferenceTime="noon")).encode(), "inferenceTime is not a time such as 2019-04-18T16:40:59Z"),
        (
            json.dumps(call(inferenceTime="2999-01-01T00:00:00Z")).encode(),
            "inferenceTime lies before 2010 or in the future",
        ),
    ],
)
def test_a_line_that_is_no_call_is_quarantined_and_the_others_load(line: bytes, reason: str) -> None:
    good = json.dumps(call(None, side("1"), event_id="good")).encode()
    found = parse(SOURCE, line + b"\n" + good, URI)
    assert found.reasons == [("0", reason)]
    assert found.keys == ["good"]
    assert found.counts == {"read": 2, "loaded": 1, "quarantined": 1, "filtered": 0}


def test_a_call_without_a_time_happened_when_its_file_was_written() -> None:
    record = call(None, side("1"))
    del record["eventMetadata"]["inferenceTime"]
    (row,) = read(record).tables["model_predictions"]
    assert row["event_at"] == datetime(2024, 6, 1, 12, tzinfo=UTC)


def test_gzipped_and_damaged_files() -> None:
    line = json.dumps(call(None, side("1"))).encode()
    assert len(parse(SOURCE, gzip.compress(line), URI + ".gz").tables["model_predictions"]) == 1
    assert parse(SOURCE, gzip.compress(line)[:-9], URI + ".gz").reasons == [("0", "the gzip file is cut off")]
    assert parse(SOURCE, b"", URI).reasons == [("0", "the file is empty")]


def test_addresses_are_pseudonyms_in_every_form_of_data() -> None:
    email = "canary.customer@example.com"
    packed = base64.b64encode(json.dumps({"from": email}).encode()).decode()
    found = read(
        call(side(f"{email},1"), in_json({"label": email, "note": email}), inferenceId=email),
        call(side(packed, "application/json", "BASE64"), side("1"), event_id="e2"),
    )
    assert len(found.tables["model_predictions"]) == 2
    assert "canary" not in str(found.tables)


def test_large_files_come_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_predictions, "_CHUNK_RECORDS", 2)
    found = read(*(call(None, side("1"), event_id=f"e{number}") for number in range(5)))
    assert found.keys == [f"e{number}" for number in range(5)]
    assert found.counts["loaded"] == 5
