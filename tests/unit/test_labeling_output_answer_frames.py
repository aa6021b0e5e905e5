"""Frames of a worker's answer that lie in files of their own, beside the answer that names their folder."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labeling_units import RESPONSE, Result, answer, document, parse

FRAME_URI = f"{RESPONSE.rpartition('/')[0]}/5f3c/frame_0001.jpeg.json"
BOX = {"height": 401, "label": "Dog", "left": 243, "top": 117.5, "width": 187}


def answered(frame_data: dict[str, Any]) -> Result:
    return parse(document(answer(answerContent={"trackingAnnotations": {"frameData": frame_data}})))


@pytest.mark.parametrize(
    "entries",
    [["frame_0001.jpeg.json"], {"frame_0001.jpeg": "s3://b/f.json"}, [{"frame": "frame_0001.jpeg"}], [], None],
)
def test_frames_in_files_of_their_own_are_no_empty_frames_and_the_answer_says_where_they_are(entries: Any) -> None:
    result = answered({"entries": entries, "s3Prefix": "s3://b/x/5f3c/"})
    assert (result.frames, result.annotations) == ([], [])
    assert [row["answer_folder"] for row in result.answers] == ["5f3c"]


def test_entries_that_are_neither_frames_nor_names_stay_as_they_are() -> None:
    result = answered({"entries": 7, "s3Prefix": "s3://b/x/"})
    assert [row["geometry_type"] for row in result.annotations] == ["custom"]
    assert [row["answer_folder"] for row in result.answers] == [None]


def test_a_frame_in_a_file_of_its_own() -> None:
    entry = {"frameNumber": 7, "frame": "7.jpg", "boundingBoxes": [BOX], "frameAttributes": {"quality": "good"}}
    for captured in (entry, {"trackingAnnotations": entry}, {"answerContent": {"trackingAnnotations": entry}}):
        result = parse(json.dumps(captured).encode(), FRAME_URI)
        (row,), (frame,) = result.annotations, result.frames
        assert {row[name] for name in ("worker_id", "worker_pseudonym", "label_attribute_name")} == {None}
        assert (row["answer_folder"], row["iteration_number"]) == ("5f3c", 2)
        assert (row["frame_number"], row["left_px"]) == (7, 243.0)
        assert (frame["answer_folder"], frame["attributes"]) == ("5f3c", {"quality": "good"})
        assert row["is_consolidated"] is frame["is_consolidated"] is False


@pytest.mark.parametrize(
    ("captured", "words"),
    [
        ([], "the document is a list, not an object"),
        ({}, "the document holds no frame of an answer"),
        ({"a": {"frameNumber": 1}, "b": {"frameNumber": 2}}, "the document holds no frame of an answer"),
        ({"trackingAnnotations": {"frameNumber": "x"}}, "the frame's number is no whole number from 0"),
    ],
)
def test_a_file_that_holds_no_frame_is_one_quarantined_record(captured: Any, words: str) -> None:
    result = parse(json.dumps(captured).encode(), FRAME_URI)
    assert (result.reasons, result.frames, result.annotations) == ([("0", words)], [], [])
