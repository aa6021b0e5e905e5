"""The queries of AWS's reporting pipeline run as they are written, with the name of the database changed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from labelhouse.marts.attribute_views import create_attribute_views
from labelhouse.marts.smgt import create_smgt_views

LABELHOUSE = Path(sys.executable).with_name("labelhouse")

#: As published, but for `smgt-gluedatabase`.
FIRST_LOOK = 'SELECT * FROM "smgt"."worker_metrics_processed_worker_metrics" limit 10;'
WORKER_DATASET = (
    "SELECT *, cardinality(ans.trackingannotations.framedata.entries) as tasks FROM "
    '"smgt"."worker_metrics_processed_worker_metrics", unnest(answercontent) as t(ans);'
)
#: The annotation queries as published, but for the name of the database and a comma that stands there twice.
TABLES = (
    "annotations_batch_manifests",
    "worker_metrics_processed_worker_metrics",
    "output_manifest_videoobjecttracking",
    "output_manifest_videoobjecttrackingaudit",
)
LABEL_DATASET = (
    'SELECT job_name,each_ann.height,each_ann.width,each_ann."left",each_ann."label-category-attributes".moving,'
    'each_ann."label-category-attributes".vehicle_type,each_ann."label-category-attributes".audit,'
    'each_ann."object-name",each_ann from '
    '(SELECT ann.annotations, partition_1 as job_name FROM "smgt"."annotations_batch_manifests", '
    'unnest("tracking-annotations") as t(ann) where cardinality(ann.annotations) != 0) as data, '
    "unnest(data.annotations) as t(each_ann);"
)
FRAME_DATASET = (
    'SELECT ann."frame-no",ann.frame,ann."frame-attributes"."number_of_vehicles",'
    'ann."frame-attributes"."quality_of_the_frame",ann.annotations, cardinality(ann.annotations) as num_labels, '
    'partition_1 as job_name, ann FROM "smgt"."annotations_batch_manifests", '
    'unnest("tracking-annotations") as t(ann) where cardinality(ann.annotations) != 0'
)
#: Boxes by frame of the videos: the first one was audited, the third one failed.
BOXES = {("cars", 0): [2, 1, 0], ("cars", 1): [1, 0, 3, 0], ("cars-audit", 0): [2, 0, 0]}
#: Seconds and frames of the answers, by object: the second object has two answers in one file.
ANSWERS = {0: [(100.5, 3)], 1: [(60.25, 2), (40.0, 4)], 2: [(9.0, 0)]}


def answer(object_id: int, worker: int, seconds: float, frames: int) -> dict[str, Any]:
    """One worker's answer to one video, in Ground Truth's form; frames are a list, or an object with a member each."""
    entries: Any = [{"frameNo": number, "annotations": [{"label": "car"}]} for number in range(frames)]
    if worker == 1:
        entries = {str(number): entry for number, entry in enumerate(entries)}
    return {
        "answerContent": {"trackingAnnotations": {"frameData": {"entries": entries, "s3Prefix": "s3://videos/"}}},
        "acceptanceTime": f"2024-03-01T1{object_id}:00:00.000Z",
        "submissionTime": f"2024-03-01T1{object_id}:0{worker + 3}:00.250Z",
        "timeSpentInSeconds": seconds,
        "workerId": f"private.us-east-1.{worker:016x}",
        "workerMetadata": {
            "identityData": {
                "identityProviderType": "Cognito",
                "issuer": "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool",
                "sub": f"0b6f8a52-canary-sub-{worker}",
            }
        },
    }


def box(job: str, number: int) -> dict[str, Any]:
    """One box; only the audit job says whether it passed."""
    attributes: dict[str, Any] = {"moving": "yes" if number else "no", "vehicle_type": "sedan"}
    if job == "cars-audit":
        attributes["audit"] = "Pass"
    return {
        "height": 20 + number,
        "width": 30,
        "top": 5,
        "left": 7.5,
        "class-id": "0",
        "label-category-attributes": attributes,
        "object-id": f"id-{number}",
        "object-name": f"car:{number}",
    }


def write_videos(export: Path) -> None:
    """The label job of three videos and the audit of the first: sequences, and a manifest with the labels of both."""
    for (job, object_id), counts in BOXES.items():
        frames = [
            {
                "frame-no": str(number),
                "frame": f"frame_{number}.jpg",
                "frame-attributes": {"number_of_vehicles": count, "quality_of_the_frame": "good"} if number else {},
                "annotations": [box(job, each) for each in range(count)],
            }
            for number, count in enumerate(counts)
        ]
        path = export / job / f"annotations/consolidated-annotation/output/{object_id}/SeqLabel.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps({"tracking-annotations": frames}))
    lines = {"cars": [line(number, "cars") for number in range(3)], "cars-audit": [line(0, "cars", "cars-audit")]}
    lines["cars"][2]["cars-ref-metadata"] |= {"failure-reason": "ClientError: Annotation tasks expired"}
    del lines["cars"][2]["cars-ref"]
    for job, rows in lines.items():
        path = export / job / "manifests/output/output.manifest"
        path.parent.mkdir(parents=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def line(object_id: int, *jobs: str) -> dict[str, Any]:
    """A line of a manifest: one video, labelled by a job after the other."""
    row: dict[str, Any] = {"source-ref": f"s3://videos/{object_id}.json"}
    for day, job in enumerate(jobs, 2):
        row[f"{job}-ref"] = f"s3://output/{job}/annotations/consolidated-annotation/output/{object_id}/SeqLabel.json"
        row[f"{job}-ref-metadata"] = {
            "class-map": {"0": "car"},
            "job-name": f"labeling-job/{job}",
            "human-annotated": "yes",
            "creation-date": f"2024-03-0{day}T10:00:00.000000",
            "type": "groundtruth/video-object-tracking",
        }
        if job == "cars-audit":
            row[f"{job}-ref-metadata"]["adjustment-status"] = "adjusted"
    return row


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake of one job that tracks objects in videos, and of one that classifies images."""
    folder = tmp_path_factory.mktemp("smgt")
    videos = "annotations/worker-response/iteration-1/{}/2024-03-01_1{}:30:00.json"
    for object_id, given in ANSWERS.items():
        path = folder / "export" / "cars" / videos.format(object_id, object_id)
        path.parent.mkdir(parents=True)
        answers = [answer(object_id, worker, *measures) for worker, measures in enumerate(given)]
        path.write_text(json.dumps({"answers": answers}))
    path = folder / "export" / "pets" / videos.format(0, 0)
    path.parent.mkdir(parents=True)
    pet = answer(0, 0, 2.5, 0) | {"answerContent": {"crowd-image-classifier": {"label": "cat"}}}
    path.write_text(json.dumps({"answers": [pet]}))
    write_videos(folder / "export")
    done = run("run", "--source", f"labeling_output={folder / 'export'}", "--lake", str(folder / "lake"))
    assert done.returncode == 0, done.stderr
    return folder / "lake"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([LABELHOUSE, *arguments], capture_output=True, text=True, check=False, timeout=300)


def query(lake: Path, sql: str) -> list[dict[str, Any]]:
    done = run("query", sql, "--lake", str(lake), "--format", "json")
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def test_the_worker_dataset_has_every_answer_once(lake: Path) -> None:
    rows = query(lake, WORKER_DATASET)
    measured = sorted((row["jobname"], float(row["timespentinseconds"]), row["tasks"]) for row in rows)
    of_videos = [("cars", seconds, frames) for given in ANSWERS.values() for seconds, frames in given]
    assert measured == sorted([*of_videos, ("pets", 2.5, None)])
    assert {(row["jobname"], row["modality"]) for row in rows} == {("cars", "video"), ("pets", "image")}


def test_its_sums_are_ours(lake: Path) -> None:
    """What a dashboard adds up from the data set is what the marts say; no answer is lost, none counts twice."""
    grouped = (
        "select jobname, username, sum(timespentinseconds) as seconds, max(timespentinseconds) as most, "
        f"min(timespentinseconds) as least, count(*) as answers from ({WORKER_DATASET.rstrip(';')}) group by all"
    )
    ours = (
        "select labeling_job_name as jobname, worker_pseudonym as username, sum_seconds as seconds, "
        "max_seconds as most, min_seconds as least, answer_count as answers from fct_worker_job"
    )
    assert query(lake, f"{grouped} order by all") == query(lake, f"{ours} order by all")
    assert query(lake, "select sum(answer_count) as answers from dim_worker") == [{"answers": 5}]


def test_the_first_look_shows_people_as_pseudonyms(lake: Path) -> None:
    rows = query(lake, FIRST_LOOK)
    assert len(rows) == 5
    assert all(row["username"].startswith("p_") and row["sub"] == row["username"] for row in rows)
    assert {row["email"] for row in rows} == {None}
    assert "canary" not in json.dumps(rows)
    first = min(rows, key=lambda row: (row["jobname"], row["submissiontime"]))
    parts = ("identityprovidertype", "issuer", "year", "month", "date", "hour")
    issuer = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_pool"
    assert [first[name] for name in parts] == ["Cognito", issuer, 2024, 3, 1, 10]
    assert first["acceptancetime"].startswith("2024-03-01T10:00:00")


@pytest.mark.parametrize("table", TABLES)
def test_every_table_can_be_looked_at(lake: Path, table: str) -> None:
    assert query(lake, f'SELECT * FROM "smgt"."{table}" limit 10;')


def test_the_label_dataset_has_every_current_box_once(lake: Path) -> None:
    """The boxes of the first video are those of its audit: the label job's copies do not count as well."""
    rows = query(lake, LABEL_DATASET)
    assert Counter(row["job_name"] for row in rows) == {"cars": 4, "cars-audit": 2}
    measured = (
        "select labeling_job_name as job_name, height_px as height, width_px as width, left_px as left, moving, "
        'vehicle_type, audit, object_name as "object-name" from fct_annotation '
        "inner join label_attributes using (annotation_id) where is_current order by all"
    )
    named = [{key: value for key, value in row.items() if key != "each_ann"} for row in rows]
    assert sorted(map(json.dumps, named)) == sorted(map(json.dumps, query(lake, measured)))
    assert {row["each_ann"]["class-id"] for row in rows} == {"0"}
    assert {(row["job_name"], row["audit"]) for row in rows} == {("cars", None), ("cars-audit", "Pass")}
    assert query(lake, "select count(*) as boxes from fct_annotation where geometry_type = 'box'") == [{"boxes": 9}]


def test_the_frame_dataset_has_every_frame_with_boxes_once(lake: Path) -> None:
    rows = query(lake, FRAME_DATASET)
    given = [
        (job, str(number), count)
        for (job, object_id), counts in BOXES.items()
        if (job, object_id) != ("cars", 0)
        for number, count in enumerate(counts)
        if count
    ]
    assert sorted((row["job_name"], row["frame-no"], row["num_labels"]) for row in rows) == sorted(given)
    ours = (
        "select labeling_job_name as job_name, frame_number::varchar as frame_no, annotation_count as num_labels, "
        "number_of_vehicles, quality_of_the_frame from fct_frame "
        "inner join frame_attributes using (frame_id) where is_current and annotation_count > 0 order by all"
    )
    columns = ("job_name", "frame-no", "num_labels", "number_of_vehicles", "quality_of_the_frame")
    theirs = [[row[name] for name in columns] for row in rows]
    assert sorted(map(json.dumps, theirs)) == sorted(json.dumps(list(row.values())) for row in query(lake, ours))


def test_no_empty_frame_is_dropped(lake: Path) -> None:
    theirs = (
        'select partition_1 as job_name, sum(cardinality("tracking-annotations")) as frames '
        "from smgt.annotations_batch_manifests group by all order by all"
    )
    ours = (
        "select labeling_job_name as job_name, count(*) as frames from fct_frame where is_current "
        "group by all order by all"
    )
    assert (
        query(lake, theirs)
        == query(lake, ours)
        == [
            {"job_name": "cars", "frames": 4},
            {"job_name": "cars-audit", "frames": 3},
        ]
    )


def test_the_manifest_tables_have_the_lines_of_their_level(lake: Path) -> None:
    columns = '"source-ref", "label-ref", partition_1 as job, "label-ref-metadata" as metadata'
    shown = f"select {columns} from smgt.{{}} order by 1"
    first = query(lake, shown.format("output_manifest_videoobjecttracking"))
    assert [(row["source-ref"], row["job"]) for row in first] == [(f"s3://videos/{n}.json", "cars") for n in range(3)]
    assert [row["metadata"]["failure-reason"] is None for row in first] == [True, True, False]
    (audit,) = query(lake, shown.format("output_manifest_videoobjecttrackingaudit"))
    assert audit["label-ref"] == line(0, "cars-audit")["cars-audit-ref"]
    captured = line(0, "cars", "cars-audit")["cars-audit-ref-metadata"]
    assert {name: audit["metadata"][name] for name in captured.keys() - {"class-map"}} == {
        name: value for name, value in captured.items() if name != "class-map"
    }
    ours = "select labeling_job_name as job, adjusted_by_job_name as adjusted_by, is_current from fct_dataset_object"
    assert query(lake, f"{ours} where source_ref = 's3://videos/0.json' order by all") == [
        {"job": "cars", "adjusted_by": "cars-audit", "is_current": False},
        {"job": "cars-audit", "adjusted_by": "cars-audit", "is_current": True},
    ]


def test_a_release_without_what_they_read_has_no_views() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table fct_worker_response (worker_id varchar)")
        create_smgt_views(connection, create_attribute_views(connection, {}))
        assert connection.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]
