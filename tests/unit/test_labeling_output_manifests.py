"""Lines of output manifests become one row per label attribute, whichever jobs they passed through."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from labelhouse.sources import Window
from labelhouse.sources.labeling_output import SOURCE
from labeling_units import EMAIL, IDENTITIES, MANIFEST, UNIT_AT, Result, gzipped, line, manifest, parse

LOADED = {"read": 1, "loaded": 1, "quarantined": 0, "filtered": 0}
FILTERED = {"read": 1, "loaded": 0, "quarantined": 0, "filtered": 1}


def load(*lines: Any) -> Result:
    return parse(manifest(lines), MANIFEST)


def entry(*, origin: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    """The row of one labelled line, which must load."""
    result = load(line(**metadata) | (origin or {}))
    assert result.reasons == []
    assert result.counts == LOADED
    return result.entries[0]


def label(name: str, value: Any = ..., **metadata: Any) -> dict[str, Any]:
    """The two keys of one label attribute."""
    given = {name + "-metadata": {"job-name": f"labeling-job/{name}", "type": "groundtruth/x"} | metadata}
    return given if value is ... else {name: value} | given


def test_an_image_classification() -> None:
    found = entry()
    metadata = json.loads(found.pop("metadata_json"))
    at = datetime(2024, 5, 6, 7, 30, 0, 123456, tzinfo=UTC)
    assert found == {
        "position": "0/pet",
        "event_at": at,
        "labeling_job_name": "pets",
        "manifest_labeling_job_name": "Pets",
        "dataset_object_id": "0",
        "source_ref": "s3://images/1.jpg",
        "source_text": None,
        "label_attribute_name": "pet",
        "task_type": "groundtruth/image-classification",
        "label": "cat",
        "label_json": "0",
        "confidence_ratio": 0.95,
        "is_human_annotated": True,
        "is_adjusted": None,
        "is_failed": False,
        "failure_reason": None,
        "labeled_at": at,
        "class_map": None,
        "label_ref": None,
    }
    assert metadata == line()["pet-metadata"]


@pytest.mark.parametrize("key", ["class-map", "class_map"])
def test_a_class_map_is_kept_by_number(key: str) -> None:
    found = entry(**{key: {"0": "cat", "1": "狗 ", "2": 7}})
    assert found["class_map"] == {"0": "cat", "1": "狗 "}


@pytest.mark.parametrize(
    ("keys", "reference"),
    [
        ({"x-ref": "s3://m/x.png"} | label("x"), "s3://m/x.png"),
        ({"x-ref": "s3://m/x.png"} | label("x-ref"), "s3://m/x.png"),
        ({"x": "s3://m/x.png"} | label("x"), None),
        ({"check-x-ref": "1"} | label("check-x-ref", **{"class-name": "bad"}), None),
        ({"x-ref": 7} | label("x"), None),
    ],
)
def test_a_label_in_a_file_of_its_own_is_referred_to(keys: dict[str, Any], reference: str | None) -> None:
    (found,) = load({"source-ref": "s3://i/1.jpg"} | keys).entries
    assert found["label_ref"] == reference


@pytest.mark.parametrize(
    ("changes", "column", "value"),
    [
        ({"confidence": 0}, "confidence_ratio", None),
        ({"confidence": 0.0}, "confidence_ratio", None),
        ({"confidence": 1}, "confidence_ratio", 1.0),
        ({"confidence": ...}, "confidence_ratio", None),
        ({"human_annotated": "no"}, "is_human_annotated", False),
        ({"human_annotated": "true"}, "is_human_annotated", True),
        ({"human_annotated": False}, "is_human_annotated", False),
        ({"human_annotated": ...}, "is_human_annotated", None),
        ({"human_annotated": ""}, "is_human_annotated", None),
        ({"adjustment_status": "adjusted"}, "is_adjusted", True),
        ({"adjustment_status": "unadjusted"}, "is_adjusted", False),
        ({"class_name": "设备 "}, "label", "设备 "),
        ({"class_name": ["cat", "dog"]}, "label", None),
        ({"class_name": ...}, "label", None),
        ({"type": "groundTruth/custom"}, "task_type", "groundTruth/custom"),
        ({"type": "groundtruth/not-yet-invented"}, "task_type", "groundtruth/not-yet-invented"),
        ({"type": ...}, "task_type", None),
        ({"job_name": "labeling-job/Case-Kept"}, "labeling_job_name", "Case-Kept"),
        ({"job_name": "bare"}, "labeling_job_name", "bare"),
        ({"job_name": ...}, "labeling_job_name", "Pets"),
        ({"job_name": ""}, "labeling_job_name", "Pets"),
        ({"job_name": "labeling-job/"}, "labeling_job_name", "Pets"),
        ({"creation_date": "2020-05-25T12:53:54+0000"}, "labeled_at", datetime(2020, 5, 25, 12, 53, 54, tzinfo=UTC)),
        (
            {"creation_date": "2021-03-08T23:06:49.111"},
            "labeled_at",
            datetime(2021, 3, 8, 23, 6, 49, 111000, tzinfo=UTC),
        ),
        ({"creation_date": "2021-03-08T23:06:49Z"}, "labeled_at", datetime(2021, 3, 8, 23, 6, 49, tzinfo=UTC)),
    ],
)
def test_what_the_metadata_says(changes: dict[str, Any], column: str, value: Any) -> None:
    assert entry(**changes)[column] == value


@pytest.mark.parametrize("missing", [..., None, ""])
def test_a_label_without_a_time_is_at_the_units_time(missing: Any) -> None:
    found = entry(creation_date=missing)
    assert (found["labeled_at"], found["event_at"]) == (None, UNIT_AT)


def test_underscores_of_custom_jobs_without_consolidation() -> None:
    metadata = {"job_name": "texts", "type": "groundTruth/custom", "creation_date": "2021-03-08T23:06:49.111000"}
    (found,) = load({"source": "The ladder is broken.", "damage": {}, "damage-metadata": metadata}).entries
    assert (found["labeling_job_name"], found["label_json"], found["label"]) == ("texts", "{}", None)
    assert found["labeled_at"] == datetime(2021, 3, 8, 23, 6, 49, 111000, tzinfo=UTC)
    assert (found["source_text"], found["source_ref"]) == ("The ladder is broken.", None)


@pytest.mark.parametrize("captured", [0, "0", [1, 0, 8], {"annotations": []}, 1.5, "s3://labels/mask.png", False])
def test_a_label_is_kept_as_captured(captured: Any) -> None:
    assert json.loads(entry(origin={"pet": captured})["label_json"]) == captured


@pytest.mark.parametrize(
    ("keys", "attribute", "captured"),
    [
        ({"x": 1} | label("x"), "x", "1"),
        ({"x-ref": "s3://m/x.png"} | label("x"), "x", '"s3://m/x.png"'),
        ({"x-ref": "s3://m/x.png"} | label("x-ref"), "x-ref", '"s3://m/x.png"'),
        ({"x": 1, "x-ref": 2} | label("x"), "x", "1"),
        ({"x": None} | label("x"), "x", None),
        (label("x"), "x", None),
    ],
)
def test_metadata_is_paired_with_its_label(keys: dict[str, Any], attribute: str, captured: str | None) -> None:
    (found,) = load({"source-ref": "s3://i/1.jpg"} | keys).entries
    assert (found["label_attribute_name"], found["label_json"]) == (attribute, captured)
    assert found["position"] == f"0/{attribute}"


@pytest.mark.parametrize(
    "metadata",
    [
        {"job-name": "j"},
        {"job_name": "j"},
        {"human-annotated": "yes"},
        {"failure-reason": "expired"},
        {"type": "groundtruth/video-classification"},
        {"type": "groundTruth/custom"},
    ],
)
def test_what_only_a_labels_metadata_has_makes_it_a_label(metadata: dict[str, Any]) -> None:
    assert [row["label_attribute_name"] for row in load({"x": 1, "x-metadata": metadata}).entries] == ["x"]


def test_a_line_of_chained_jobs_is_one_record_and_a_row_per_attribute() -> None:
    chained = (
        {"source-ref": "s3://i/1.jpg"}
        | label("boxes", {"annotations": []}, **{"job-name": "first"})
        | label("adjusted", {"annotations": []}, **{"job-name": "second", "adjustment-status": "adjusted"})
        | label("verified", "1", **{"job-name": "third", "class-name": "bad", "worker-feedback": [{"comment": "no"}]})
    )
    result = load(chained)
    assert result.counts == LOADED
    assert [
        (row["position"], row["labeling_job_name"], row["is_adjusted"], row["label"]) for row in result.entries
    ] == [
        ("0/boxes", "first", None, None),
        ("0/adjusted", "second", True, None),
        ("0/verified", "third", None, "bad"),
    ]
    assert {row["manifest_labeling_job_name"] for row in result.entries} == {"Pets"}


def test_a_failed_object_has_no_label() -> None:
    reason = "ClientError: Annotation tasks expired.  Probable Reasons are 1) …"
    metadata = {"retry-count": 1, "failure-reason": reason, "human-annotated": "true"}
    result = load({"source-ref": "s3://i/2.pdf", "metadata": {"pages": "1"}, "words-metadata": metadata})
    assert result.counts == LOADED
    (found,) = result.entries
    assert (found["is_failed"], found["failure_reason"], found["is_human_annotated"]) == (True, reason, True)
    assert (found["label"], found["label_json"], found["task_type"]) == (None, None, None)
    assert found["labeling_job_name"] == "Pets"


def test_a_failed_object_shows_no_class_of_an_earlier_attempt() -> None:
    found = entry(failure_reason="InternalError")
    assert (found["is_failed"], found["label"]) == (True, None)


@pytest.mark.parametrize(
    "users_own",
    [
        {},
        {"metadata": {"job-name": "mine", "pages": "1"}},
        {"-metadata": {"job-name": "mine"}},
        {"annotator-metadata": {"type": "expert", "creation-date": "2020-01-01"}},
        {"source-ref-metadata": {"format": "text/xyzi", "unix-timestamp": 1566861644.759115}},
        {"source-ref-metadata": {"json-paths": ["prefix"]}},
        {"photo": "x", "photo-metadata": {"creation-date": "2020-01-01T00:00:00", "type": "jpeg"}},
        {"photo": "x", "photo-metadata": "taken at noon"},
        {"photo-metadata": None},
        {"photo-metadata": ["job-name"]},
        {"dataset-objectid-attribute-name": "key", "key": "UniqueId"},
    ],
)
def test_users_own_keys_are_no_jobs(users_own: dict[str, Any]) -> None:
    assert load({"source-ref": "s3://i/1.jpg"} | users_own).counts == FILTERED
    both = load(line() | users_own)
    assert both.counts == LOADED
    assert [row["label_attribute_name"] for row in both.entries] == ["pet"]


def test_lines_keep_their_index_across_blank_lines() -> None:
    text = b"\xef\xbb\xbf" + manifest([line(), "", "   ", {"source-ref": "s3://i/3.jpg"}, line()]) + b"\n"
    result = parse(text, MANIFEST)
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 0, "filtered": 1}
    assert [row["dataset_object_id"] for row in result.entries] == ["0", "4"]


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b""])
def test_only_line_feeds_end_a_line(ending: bytes) -> None:
    text = json.dumps(line(class_name="a\u2028b\x85c"), ensure_ascii=False).encode() + ending
    (found,) = parse(text, MANIFEST).entries
    assert found["label"] == "a\u2028b\x85c"


def test_a_gzipped_manifest_reads_the_same_whatever_its_name() -> None:
    text = manifest([line(), line()])
    expected = parse(text, MANIFEST).entries
    assert parse(gzipped(text), MANIFEST).entries == expected
    assert parse(gzipped(text), MANIFEST + ".gz").entries == expected
    assert parse(text, MANIFEST + ".gz").entries == expected
    first, second = manifest([line()]), manifest([line()])
    assert parse(gzipped(first) + gzipped(second), MANIFEST).entries == expected


def test_addresses_are_replaced_in_every_column() -> None:
    result = load(
        {"source-ref": f"s3://i/{EMAIL}.jpg", "source": f"mail {EMAIL}"}
        | label(f"by-{EMAIL}", {"by": EMAIL}, **{"class-name": EMAIL, "job-name": EMAIL, "worker-feedback": [EMAIL]})
    )
    assert result.counts == LOADED
    assert "canary" not in json.dumps(result.entries, default=str)
    assert result.entries[0]["label"] == IDENTITIES.pseudonym(EMAIL)


UNUSABLE = [
    ({"job_name": 7}, "job-name is a number, not text"),
    ({"type": ["x"], "job_name": "j"}, "type is a list, not text"),
    ({"confidence": "high"}, "confidence is text, not a number"),
    ({"confidence": True}, "confidence is true or false, not a number"),
    ({"confidence": 95}, "confidence is not between 0 and 1"),
    ({"confidence": -0.1}, "confidence is not between 0 and 1"),
    ({"human_annotated": "maybe"}, "human-annotated is none of yes, true, no, false"),
    ({"human_annotated": 1}, "human-annotated is a number, not true or false or text"),
    ({"adjustment_status": "half"}, "adjustment-status is none of adjusted, unadjusted"),
    ({"failure_reason": {}}, "failure-reason is an object, not text"),
    ({"creation_date": "soon"}, "creation-date is not a time such as 2019-04-18T16:40:59Z"),
    ({"creation_date": "1999-01-01T00:00:00"}, "creation-date lies before 2010 or in the future"),
    ({"creation_date": 5}, "creation-date is a number, not text"),
]


@pytest.mark.parametrize(("changes", "reason"), UNUSABLE)
def test_an_unusable_attribute_quarantines_a_line_that_has_no_other(changes: dict[str, Any], reason: str) -> None:
    result = load(line(**changes), line())
    assert result.counts == {"read": 2, "loaded": 1, "quarantined": 1, "filtered": 0}
    assert result.reasons == [("0", reason)]
    assert json.loads(result.quarantined[0]["raw_bytes"]) == line(**changes)


@pytest.mark.parametrize(("changes", "reason"), UNUSABLE)
def test_an_unusable_attribute_is_a_part_of_a_line_that_loads_otherwise(changes: dict[str, Any], reason: str) -> None:
    result = load(line(**changes) | label("other", 1))
    assert result.counts == LOADED
    assert [row["label_attribute_name"] for row in result.entries] == ["other"]
    assert result.reasons == [("0/pet", reason)]
    bad = line(**changes)
    assert json.loads(result.quarantined[0]["raw_bytes"]) == {key: bad[key] for key in ("pet", "pet-metadata")}
    assert result.quarantined[0]["is_encrypted"] is False


@pytest.mark.parametrize(("key", "column"), [("source-ref", "source_ref"), ("source", "source_text")])
def test_an_origin_that_is_no_text_is_a_part_and_the_labels_load(key: str, column: str) -> None:
    result = load(line() | {key: {"s3": 1}})
    assert result.counts == LOADED
    assert result.entries[0][column] is None
    assert result.reasons == [(f"0/{key}", f"{key} is an object, not text")]
    assert json.loads(result.quarantined[0]["raw_bytes"]) == {key: {"s3": 1}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[]", "the line is a list, not an object"),
        ("5", "the line is a number, not an object"),
        ('"x"', "the line is text, not an object"),
        ("null", "the line is null, not an object"),
        ("{'pet': 1}", "the text is not JSON"),
        ('{"pet": ', "the JSON ends too early"),
        ("{} {}", "something follows after the end of the JSON"),
        ('{"pet": 1,}', "the JSON has a comma too many"),
    ],
)
def test_a_line_that_is_no_json_object_is_quarantined_alone(text: str, reason: str) -> None:
    result = load(line(), text, line())
    assert result.counts == {"read": 3, "loaded": 2, "quarantined": 1, "filtered": 0}
    assert result.reasons == [("1", reason)]
    assert IDENTITIES.decrypt(result.quarantined[0]["raw_bytes"]) == text.strip().encode()
    assert [row["dataset_object_id"] for row in result.entries] == ["0", "2"]


def test_lines_come_in_chunks() -> None:
    result = load(*[line()] * 20_001)
    assert (result.chunks, result.counts["loaded"]) == (3, 20_001)
    assert result.entries[-1]["position"] == "20000/pet"


def test_the_real_job_loads_whole(real_data: Path) -> None:
    entries, answers, counts = [], [], {"read": 0, "loaded": 0}
    for unit in SOURCE.list_units(str(real_data / "labeling-output"), {}.__getitem__, Window()):
        result = parse(SOURCE.read_unit(unit, {}.__getitem__), unit.uri)
        entries += result.entries
        answers += result.answers
        counts = {name: counts[name] + result.counts[name] for name in counts}
        assert result.quarantined == []
    lines_answers_frames = 302 + 1510 + 300
    assert counts == {"read": lines_answers_frames, "loaded": lines_answers_frames}
    assert len({row["dataset_object_id"] for row in entries}) == len(entries) == 302
    assert len(answers) == 1510
    assert len({row["worker_id"] for row in answers}) == 97
    assert {row["workforce_type"] for row in answers} == {"public"}
    assert {row["iteration_number"] for row in answers} == {1, 2}
    assert all(row["submitted_at"] == row["event_at"] for row in answers)
    for name in ("accepted_at", "time_spent_seconds", "worker_pseudonym", "identity_provider"):
        assert {row[name] for row in answers} == {None}, name
    own = {row["dataset_object_id"]: row["label"] for row in entries}
    agreeing = sum(own[row["dataset_object_id"]] == row["label"] for row in answers)
    assert agreeing / len(answers) > 0.8, "answers and labels are of the same objects"


@pytest.mark.parametrize(
    ("name", "count", "types", "adjusted"),
    [
        ("bounding-box-adjustment", 50, {"groundtruth/object-detection"}, 20),
        ("classification-two-kinds", 2, {"groundtruth/image-classification", "groundtruth/text-classification"}, 0),
        ("output", 1, {"groundtruth/semantic-segmentation"}, 0),
    ],
)
def test_other_real_manifests_load_whole(
    real_data: Path, name: str, count: int, types: set[str], adjusted: int
) -> None:
    result = parse((real_data / "manifests" / f"{name}.manifest").read_bytes(), MANIFEST)
    assert result.counts == {"read": count, "loaded": count, "quarantined": 0, "filtered": 0}
    assert len(result.entries) == count
    assert {row["task_type"] for row in result.entries} == types
    assert sum(bool(row["is_adjusted"]) for row in result.entries) == adjusted
    assert all(row["label_json"] and row["labeled_at"] for row in result.entries)
    assert {row["confidence_ratio"] for row in result.entries} <= {None, 0.8}
