"""The marts of labels, row by row: a chain of jobs over the same videos, an audit that renamed what it took over, a
failed object, an empty frame, a mask, a label file that came before its manifest, and what workers drew.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from math import pi
from pathlib import Path

import pytest

from build_files import Dbt, Delivery, read_rows

TRACKING = "groundtruth/video-object-tracking"
VERIFICATION = "groundtruth/label-verification"
RULES = {"job_name_rules": '[{"pattern": "-audit$", "batch": null, "level": "audit"}]'}


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 3, day, hour, tzinfo=UTC)


def everything() -> Delivery:
    """The job `cars` labelled two videos and failed on a third; `cars-audit` audited the first, `check` verified it."""
    delivery = Delivery()
    named = {"task_type": TRACKING, "class_map": [("0", "car "), ("1", "bus")]}
    first = {**named, "labeled_at": at(2), "label_attribute_name": "cars-ref"}
    delivery.entry("cars", "0", None, manifest_job="Cars", source_ref="s3://v/0", label_ref="s3://o/0", **first)
    delivery.entry("cars", "1", None, manifest_job="Cars", source_ref="s3://v/1", label_ref="s3://o/1", **first)
    delivery.entry("cars", "2", None, manifest_job="Cars", source_ref="s3://v/2", is_failed=True, **first)
    chained = {**first, "label_attribute_name": "renamed-ref"}
    audited = {**named, "labeled_at": at(5), "label_attribute_name": "audited-ref"}
    for manifest_job in ("cars-audit", "check"):
        delivery.entry("cars", "0", None, manifest_job=manifest_job, source_ref="s3://v/0", **chained)
        delivery.entry("cars-audit", "0", None, manifest_job=manifest_job, source_ref="s3://v/0", **audited)
    verified = {"task_type": VERIFICATION, "labeled_at": at(6), "label_attribute_name": "check"}
    delivery.entry("check", "0", "Bad", source_ref="s3://v/0", **verified)
    delivery.label("check", "0", geometry_type="class", category="Bad", label_attribute_name="check")
    for job in ("Cars", "Cars-Audit"):
        for number, count in enumerate([2, 0, 1]):
            delivery.frame(job, "0", number, count, attributes=[("quality", "good")])
            for box in range(count):
                delivery.label(job, "0", box, frame_number=number, class_id=str(box), object_name=f"car:{box}")
    for object_id in ("1", "2"):
        delivery.frame("Cars", object_id, 0, 1)
        delivery.label("Cars", object_id, frame_number=0, class_id="7")
    delivery.frame("early", "0", 0, 1)
    delivery.label("early", "0", frame_number=0, geometry_type="cuboid", yaw_radians=1.0, event_at=at(9))
    delivery.answer("Cars", "0", None, at(1, 10), worker_id="W1", worker_pseudonym="p_1", submitted_at=at(1, 10))
    answered = {"unit_uri": "s3://bucket/Cars/1/0/2024-03-01_10:00:00.json", "is_consolidated": False}
    for number, category in enumerate(["car ", None]):
        columns = {"position": f"0/{number}", "category": category, "class_id": "1", "event_at": at(1, 10)}
        delivery.label("Cars", "0", number, frame_number=0, **columns, **answered)
    return delivery


@pytest.fixture(scope="module")
def built(dbt_runner: Dbt, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = everything().write(tmp_path_factory.mktemp("labels") / "build.duckdb")
    return dbt_runner.build(path, variables=RULES)


def test_labels_of_each_job_count_once(built: Path) -> None:
    counted = """
        select labeling_job_name, dataset_object_id, is_current, count(*)
        from fct_annotation group by all order by all
    """
    assert read_rows(built, counted) == [
        ("cars", "0", False, 3),
        ("cars", "1", True, 1),
        ("cars-audit", "0", True, 3),
        ("check", "0", True, 1),
        ("early", "0", True, 1),
    ]


def test_labels_are_named_and_dated_by_their_line(built: Path) -> None:
    shown = """
        select distinct labeling_job_name, label_attribute_name, source_ref, category, labeled_at, labeled_date
        from fct_annotation
        where dataset_object_id = '0' and geometry_type = 'box' and class_id = '0'
        order by all
    """
    assert read_rows(built, shown) == [
        ("cars", "cars-ref", "s3://v/0", "car ", at(2), date(2024, 3, 2)),
        ("cars-audit", "audited-ref", "s3://v/0", "car ", at(5), date(2024, 3, 5)),
    ]
    dated = """
        select labeling_job_name, labeled_date from fct_dataset_object
        where dataset_object_id = '0' and labeling_job_name like 'cars%' order by all
    """
    assert read_rows(built, dated) == [("cars", date(2024, 3, 2)), ("cars-audit", date(2024, 3, 5))]
    unnamed = "select category from fct_annotation where labeling_job_name = 'cars' and dataset_object_id = '1'"
    assert read_rows(built, unnamed) == [(None,)]


def test_every_frame_is_there_but_those_of_failed_objects(built: Path) -> None:
    shown = """
        select labeling_job_name, dataset_object_id, frame_number, annotation_count, is_current, attributes['quality']
        from fct_frame order by all
    """
    assert read_rows(built, shown) == [
        ("cars", "0", 0, 2, False, "good"),
        ("cars", "0", 1, 0, False, "good"),
        ("cars", "0", 2, 1, False, "good"),
        ("cars", "1", 0, 1, True, None),
        ("cars-audit", "0", 0, 2, True, "good"),
        ("cars-audit", "0", 1, 0, True, "good"),
        ("cars-audit", "0", 2, 1, True, "good"),
        ("early", "0", 0, 1, True, None),
    ]


def test_objects_tell_their_whole_life(built: Path) -> None:
    shown = """
        select labeling_job_name, dataset_object_id, labeled_by_job_name, adjusted_by_job_name, verified_by_job_name,
            verification_result, is_current, is_failed, annotation_count, frame_count
        from fct_dataset_object order by all
    """
    assert read_rows(built, shown) == [
        ("cars", "0", "cars", "cars-audit", None, None, False, False, 3, 3),
        ("cars", "1", "cars", None, None, None, True, False, 1, 1),
        ("cars", "2", "cars", None, None, None, True, True, 0, 0),
        ("cars-audit", "0", "cars", "cars-audit", "check", "bad", True, False, 3, 3),
        ("check", "0", "cars", "cars-audit", "check", "bad", True, False, 1, 0),
        ("early", "0", None, None, None, None, True, False, 1, 1),
    ]


def test_a_label_may_come_before_its_manifest(built: Path) -> None:
    shown = """
        select task_type, label_attribute_name, labeled_at, yaw_radians
        from fct_annotation where geometry_type = 'cuboid'
    """
    assert read_rows(built, shown) == [(None, None, at(9), 1.0)]
    assert read_rows(built, "select labeling_job_name from dim_labeling_job order by all")[-1] == ("early",)


def test_what_workers_drew_stands_beside_it(built: Path) -> None:
    shown = """
        select labels.labeling_job_name, labels.worker_id, labels.category, labels.event_date,
            answers.response_id is not null
        from fct_worker_annotation as labels left join fct_worker_response as answers using (response_id)
        order by all
    """
    assert read_rows(built, shown) == [
        ("cars", "W1", "bus", date(2024, 3, 1), True),
        ("cars", "W1", "car ", date(2024, 3, 1), True),
    ]


def test_yaw_of_older_labels_is_turned(dbt_runner: Dbt, tmp_path: Path) -> None:
    delivery = Delivery()
    for number, labeled_at in enumerate(
        [datetime(2022, 9, 2, 19, 2, 16, tzinfo=UTC), datetime(2022, 9, 3, tzinfo=UTC)]
    ):
        delivery.entry("clouds", str(number), None, labeled_at=labeled_at)
        delivery.label("clouds", str(number), frame_number=0, geometry_type="cuboid", yaw_radians=1.0)
    built = dbt_runner.build(delivery.write(tmp_path / "build.duckdb"), variables=RULES)
    assert read_rows(built, "select yaw_radians from fct_annotation order by dataset_object_id") == [(pi - 1,), (1.0,)]
