"""What the reports of Annotations count, against the same counts in Python."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from labelhouse.marts.read import query
from labelhouse.marts.releases import Release
from labelhouse.reports import all_reports
from labelhouse.reports.pages import ANNOTATIONS, task_type_name
from web.fake_annotations import BOXES, TRACKING, VERIFICATION, Labels, sample_labels
from web.fake_lake import publish

Rows = list[dict[str, Any]]
Label = dict[str, Any]

SAMPLE = sample_labels()


def rows_of(release: Release, name: str, **filters: Any) -> Rows:
    report = all_reports()[name]
    return query(release, report.sql, {each: filters.get(each) for each in report.parameters}).to_pylist()


def note_of(release: Release, name: str, **filters: Any) -> str | None:
    return all_reports()[name].note(rows_of(release, name, **filters))


def drawn(release: Release, name: str, **filters: Any) -> dict[str, Any]:
    draw = all_reports()[name].draw
    assert draw
    return draw(rows_of(release, name, **filters))


def choices(release: Release, name: str) -> list[str]:
    sql = next(each.choices for each in ANNOTATIONS.filters if each.name == name)
    assert sql
    found: list[str] = query(release, sql).column(0).to_pylist()
    return found


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return publish(tmp_path_factory.mktemp("labels") / "lake", [], labels=SAMPLE)


def pairs(row: Label) -> set[str]:
    return {f"{name}: {value}" for name, value in (row.get("attributes") or {}).items()}


def place(row: Label) -> tuple[Any, ...]:
    return (row["labeling_job_name"], row["dataset_object_id"], row.get("frame_number"), row.get("sensor_name"))


def counts(row: Label, filters: dict[str, Any]) -> bool:
    """The rule once more, in Python: what counts, of these days, this job and this task type."""
    if not row["is_current"] and "job" not in filters:
        return False
    if row["task_type"] == VERIFICATION and not {"job", "task_type", "category"} & set(filters):
        return False
    day = row["labeled_at"].date()
    return (
        filters.get("from_date", day) <= day <= filters.get("until_date", day)
        and row["labeling_job_name"] == filters.get("job", row["labeling_job_name"])
        and row["task_type"] == filters.get("task_type", row["task_type"])
    )


def chosen_labels(filters: dict[str, Any]) -> Rows:
    attribute = filters.get("attribute")
    framed = {place(row) for row in SAMPLE.frames if attribute in pairs(row)}
    return [
        row
        for row in SAMPLE.annotations
        if counts(row, filters)
        and filters.get("category", row["category"] or "(not named)") == (row["category"] or "(not named)")
        and (attribute is None or attribute in pairs(row) or place(row) in framed)
    ]


def chosen_frames(filters: dict[str, Any]) -> Rows:
    attribute, jobs = filters.get("attribute"), {row["labeling_job_name"] for row in chosen_labels(filters)}
    is_of_frames = any(attribute in pairs(row) for row in SAMPLE.frames)
    needs_labels = "category" in filters or (attribute is not None and not is_of_frames)
    return [
        row
        for row in SAMPLE.frames
        if counts(row, filters)
        and (not is_of_frames or attribute in pairs(row))
        and (not needs_labels or row["labeling_job_name"] in jobs)
    ]


def selections() -> list[dict[str, Any]]:
    """None of the filters, each of them, and many of them together."""
    chance = random.Random(3)
    found: list[dict[str, Any]] = [{}]
    for number in range(40):
        some = chance.choice(SAMPLE.annotations)
        attributes = [*pairs(some)] or ["quality_of_the_frame: blurry"]
        everything = {
            "from_date": some["labeled_date"] - timedelta(days=chance.randrange(4)),
            "until_date": some["labeled_date"] + timedelta(days=chance.randrange(4)),
            "job": some["labeling_job_name"],
            "task_type": some["task_type"],
            "category": some["category"] or "(not named)",
            "attribute": chance.choice([*attributes, "quality_of_the_frame: blurry"]),
        }
        names = [list(everything)[number % 6]] if number < 12 else chance.sample(list(everything), chance.randint(2, 5))
        found.append({name: everything[name] for name in names})
    return found


def test_every_selection_gives_the_same_counts_as_python(release: Release) -> None:
    empty = 0
    for filters in selections():
        labels, frames = chosen_labels(filters), chosen_frames(filters)
        empty += not labels
        figures = rows_of(release, "annotation_totals", **filters)[0]
        assert figures["label_count"] == len(labels), filters
        assert figures["frame_count"] == (len(frames) or None), filters
        categories = Counter(row["category"] or "(not named)" for row in labels)
        found = {row["category"]: row["label_count"] for row in rows_of(release, "labels_by_category", **filters)}
        assert found == categories
        for name in ("labels_per_day", "dataset_objects"):
            assert sum(row["label_count"] for row in rows_of(release, name, **filters)) == len(labels), (name, filters)
        full = {place(row) for row in labels}
        if filters.get("category") or filters.get("attribute"):
            without = sum(place(row) not in full for row in frames)
            assert figures["empty_frame_count"] == without, filters
        per_frame = rows_of(release, "labels_per_frame", **filters)
        assert sum(row["frame_count"] for row in per_frame if row["unit"] == "frame") == len(frames)
        attributes = Counter(pair for row in labels for pair in pairs(row))
        shown = {row["attribute"]: row["row_count"] for row in rows_of(release, "label_attributes", **filters)}
        assert shown == attributes
        attributes = Counter(pair for row in frames for pair in pairs(row))
        shown = {row["attribute"]: row["row_count"] for row in rows_of(release, "frame_attributes", **filters)}
        assert shown == attributes
    assert empty < 12, "most selections have something to count"


def test_a_box_of_a_label_job_and_its_audit_job_counts_once(release: Release) -> None:
    first = [row for row in SAMPLE.annotations if row["labeling_job_name"] == "street-video"]
    audit = [row for row in SAMPLE.annotations if row["labeling_job_name"] == "street-video-audit"]
    left = [row for row in first if row["dataset_object_id"] == "3"]
    figures = rows_of(release, "annotation_totals", task_type=TRACKING)[0]
    assert figures["label_count"] == len(audit) + len(left) == len(first)
    assert figures["frame_count"] == 160
    assert figures["dataset_object_count"] == 4
    assert rows_of(release, "annotation_totals", job="street-video")[0]["label_count"] == len(first)
    assert rows_of(release, "annotation_totals", job="street-video-audit")[0]["label_count"] == len(audit)


def test_no_empty_frame_and_no_empty_image_is_dropped(release: Release) -> None:
    rows = rows_of(release, "labels_per_frame")
    empty = {row["unit"]: row["frame_count"] for row in rows if row["label_counts"] == "0"}
    images = [row for row in SAMPLE.objects if row["task_type"] == BOXES and row["is_current"]]
    assert empty == {"frame": 20, "image": sum(row["annotation_count"] == 0 for row in images)}
    assert sum(row["frame_count"] for row in rows if row["unit"] == "image") == len(images)
    assert note_of(release, "labels_per_frame") == f"Without a label: {sum(empty.values())} of {178 + len(images)}."


def test_a_category_leaves_the_frames_without_it_in_the_histogram(release: Release) -> None:
    rows = rows_of(release, "labels_per_frame", category="Pedestrian", job="street-video")
    holding = {
        place(row)
        for row in SAMPLE.annotations
        if row["category"] == "Pedestrian" and row["labeling_job_name"] == "street-video"
    }
    assert {row["label_counts"]: row["frame_count"] for row in rows} == {"0": 160 - len(holding), "1": len(holding)}


def one_job(counts: list[int]) -> Labels:
    """Frames of one sequence that hold so many labels."""
    at = datetime(2026, 9, 1, 12, 0, tzinfo=UTC)
    same = {"labeling_job_name": "j", "dataset_object_id": "0", "task_type": TRACKING, "label_attribute_name": "j",
            "is_current": True, "labeled_at": at}  # fmt: skip
    frames = [
        same | {"frame_number": number, "annotation_count": count, "labeled_date": at.date()}
        for number, count in enumerate(counts)
    ]
    return Labels(objects=[same | {"is_failed": False, "frame_count": len(counts)}], frames=frames)


@pytest.mark.parametrize(
    ("counts", "bins"),
    [
        ([0], {"0": 1}),
        ([1, 1, 3], {"0": 0, "1": 2, "2": 0, "3": 1}),
        ([0, 5], {"0": 1, "1": 0, "2": 0, "3": 0, "4": 0, "5": 1}),
    ],
)
def test_bins_without_a_frame_are_seen(tmp_path: Path, counts: list[int], bins: dict[str, int]) -> None:
    rows = rows_of(publish(tmp_path, [], labels=one_job(counts)), "labels_per_frame")
    assert {row["label_counts"]: row["frame_count"] for row in rows} == bins


def test_few_very_full_frames_do_not_squeeze_the_others(tmp_path: Path) -> None:
    chance = random.Random(1)
    counts = [chance.randrange(100) for _ in range(2000)] + [50_000]
    rows = rows_of(publish(tmp_path, [], labels=one_job(counts)), "labels_per_frame")
    assert 20 < len(rows) <= 26
    assert sum(row["frame_count"] for row in rows) == 2001
    assert (rows[-1]["label_counts"], rows[-1]["frame_count"]) == ("121+", 1)
    assert rows[1]["label_counts"] == "1–5"
    assert rows[1]["frame_count"] == sum(1 <= each <= 5 for each in counts)


def test_the_result_of_an_audit_is_said_of_every_label(release: Release) -> None:
    found: Counter[tuple[str, str]] = Counter()
    objects = {(row["labeling_job_name"], row["dataset_object_id"]): row for row in SAMPLE.objects}
    for row in chosen_labels({}):
        whose = objects[row["labeling_job_name"], row["dataset_object_id"]]
        adjusted = {True: "adjusted", False: "unadjusted", None: "not audited"}[row["is_adjusted"]]
        found[row["category"] or "(not named)", whose.get("verification_result") or adjusted] += 1
    audited = {category for category, result in found if result != "not audited"}
    expected = {key: count for key, count in found.items() if key[0] in audited}
    rows = rows_of(release, "audit_results")
    assert {(row["category"], row["result"]): row["label_count"] for row in rows} == expected
    assert {row["result"] for row in rows} == {"good", "bad", "adjusted", "unadjusted", "not audited"}


def test_reviewed_objects_count_in_the_job_that_reviewed_them(release: Release) -> None:
    rows = rows_of(release, "reviewed_objects")
    assert {(row["labeling_job_name"], row["level"], row["result"]): row["dataset_object_count"] for row in rows} == {
        ("crossing-adjust", "second", "adjusted"): 20,
        ("crossing-adjust", "second", "unadjusted"): 30,
        ("crossing-verify", None, "good"): 10,
        ("crossing-verify", None, "bad"): 40,
        ("street-video-audit", "audit", "adjusted"): 1,
        ("street-video-audit", "audit", "unadjusted"): 2,
    }


def test_figures_say_what_was_audited_and_what_a_model_labelled(release: Release) -> None:
    figures = rows_of(release, "annotation_totals")[0]
    assert figures["reviewed_object_count"] == 53
    assert (figures["adjusted_object_count"], figures["verified_object_count"]) == (21, 50)
    assert (figures["good_object_count"], figures["verdict_count"]) == (10, 50)
    current = [row for row in SAMPLE.objects if counts(row, {}) and not row["is_failed"]]
    assert figures["dataset_object_count"] == len(current)
    machine = sum(not row["is_human_annotated"] for row in current)
    assert (figures["machine_object_count"], figures["known_object_count"]) == (machine, len(current))
    by_job = rows_of(release, "human_and_model")
    assert sum(row["dataset_object_count"] for row in by_job if row["labeled_by"] == "a model") == machine
    assert figures["failed_object_count"] == 5


def test_jobs_are_compared_each_with_all_it_holds(release: Release) -> None:
    quality = {row["labeling_job_name"]: row for row in rows_of(release, "label_quality")}
    assert set(quality) == {row["labeling_job_name"] for row in SAMPLE.jobs}
    first = quality["crossing"]
    assert (first["dataset_object_count"], first["corrected_object_ratio"]) == (120, pytest.approx(0.4))
    assert first["label_count"] == sum(row["labeling_job_name"] == "crossing" for row in SAMPLE.annotations)
    known = [row["confidence_ratio"] for row in SAMPLE.annotations if row["labeling_job_name"] == "crossing"]
    assert first["mean_confidence_ratio"] == pytest.approx(sum(known) / len(known))
    assert quality["crossing-adjust"]["adjusted_object_ratio"] == pytest.approx(0.4)
    assert quality["crossing-adjust"]["good_object_ratio"] == pytest.approx(0.2)
    assert quality["scenes"]["failed_object_count"] == 5
    frames = {row["labeling_job_name"]: row for row in rows_of(release, "frame_quality")}
    assert frames["street-video"]["qualities"] == "quality_of_the_frame: clear (136, 85\u00a0%), blurry (24, 15\u00a0%)"
    assert (frames["street-video"]["frame_count"], frames["street-video-audit"]["frame_count"]) == (160, 120)


def test_shares_of_an_attribute_fill_its_line(release: Release) -> None:
    for name, column, filters in (
        ("label_attributes", "attribute_name", {}),
        ("frame_attributes", "attribute_name", {}),
        ("attribute_by_category", "category", {"attribute": "audit: incorrect"}),
    ):
        rows = rows_of(release, name, **filters)
        for line in {row[column] for row in rows}:
            parts = [row for row in rows if row[column] == line]
            assert parts[0]["from_ratio"] == pytest.approx(0)
            assert parts[-1]["until_ratio"] == pytest.approx(1)
            for before, after in pairwise(parts):
                assert after["from_ratio"] == pytest.approx(before["until_ratio"])
    audit = rows_of(release, "attribute_by_category", attribute="audit: incorrect")
    assert {row["value"] for row in audit} == {"correct", "incorrect"}, "the others too: of the audit of each category"


def with_attributes(attributes: Callable[[int], dict[str, str]], count: int) -> Labels:
    template = next(row for row in SAMPLE.annotations if row["labeling_job_name"] == "street-video-audit")
    rows = [template | {"annotation_id": str(n), "attributes": attributes(n)} for n in range(count)]
    return Labels(objects=[row for row in SAMPLE.objects if row["labeling_job_name"] == "scenes"][:1], annotations=rows)


def test_free_text_is_no_filter_and_many_values_are_together(tmp_path: Path) -> None:
    labels = with_attributes(lambda n: {"note": f"text {n}", "lane": str(n % 50), "a: b": "c: d", "none": ""}, 120)
    release = publish(tmp_path, [], labels=labels)
    found = choices(release, "attribute")
    assert sorted(found) == sorted(["a: b: c: d", "none: ", *(f"lane: {number}" for number in range(50))])
    rows = rows_of(release, "label_attributes")
    assert {row["attribute_name"] for row in rows} == {"lane", "a: b", "none"}
    assert [row["value"] for row in rows if row["attribute_name"] == "lane"][-1] == "44 others"
    assert [row["attribute"] for row in rows if row["attribute_name"] == "lane"][-1] is None, "a click chooses one only"
    assert note_of(release, "label_attributes") == "Left out: 1 attribute has more than 50 values."
    assert rows_of(release, "annotation_totals", attribute="a: b: c: d")[0]["label_count"] == 120
    assert rows_of(release, "annotation_totals", attribute="lane: 7")[0]["label_count"] == 3
    assert rows_of(release, "annotation_totals", attribute="none: ")[0]["label_count"] == 120


def test_verdicts_are_no_labels_unless_they_are_asked_for(release: Release) -> None:
    assert {"good", "bad"}.isdisjoint(row["category"] for row in rows_of(release, "labels_by_category"))
    bad = rows_of(release, "dataset_objects", category="bad")
    assert {row["labeling_job_name"] for row in bad} == {"crossing-verify"}
    assert len(bad) == 40
    assert len(rows_of(release, "dataset_objects", task_type=VERIFICATION)) == 50


def test_objects_are_sorted_before_they_are_cut(tmp_path: Path) -> None:
    template = next(row for row in SAMPLE.objects if row["labeling_job_name"] == "scenes")
    objects = [
        template
        | {
            "dataset_object_id": str(number),
            "confidence_ratio": number / 5000,
            "labeled_at": template["labeled_at"] - timedelta(minutes=number),
        }
        for number in range(1500)
    ]
    release = publish(tmp_path, [], labels=Labels(objects=objects))
    newest = rows_of(release, "dataset_objects")
    assert [row["dataset_object_id"] for row in newest[:2]] == ["0", "1"]
    most = rows_of(release, "dataset_objects", sort="-confidence_ratio")
    assert [row["dataset_object_id"] for row in most[:2]] == ["1499", "1498"]
    assert len(most) == 1000
    said = "1,000 of 1,500 objects: the first in the chosen order, else the newest."
    assert note_of(release, "dataset_objects") == said
    assert rows_of(release, "dataset_objects", sort="'; drop table x; --") == newest


def test_a_year_of_days_is_drawn_by_category_or_by_job(release: Release, tmp_path: Path) -> None:
    days = [date(2025, 1, 1), date(2026, 5, 1), date(2026, 5, 2)]
    template = next(row for row in SAMPLE.annotations if row["category"] == "Car")
    at = datetime(2026, 5, 1, tzinfo=UTC)
    rows = [template | {"labeled_date": day, "labeled_at": at, "is_current": True} for day in days]
    found = rows_of(old := publish(tmp_path, [], labels=Labels(annotations=rows)), "labels_per_day")
    assert [row["event_date"] for row in found] == days[1:]
    assert note_of(old, "labels_per_day") == "The last 366 days; the first label is of 2025-01-01."
    assert {row["series"] for row in rows_of(release, "labels_per_day", category="Vehicle")} == {
        "street-video",
        "street-video-audit",
    }
    spec = drawn(release, "labels_per_day")
    assert len(spec["encoding"]["color"]["scale"]["domain"]) == 8
    assert {row["category"] for row in spec["datasets"]["rows"] if row["series"] == "(others)"} == {None}


@pytest.mark.parametrize(
    ("task_type", "words"),
    [
        ("groundtruth/video-object-tracking", "video object tracking"),
        ("groundTruth/custom", "custom"),
        ("not captured", "not captured"),
        ("our/own-type", "our/own-type"),
    ],
)
def test_task_types_as_people_read_them(task_type: str, words: str) -> None:
    assert task_type_name(task_type) == words
