"""The queries of AWS's reporting pipeline run as they are written, with the name of the database changed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from labelhouse.marts.smgt import create_smgt_views

LABELHOUSE = Path(sys.executable).with_name("labelhouse")

#: As published, but for `smgt-gluedatabase`.
FIRST_LOOK = 'SELECT * FROM "smgt"."worker_metrics_processed_worker_metrics" limit 10;'
WORKER_DATASET = (
    "SELECT *, cardinality(ans.trackingannotations.framedata.entries) as tasks FROM "
    '"smgt"."worker_metrics_processed_worker_metrics", unnest(answercontent) as t(ans);'
)
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


def test_a_release_without_what_they_read_has_no_views() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table fct_worker_response (worker_id varchar)")
        create_smgt_views(connection)
        assert connection.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]
