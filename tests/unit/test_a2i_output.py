"""The outputs of human loops become answers and annotations; a loop is dated by its beginning, and copies none."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labelhouse.schema.tables import TABLES
from labelhouse.sources import Unit, Window, all_sources
from labelhouse.sources.a2i_output import SOURCE
from labeling_units import EMAIL, IDENTITIES, SUB, UNIT_AT, answer, gzipped, rows_of

LOOP = "s3://bucket/a2i/Receipts/2020/09/28/19/17/59/loop-1/output.json"
UNITS = [
    "Receipts/2020/09/28/19/17/59/loop-1/output.json",
    "Receipts/2020/09/28/19/18/00/loop-2/output.json.gz",
    "team/Faces/2024/01/02/03/04/05/Loop 3/output.json",
]
OTHERS = [
    "Receipts/2020/09/28/19/17/59/output.json",
    "Receipts/2020/09/28/19/17/loop-1/output.json",
    "Receipts/2020/9/28/19/17/59/loop-1/output.json",
    "Receipts/2020/09/28/19/17/59/loop-1/output.json.bak",
    "Receipts/2020/09/28/19/17/59/loop-1/input.json",
    "2020/09/28/19/17/59/loop-1/annotations/output.json",
]


class Result:
    """Everything that parsing a unit gave, its invariants checked."""

    def __init__(self, data: bytes, uri: str = LOOP) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {name: [] for name in SOURCE.tables}
        self.quarantined: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        for _, chunk in SOURCE.parse([(Unit(uri, "v", UNIT_AT, len(data)), data)], IDENTITIES):
            assert chunk.records_read == chunk.records_loaded + chunk.records_quarantined + chunk.records_filtered > 0
            self.counts.update(read=chunk.records_read, loaded=chunk.records_loaded)
            assert chunk.tables.keys() <= self.tables.keys()
            for table, columns in chunk.tables.items():
                added = {"unit_uri", "unit_version", "loaded_at"}
                assert set(columns) == set(TABLES[table].column_names) - added
                self.tables[table] += rows_of(columns)
            self.quarantined += rows_of(chunk.quarantined) if chunk.quarantined else []


def loop(*answers: Any, **changes: Any) -> bytes:
    """The output of a human loop."""
    return json.dumps(
        {
            "flowDefinitionArn": "arn:aws:sagemaker:us-west-2:111122223333:flow-definition/receipts",
            "humanAnswers": list(answers),
            "humanLoopName": "loop-1",
            "inputContent": {"initialValue": EMAIL},
        }
        | changes
    ).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in UNITS + OTHERS:
        path = tmp_path / "flows" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "flows"


def listed(uri: Path) -> list[Unit]:
    return list(SOURCE.list_units(str(uri), {}.__getitem__, Window()))


def test_the_source_is_found_by_its_name() -> None:
    assert all_sources()["a2i_output"] is SOURCE


def test_outputs_of_human_loops_are_units_and_nothing_else_is(folder: Path) -> None:
    assert [unit.uri.rpartition("/flows/")[2].replace("%20", " ") for unit in listed(folder)] == UNITS
    assert len(listed(folder / "Receipts")) == 2
    assert len(listed(folder / "Receipts/2020/09")) == 2, "the whole key says whose loops they are"


def test_a_loop_is_dated_by_its_beginning(folder: Path) -> None:
    assert [unit.unit_at for unit in listed(folder)] == [
        datetime(2020, 9, 28, 19, 17, 59, tzinfo=UTC),
        datetime(2020, 9, 28, 19, 18, tzinfo=UTC),
        datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC),
    ]


def test_digits_of_no_day_are_a_unit_of_its_last_modification(tmp_path: Path) -> None:
    path = tmp_path / "Flow/2020/13/45/99/00/00/loop/output.json"
    path.parent.mkdir(parents=True)
    path.write_text("{}")
    (unit,) = listed(tmp_path)
    assert unit.unit_at.timestamp() == pytest.approx(path.stat().st_mtime, abs=1)


@pytest.mark.parametrize(
    ("other", "is_copy"),
    [
        ("s3://elsewhere/backup/RECEIPTS/2020/09/28/19/17/59/loop-1/output.json", True),
        (LOOP + ".gz", True),
        ("s3://bucket/a2i/Other/2020/09/28/19/17/59/loop-1/output.json", False),
        ("s3://bucket/a2i/Receipts/2020/09/28/19/17/59/loop-2/output.json", False),
        ("s3://bucket/a2i/Receipts/2020/09/28/19/18/00/loop-1/output.json", False),
    ],
)
def test_copies_are_of_the_same_loop(other: str, is_copy: bool) -> None:
    assert (SOURCE.same_content(LOOP) == SOURCE.same_content(other)) is is_copy


def test_an_answer_of_a_loop() -> None:
    boxes = {"boundingBoxes": [{"label": "Total", "left": 1, "top": 2, "width": 3, "height": 4}]}
    result = Result(loop(answer(answerContent={"annotatedResult": boxes})))
    assert result.counts == {"read": 1, "loaded": 1}
    (row,) = result.tables["worker_responses"]
    assert (row["labeling_job_name"], row["dataset_object_id"], row["iteration_number"]) == ("Receipts", "loop-1", 1)
    assert (row["crowd_element"], row["workforce_type"]) == ("annotatedResult", "private")
    (box,) = result.tables["annotations"]
    assert (box["labeling_job_name"], box["dataset_object_id"], box["iteration_number"]) == ("Receipts", "loop-1", 1)
    assert (box["geometry_type"], box["category"], box["is_consolidated"]) == ("box", "Total", False)
    assert box["worker_pseudonym"] == row["worker_pseudonym"] == IDENTITIES.pseudonym(SUB)
    assert box["event_at"] == row["submitted_at"]


@pytest.mark.parametrize(
    "content",
    [
        {"AWS/Textract/AnalyzeDocument/Forms/V1": {"blocks": [{"text": "Mail address", "id": 1}]}},
        {"AWS/Rekognition/DetectModerationLabels/Image/V3": {"moderationLabels": [{"name": "Suggestive"}]}},
        {"transcription": "use lambda to turn your notebook"},
    ],
)
def test_answers_of_the_documented_tasks(content: dict[str, Any]) -> None:
    given = {
        "answerContent": content,
        "submissionTime": "2020-09-28T19:17:59.880Z",
        "workerId": "ef7294f850a3d9d1",
        "workerMetadata": {"identityData": {"identityProviderType": "Cognito", "sub": SUB}},
    }
    result = Result(loop(given))
    (row,) = result.tables["worker_responses"]
    assert (row["crowd_element"], row["worker_id"]) == (next(iter(content)), "ef7294f850a3d9d1")
    assert (row["accepted_at"], row["time_spent_seconds"]) == (None, None)
    assert json.loads(row["answer_json"])["answerContent"] == content
    (custom,) = result.tables["annotations"]
    assert custom["geometry_type"] == "custom"
    assert json.loads(custom["annotation_json"]) == content


def test_several_answers_are_several_records() -> None:
    result = Result(gzipped(loop(answer(), "nonsense", answer(submissionTime="never"), answer())), LOOP + ".gz")
    assert result.counts == {"read": 4, "loaded": 2}
    assert [row["position"] for row in result.tables["worker_responses"]] == ["0", "3"]
    assert [row["position"] for row in result.tables["annotations"]] == ["0/0", "3/0"]
    assert [row["position"] for row in result.quarantined] == ["1", "2"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "the file is empty"),
        (b"{", "the JSON ends too early"),
        (b"[]", "the document is a list, not an object"),
        (b"{}", "the document holds no list of humanAnswers"),
        (loop(), "the document holds no list of humanAnswers"),
        (loop(humanAnswers={"0": {}}), "the document holds no list of humanAnswers"),
        (gzipped(loop(answer()))[:-3], "the gzip file is cut off"),
    ],
)
def test_what_is_no_output_is_one_quarantined_record(data: bytes, words: str) -> None:
    result = Result(data)
    assert result.counts == {"read": 1, "loaded": 0}
    (kept,) = result.quarantined
    assert (kept["position"], kept["reason"], kept["is_encrypted"]) == ("0", words, True)


def test_nobody_is_named() -> None:
    uri = LOOP.replace("loop-1", EMAIL).replace("Receipts", EMAIL)
    result = Result(loop(answer(answerContent={"form": [SUB, EMAIL]})), uri)
    (row,) = result.tables["worker_responses"]
    assert row["dataset_object_id"] == row["labeling_job_name"] == IDENTITIES.pseudonym(EMAIL)
    for rows in result.tables.values():
        assert not any(name in str(each) for each in rows for name in (SUB, EMAIL))
