"""Changes of jobs as EventBridge delivers them: in every packing, each once, whatever stands between them."""

from __future__ import annotations

import gzip
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control_plane_units import parse, units
from labelhouse.sources.labeling_job_states import SOURCE

CHANGED_AT = datetime(2018, 10, 6, 12, 26, 13, tzinfo=UTC)


def change(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An event as EventBridge sends it; a change to `...` leaves the field out."""
    given = {
        "version": "0",
        "id": f"111e1111-11d1-111f-b111-{number:012}",
        "detail-type": "SageMaker Ground Truth Labeling Job State Change",
        "source": "aws.sagemaker",
        "account": "011122223333",
        "time": "2018-10-06T12:26:13Z",
        "region": "us-east-1",
        "resources": ["arn:aws:sagemaker:us-east-1:011122223333:labeling-job/test-labeling-job"],
        "detail": {"LabelingJobStatus": "Completed"},
    } | {name.replace("_", "-"): value for name, value in changes.items()}
    return {key: value for key, value in given.items() if value is not ...}


def test_an_event_gives_every_column() -> None:
    result = parse(SOURCE, change())
    assert result.tables["labeling_job_states"] == [
        {
            "position": "0",
            "event_at": CHANGED_AT,
            "event_id": "111e1111-11d1-111f-b111-000000000001",
            "labeling_job_name": "test-labeling-job",
            "labeling_job_arn": "arn:aws:sagemaker:us-east-1:011122223333:labeling-job/test-labeling-job",
            "account_id": "011122223333",
            "aws_region": "us-east-1",
            "status": "Completed",
            "changed_at": CHANGED_AT,
        }
    ]
    assert result.keys == ["111e1111-11d1-111f-b111-000000000001"], "copies are told by it"


def packings(events: list[dict[str, Any]]) -> dict[str, bytes]:
    """The same events in every way that they are delivered or saved."""
    texts = [json.dumps(event) for event in events]
    found = {
        "lines": "\n".join(texts),
        "lines with an end": "\n".join(texts) + "\n",
        "lines of Windows": "\r\n".join(texts),
        "nothing between": "".join(texts),
        "some a line": "".join(texts[:2]) + "\n" + "".join(texts[2:]),
        "indented": "\n".join(json.dumps(event, indent=2) for event in events),
        "indented, nothing between": "".join(json.dumps(event, indent=2) for event in events),
        "a list": "[" + ",".join(texts) + "]",
        "a list, indented": json.dumps(events, indent=2),
    }
    plain = {name: text.encode() for name, text in found.items()}
    return plain | {f"{name}, packed": gzip.compress(text) for name, text in plain.items()}


HARD = [change(1, note='}{ "\\" \\u0022 ]['), change(2, detail={"LabelingJobStatus": "Neu: ☃ {"}), change(3)]


@pytest.mark.parametrize("name", packings([]))
def test_events_are_the_same_in_every_packing(name: str) -> None:
    result = parse(SOURCE, packings(HARD)[name], "s3://events/firehose-object-without-an-ending")
    assert result.reasons == []
    assert result.keys == [event["id"] for event in HARD]
    assert [row["status"] for row in result.tables["labeling_job_states"]] == ["Completed", "Neu: ☃ {", "Completed"]


@given(
    st.lists(
        st.dictionaries(st.text(max_size=6), st.text(alphabet='{}[]"\\,: \n\u2028x', max_size=8), max_size=3),
        min_size=1,
        max_size=5,
    )
)
def test_no_text_inside_an_event_ends_it(extras: list[dict[str, str]]) -> None:
    events = [change(number, extra=extra) for number, extra in enumerate(extras)]
    for name, data in packings(events).items():
        result = parse(SOURCE, data)
        assert (result.keys, result.reasons) == ([event["id"] for event in events], []), name


def test_other_events_of_the_same_rule_are_filtered() -> None:
    others = [change(detail_type="SageMaker Training Job State Change"), change(2), change(3, detail_type="")]
    result = parse(SOURCE, packings(others)["lines"])
    assert result.counts == {"read": 3, "loaded": 1, "filtered": 2, "quarantined": 0}
    assert result.keys == [change(2)["id"]]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (change(id=...), "id is missing"),
        (change(id=""), "id, time, the ARN of the job or LabelingJobStatus is empty or missing"),
        (change(resources=[]), "id, time, the ARN of the job or LabelingJobStatus is empty or missing"),
        (change(resources=["arn:aws:s3:::x"]), "id, time, the ARN of the job or LabelingJobStatus is empty or missing"),
        (change(detail={}), "id, time, the ARN of the job or LabelingJobStatus is empty or missing"),
        (change(time=""), "id, time, the ARN of the job or LabelingJobStatus is empty or missing"),
        (change(time="2999-01-01T00:00:00Z"), "time lies before 2010 or in the future"),
        (change(detail_type=...), "detail-type is missing"),
        (change(resources="x"), "resources is text, not a list"),
        ([1], "the event is a list, not an object"),
        (7, "the event is a number, not an object"),
    ],
)
def test_one_bad_event_costs_no_other(event: Any, reason: str) -> None:
    text = b"\n".join(json.dumps(each).encode() for each in (change(1), event, change(2)))
    result = parse(SOURCE, text)
    assert result.reasons == [("1", reason)]
    assert result.keys == [change(1)["id"], change(2)["id"]]


def test_a_damaged_line_costs_no_other() -> None:
    whole = json.dumps(change(2)).encode()
    result = parse(SOURCE, b'{"id": "unfinished\n' + whole + b"\n" + whole[:-9] + b"\nnoise\n" + whole)
    assert [position for position, _ in result.reasons] == ["0", "2", "3"]
    assert len(result.keys) == 2
    assert all(row["is_encrypted"] for row in result.quarantined), "what cannot be parsed may name anybody"


def test_a_delivery_that_was_cut_off_gives_what_is_whole() -> None:
    text = packings(HARD)["indented, nothing between"]
    result = parse(SOURCE, text[:-20])
    assert result.keys == [HARD[0]["id"], HARD[1]["id"]]
    assert result.reasons == [("2", "the JSON ends too early")]


@pytest.mark.parametrize("data", [b'"' + b'\\"' * 2_000_000, b'{"' + b'\\"' * 2_000_000, b"{" * 4_000_000])
def test_hostile_text_takes_no_time(data: bytes) -> None:
    began = time.process_time()
    assert parse(SOURCE, data).counts["loaded"] == 0
    assert time.process_time() - began < 20, "linear in the length of the text"


def test_every_object_below_a_prefix_is_a_unit(tmp_path: Path) -> None:
    (tmp_path / "2018/10/06/12").mkdir(parents=True)
    (tmp_path / "2018/10/06/12/stream-1-2018-10-06-12-26-13-abc").write_bytes(packings(HARD)["nothing between"])
    (unit,) = units(SOURCE, str(tmp_path), {}.__getitem__)
    assert parse(SOURCE, SOURCE.read_unit(unit, {}.__getitem__)).keys == [event["id"] for event in HARD]


def test_a_copied_file_is_a_copy_wherever_it_lies() -> None:
    assert SOURCE.same_content("s3://a/1") == SOURCE.same_content("s3://b/2")
