"""The page Annotations on the marts that dbt makes, not on the fake ones: boxes of a video, their audit, a verdict."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from build_files import Dbt, Delivery
from labelhouse.reports import all_reports
from web.fake_lake import point_to_build
from web.html_page import live_nodes, page

MADE_AT = datetime(2026, 9, 7, 9, 0, tzinfo=UTC)
TRACKING, VERIFICATION = "groundtruth/video-object-tracking", "groundtruth/label-verification"
SOURCE = "s3://bucket/street/0000.json"
FRAMES = 5


def sequence(delivery: Delivery, job: str, made_at: datetime, **attributes: str) -> None:
    """A sequence of that job: two boxes in every frame but the last, which is empty."""
    unit = f"s3://bucket/{job}/annotations/consolidated-annotation/output/0/SeqLabel.json"
    plain: dict[str, Any] = {
        "unit_uri": unit,
        "unit_version": "v1",
        "loaded_at": made_at,
        "event_at": made_at,
        "labeling_job_name": job,
        "dataset_object_id": "0",
        "is_consolidated": True,
    }
    for number in range(FRAMES):
        count = 0 if number == FRAMES - 1 else 2
        quality = {"quality": "blurry" if number == 1 else "clear"}
        frame = {"frame_number": number, "frame_name": f"{number}.jpg", "annotation_count": count}
        delivery.rows["frames"].append(plain | frame | {"position": str(number), "attributes": quality})
        for place in range(count):
            box = {"left_px": 10.0 * place, "top_px": 5.0, "width_px": 8.0, "height_px": 4.0}
            moving = {"moving": "1" if place else "0"}
            row = {"position": f"{number}/{place}", "geometry_type": "box", "class_id": str(place)}
            row |= {"frame_number": number, "object_name": f"car:{place}", "attributes": moving | attributes}
            delivery.rows["annotations"].append(plain | row | box)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A release of one sequence that `street` labelled, `street-audit` adjusted and `street-verify` verified."""
    folder = tmp_path_factory.mktemp("marts")
    delivery = Delivery()
    first, audit, verify = "street", "street-audit", "street-verify"
    names: dict[str, Any] = {"source_ref": SOURCE, "class_map": {"0": "Car", "1": "Bus"}, "is_human_annotated": True}
    labeled: dict[str, Any] = names | {"task_type": TRACKING, "label_attribute_name": first, "labeled_at": MADE_AT}
    audited_at, verified_at = MADE_AT + timedelta(days=1), MADE_AT + timedelta(days=2)
    adjusted = labeled | {"label_attribute_name": audit, "labeled_at": audited_at, "is_adjusted": True}
    verified = {"source_ref": SOURCE, "task_type": VERIFICATION, "label_attribute_name": verify}
    for manifest_job in (first, audit, verify):
        delivery.entry(first, "0", None, manifest_job=manifest_job, **labeled)
        if manifest_job != first:
            delivery.entry(audit, "0", None, manifest_job=manifest_job, **adjusted)
    delivery.entry(verify, "0", "good", labeled_at=verified_at, **verified)
    sequence(delivery, first, MADE_AT)
    sequence(delivery, audit, audited_at, audit="correct")
    delivery.rows["annotations"].append(
        {
            "unit_uri": f"s3://bucket/{verify}/manifests/output/output.manifest",
            "unit_version": "v1",
            "position": f"0/{verify}/0",
            "loaded_at": verified_at,
            "event_at": verified_at,
            "labeling_job_name": verify,
            "dataset_object_id": "0",
            "label_attribute_name": verify,
            "is_consolidated": True,
            "geometry_type": "class",
            "category": "good",
        }
    )
    answered_at = MADE_AT - timedelta(hours=1)
    worker = {"worker_id": "cd449a289e129409", "worker_pseudonym": f"p_{'a' * 32}"}
    delivery.answer(first, "0", None, answered_at, **worker, submitted_at=answered_at, workforce_type="private")
    build = Dbt(folder).build(
        delivery.write(folder / "build.duckdb"),
        "--select",
        "+path:models/marts/workers",
        "+path:models/marts/annotations",
    )
    point_to_build(folder / "lake", build)
    return folder / "lake"


@pytest.fixture
def client(reader_of: Callable[[Path], TestClient], lake: Path) -> TestClient:
    return reader_of(lake)


def exported(client: TestClient, where: str) -> list[dict[str, str]]:
    answer = client.get(where)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_every_tile_fits_the_marts(client: TestClient) -> None:
    shown = page(client, "/annotations")
    assert live_nodes(shown) == []
    for report in all_reports().values():
        if report.page == "annotations":
            chosen = "?attribute=moving: 1" if report.needs else ""
            assert exported(client, f"/annotations/{report.name}.csv{chosen}"), report.name


def test_a_box_and_its_audited_copy_count_once(client: TestClient) -> None:
    rows = exported(client, "/annotations/labels_by_category.csv")
    assert {row["category"]: row["label_count"] for row in rows} == {"Car": "4", "Bus": "4"}
    figures = exported(client, "/annotations/annotation_totals.csv")[0]
    assert (figures["frame_count"], figures["shown_empty_frame_count"]) == ("5", "1")
    assert (figures["dataset_object_count"], figures["reviewed_object_count"]) == ("1", "1")
    results = exported(client, "/annotations/audit_results.csv")
    assert {(row["category"], row["result"], row["label_count"]) for row in results} == {
        ("Car", "good", "4"),
        ("Bus", "good", "4"),
    }


def test_every_filter_of_the_form_has_its_choices(client: TestClient) -> None:
    options = {str(each["value"]) for each in page(client, "/annotations").all("option")}
    assert {"street", "street-audit", TRACKING, "Car", "moving: 1", "audit: correct", "quality: blurry"} <= options
    blurry = exported(client, "/annotations/annotation_totals.csv?attribute=quality: blurry")[0]
    assert (blurry["label_count"], blurry["frame_count"]) == ("2", "1")


def test_an_object_tells_its_life(client: TestClient) -> None:
    for job in ("street", "street-audit", "street-verify"):
        life = exported(client, f"/annotations/object/life.csv?job={job}&object=0")
        assert [(row["step"], row["labeling_job_name"]) for row in life] == [
            ("labelled", "street"),
            ("adjusted", "street-audit"),
            ("verified", "street-verify"),
        ]
    shown = page(client, "/annotations/object?job=street-audit&object=0")
    assert len([each for each in shown.all("rect") if "class" not in each]) == 2
    frames = exported(client, "/annotations/object/frames.csv?job=street-audit&object=0")
    assert [row["annotation_count"] for row in frames] == ["2", "2", "2", "2", "0"]
    answers = exported(client, "/annotations/object/answers.csv?job=street&object=0")
    assert [row["worker_id"] for row in answers] == ["cd449a289e129409"]
