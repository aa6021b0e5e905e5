"""Labels for the fake lake: the marts of annotations, frames and dataset objects, with the columns of the models."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb

from web.fake_training import insert_rows

Rows = list[dict[str, Any]]

BEGAN_AT = datetime(2026, 8, 24, 8, 0, tzinfo=UTC)
TRACKING = "groundtruth/video-object-tracking"
BOXES = "groundtruth/object-detection"
VERIFICATION = "groundtruth/label-verification"

_BOX = "left_px double, top_px double, width_px double, height_px double, points double[]"
_CUBOID = """
    center_x double, center_y double, center_z double, cuboid_length double, cuboid_width double,
    cuboid_height double, roll_radians double, pitch_radians double, yaw_radians double
"""
_TABLES = f"""
    create table fct_annotation (
        annotation_id varchar, labeling_job_name varchar, label_attribute_name varchar, task_type varchar,
        dataset_object_id varchar, source_ref varchar, frame_number integer, sensor_name varchar,
        geometry_type varchar, class_id varchar, category varchar, object_id varchar, object_name varchar, {_BOX},
        {_CUBOID},
        start_offset bigint, end_offset bigint, mask_ref varchar, mask_color varchar, area_count bigint,
        area_ratio double, attributes map(varchar, varchar), confidence_ratio double, is_human_annotated boolean,
        is_adjusted boolean, is_current boolean, labeled_at timestamptz, labeled_date date
    );
    create table fct_frame (
        frame_id varchar, labeling_job_name varchar, label_attribute_name varchar, task_type varchar,
        dataset_object_id varchar, source_ref varchar, frame_number integer, sensor_name varchar, frame_name varchar,
        attributes map(varchar, varchar), annotation_count bigint, is_current boolean, labeled_at timestamptz,
        labeled_date date
    );
    create table fct_worker_annotation (
        annotation_id varchar, response_id varchar, labeling_job_name varchar, dataset_object_id varchar,
        source_ref varchar, worker_id varchar, worker_pseudonym varchar, iteration_number integer,
        frame_number integer, sensor_name varchar, geometry_type varchar, category varchar, object_id varchar,
        object_name varchar, {_BOX}, start_offset bigint, end_offset bigint, attributes map(varchar, varchar),
        submitted_at timestamptz, event_at timestamptz, event_date date
    );
    create table more_objects (
        label_attribute_name varchar, task_type varchar, own_label varchar, confidence_ratio double,
        is_human_annotated boolean, is_adjusted boolean, failure_reason varchar, labeled_at timestamptz,
        labeled_date date, agreeing_answer_count bigint, labeled_by_job_name varchar, adjusted_by_job_name varchar,
        adjusted_at timestamptz, verified_by_job_name varchar, verification_result varchar,
        verified_at timestamptz, is_current boolean, annotation_count bigint, frame_count bigint,
        class_map map(varchar, varchar), label_ref varchar
    );
    create or replace table fct_dataset_object as
    select * from fct_dataset_object left join more_objects on false;
    drop table more_objects;
    create table more_jobs (labeling_job_name varchar, task_type varchar, batch_name varchar, level varchar)
"""
#: Jobs and objects that answers made known already, and those that labels did, are the same.
_JOINED = """
    create or replace table dim_labeling_job as
    select * from dim_labeling_job full join more_jobs using (labeling_job_name);
    drop table more_jobs;
    delete from fct_dataset_object where label_attribute_name is null and (labeling_job_name, dataset_object_id) in (
        select (labeling_job_name, dataset_object_id) from fct_dataset_object where label_attribute_name is not null
    )
"""


@dataclass
class Labels:
    """What the marts of labels hold, row by row, and the jobs and the answers that made them."""

    objects: Rows = field(default_factory=list)
    annotations: Rows = field(default_factory=list)
    frames: Rows = field(default_factory=list)
    worker_annotations: Rows = field(default_factory=list)
    responses: Rows = field(default_factory=list)
    jobs: Rows = field(default_factory=list)


def add_labels(connection: duckdb.DuckDBPyConnection, labels: Labels) -> None:
    """Makes the marts of labels beside those of the answers."""
    connection.execute(_TABLES)
    insert_rows(connection, "more_jobs", labels.jobs)
    insert_rows(connection, "fct_dataset_object", labels.objects)
    connection.execute(_JOINED)
    for table, rows in (
        ("fct_annotation", labels.annotations),
        ("fct_frame", labels.frames),
        ("fct_worker_annotation", labels.worker_annotations),
    ):
        insert_rows(connection, table, rows)


class _Maker:
    """Puts labels together: one object of one job after the other."""

    def __init__(self) -> None:
        self.chance = random.Random(11)
        self.labels = Labels()

    def job(self, name: str, task_type: str, level: str | None = None) -> None:
        self.labels.jobs.append(
            {"labeling_job_name": name, "task_type": task_type, "level": level, "batch_name": "batch-7"}
        )

    def object(self, job: str, number: int, task_type: str, **values: Any) -> dict[str, Any]:
        """One dataset object; what its labels repeat is taken from it."""
        at = BEGAN_AT + timedelta(days=len(self.labels.jobs) * 2, minutes=number * 37)
        row = {
            "labeling_job_name": job,
            "dataset_object_id": str(number),
            "source_ref": f"s3://bucket/{job.partition('-')[0]}/{number:04d}",
            "label_attribute_name": job,
            "task_type": task_type,
            "is_failed": False,
            "is_human_annotated": True,
            "is_current": True,
            "labeled_at": at,
            "labeled_date": at.date(),
            "labeled_by_job_name": job,
            "answer_count": 0,
            "agreeing_answer_count": 0,
            "annotation_count": 0,
            "frame_count": 0,
        } | values
        self.labels.objects.append(row)
        return row

    def label(self, whose: dict[str, Any], geometry_type: str, **values: Any) -> dict[str, Any]:
        """One label of that object, as its job made it."""
        repeated = (
            *("labeling_job_name", "dataset_object_id", "source_ref", "label_attribute_name", "task_type"),
            *("is_human_annotated", "is_current", "labeled_at", "labeled_date"),
        )
        row = {name: whose[name] for name in repeated} | {
            "annotation_id": f"a-{len(self.labels.annotations)}",
            "geometry_type": geometry_type,
            "is_adjusted": whose.get("is_adjusted"),
        }
        self.labels.annotations.append(row | values)
        whose["annotation_count"] += 1
        return self.labels.annotations[-1]

    def frame(self, whose: dict[str, Any], number: int, attributes: dict[str, str] | None, count: int) -> None:
        repeated = (
            *("labeling_job_name", "dataset_object_id", "source_ref", "label_attribute_name", "task_type"),
            *("is_current", "labeled_at", "labeled_date"),
        )
        self.labels.frames.append(
            {name: whose[name] for name in repeated}
            | {
                "frame_number": number,
                "frame_name": f"{number:06d}.jpg",
                "attributes": attributes,
                "annotation_count": count,
            }
        )
        whose["frame_count"] += 1

    def box(self) -> dict[str, float]:
        width, height = self.chance.uniform(30, 260), self.chance.uniform(30, 180)
        left, top = self.chance.uniform(0, 1280 - width), self.chance.uniform(0, 720 - height)
        return {"left_px": round(left, 1), "top_px": round(top, 1), "width_px": width, "height_px": height}


VEHICLES = ("sedan", "suv", "bus", "truck")


def sample_labels() -> Labels:
    """A few thousand labels of every kind, the same on every call.

    `street-video` is tracking in 4 sequences of 40 frames, of which `street-video-audit` audited 3; `crossing` draws
    boxes in 120 images, of which `crossing-adjust` went through 50 and adjusted 20, and `crossing-verify` verified
    those; then classes, spans, masks, polygons of a video and cuboids.
    """
    maker = _Maker()
    _add_tracking(maker)
    _add_boxes(maker)
    _add_others(maker)
    return maker.labels


def _add_tracking(maker: _Maker) -> None:
    chance = maker.chance
    maker.job("street-video", TRACKING, "first")
    for number in range(4):
        is_audited = number < 3
        audited = {"adjusted_by_job_name": "street-video-audit"} if is_audited else {}
        whose = maker.object("street-video", number, TRACKING, is_current=not is_audited, **audited)
        tracks = [(f"{number}-{track}", chance.choice(VEHICLES), maker.box()) for track in range(8)]
        for frame in range(40):
            seen = [] if 12 <= frame < 17 else chance.sample(tracks, chance.choice((2, 3, 3, 4, 5, 8)))
            for object_id, vehicle, box in seen:
                category = "Pedestrian" if object_id.endswith("7") else "Vehicle"
                maker.label(
                    whose,
                    "box",
                    frame_number=frame,
                    category=category,
                    object_id=object_id,
                    object_name=f"{category}:{object_id[-1]}",
                    attributes={"moving": chance.choice(("1", "1", "0")), "vehicle_type": vehicle},
                    **box | {"left_px": box["left_px"] + frame},
                )
            quality = {"quality_of_the_frame": "blurry" if frame % 7 == 3 else "clear"}
            maker.frame(whose, frame, quality, len(seen))
    _audit_tracking(maker)


def _audit_tracking(maker: _Maker) -> None:
    """A copy of the first three sequences, with an attribute of what the auditor found."""
    maker.job("street-video-audit", TRACKING, "audit")
    first = list(maker.labels.annotations), list(maker.labels.frames)
    for number in range(3):
        lineage = {"labeled_by_job_name": "street-video", "adjusted_by_job_name": "street-video-audit"}
        whose = maker.object(
            "street-video-audit",
            number,
            TRACKING,
            source_ref=f"s3://bucket/street/{number:04d}",
            is_adjusted=number == 0,
            **lineage,
        )
        whose["adjusted_at"] = whose["labeled_at"]
        names = ("frame_number", "category", "object_id", "object_name", "left_px", "top_px", "width_px", "height_px")
        for row in first[0]:
            if row["dataset_object_id"] == str(number):
                found = "incorrect" if maker.chance.random() < 0.12 else "correct"
                kept = {name: row[name] for name in names}
                maker.label(whose, "box", **kept, attributes=row["attributes"] | {"audit": found})
        for row in first[1]:
            if row["dataset_object_id"] == str(number):
                maker.frame(whose, row["frame_number"], row["attributes"], row["annotation_count"])


def _add_boxes(maker: _Maker) -> None:
    chance = maker.chance
    made: dict[int, list[dict[str, Any]]] = {}
    maker.job("crossing", BOXES, "first")
    for number in range(120):
        is_human = number % 4 != 3
        adjusted = {"adjusted_by_job_name": "crossing-adjust"} if number < 50 else {}
        whose = maker.object(
            "crossing", number, BOXES, is_human_annotated=is_human, is_current=number >= 50, answer_count=2, **adjusted
        )
        # skewed, as in the real world
        for _ in range(min(40, int(chance.expovariate(0.18)))):
            category = chance.choices(("Car", "Bicycle", "Pedestrian", "Sign"), (6, 2, 3, 1))[0]
            confidence = round(chance.uniform(0.6, 0.99), 3) if is_human else 0.71
            row = maker.label(whose, "box", category=category, confidence_ratio=confidence, **maker.box())
            made.setdefault(number, []).append(row)
        for worker in ("p_" + "a" * 32, "p_" + "b" * 32) if number < 3 else ():
            _answer(maker, whose, worker, made.get(number, []))
    maker.job("crossing-adjust", BOXES, "second")
    for number in range(50):
        chain = {"labeled_by_job_name": "crossing", "adjusted_by_job_name": "crossing-adjust"}
        verified = {"verified_by_job_name": "crossing-verify", "verification_result": "bad" if number % 5 else "good"}
        whose = maker.object(
            "crossing-adjust", number, BOXES, is_adjusted=number < 20, source_ref=f"s3://bucket/crossing/{number:04d}",
            **chain, **verified,
        )  # fmt: skip
        whose["adjusted_at"] = whose["labeled_at"]
        for row in made.get(number, []):
            kept = {name: row[name] for name in ("category", "left_px", "top_px", "width_px", "height_px")}
            maker.label(whose, "box", **kept)
    maker.job("crossing-verify", VERIFICATION)
    for number in range(50):
        found = "bad" if number % 5 else "good"
        whose = maker.object(
            "crossing-verify", number, VERIFICATION, source_ref=f"s3://bucket/crossing/{number:04d}",
            labeled_by_job_name="crossing", adjusted_by_job_name="crossing-adjust", consolidated_label=found,
            verified_by_job_name="crossing-verify", verification_result=found,
        )  # fmt: skip
        whose["verified_at"] = whose["labeled_at"]
        maker.label(whose, "class", category=found)


def _answer(maker: _Maker, whose: dict[str, Any], worker: str, boxes: Rows) -> None:
    """One worker's answer to an object: its boxes, moved a little."""
    job, number = whose["labeling_job_name"], whose["dataset_object_id"]
    at = whose["labeled_at"] - timedelta(hours=2)
    response = f"{job}-{number}-{worker[2]}"
    maker.labels.responses.append(
        {
            "response_id": response,
            "labeling_job_name": job,
            "iteration_number": 1,
            "dataset_object_id": number,
            "source_ref": whose["source_ref"],
            "worker_id": worker,
            "worker_pseudonym": worker,
            "workforce_type": "private",
            "label": None,
            "consolidated_label": None,
            "agrees_with_consolidated": None,
            "accepted_at": None,
            "submitted_at": at,
            "time_spent_seconds": 31.5,
            "event_at": at,
            "event_date": at.date(),
        }
    )
    for place, row in enumerate(boxes):
        kept = {name: row[name] for name in ("category", "geometry_type", "top_px", "width_px", "height_px")}
        maker.labels.worker_annotations.append(
            kept
            | {
                "annotation_id": f"{response}-{place}",
                "response_id": response,
                "labeling_job_name": job,
                "dataset_object_id": number,
                "source_ref": whose["source_ref"],
                "worker_id": worker,
                "worker_pseudonym": worker,
                "iteration_number": 1,
                "left_px": row["left_px"] + 2,
                "submitted_at": at,
                "event_at": at,
                "event_date": at.date(),
            }
        )


def _add_others(maker: _Maker) -> None:
    chance = maker.chance
    classes, spans = "groundtruth/image-classification", "groundtruth/text-span"
    maker.job("scenes", classes)
    for number in range(200):
        is_failed = number % 40 == 39
        label = None if is_failed else chance.choice(("city", "country", "motorway"))
        whose = maker.object(
            "scenes", number, classes, is_failed=is_failed, consolidated_label=label,
            is_human_annotated=number % 2 == 0, failure_reason="ClientError: expired" if is_failed else None,
        )  # fmt: skip
        if not is_failed:
            maker.label(whose, "class", category=label, confidence_ratio=0.9)
    maker.job("reports", spans)
    for number in range(60):
        whose = maker.object("reports", number, spans)
        for place in range(3):
            maker.label(whose, "span", category=chance.choice(("place", "person")), start_offset=place * 20,
                        end_offset=place * 20 + 7)  # fmt: skip
    maker.job("roads", masks := "groundtruth/semantic-segmentation")
    for number in range(30):
        whose = maker.object("roads", number, masks)
        for place, category in enumerate(("road", "sky", "building")):
            area = {"area_count": 100_000 * (place + 1), "area_ratio": (place + 1) / 6}
            maker.label(
                whose, "mask", category=category, mask_color=f"#{place:02d}aa00", mask_ref="s3://b/m.png", **area
            )
    maker.job("lanes", lanes := "groundtruth/video-object-detection")
    whose = maker.object("lanes", 0, lanes)
    for frame in range(12):
        for geometry in ("polyline", "polygon", "keypoint"):
            points = [chance.uniform(0, 1280 if place % 2 == 0 else 720) for place in range(8)]
            maker.label(whose, geometry, frame_number=frame, category=f"lane {geometry}", object_name=f"{geometry}:1",
                        points=points[:2] if geometry == "keypoint" else points)  # fmt: skip
        maker.frame(whose, frame, None, 3)
    maker.job("lidar", clouds := "groundtruth/point-cloud-object-detection")
    for number in range(6):
        whose = maker.object("lidar", number, clouds)
        for _ in range(5):
            centre = {"center_x": chance.uniform(-40, 40), "center_y": chance.uniform(-40, 40), "center_z": 0.8}
            size = {"cuboid_length": 4.4, "cuboid_width": 1.9, "cuboid_height": 1.6}
            maker.label(whose, "cuboid", category=None, yaw_radians=chance.uniform(0, 3), **centre, **size)
        maker.frame(whose, 0, {"weather": "rain"}, 5)
