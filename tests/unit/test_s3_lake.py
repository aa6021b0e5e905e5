"""A lake whose files are in a bucket holds and publishes what one in a folder does."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from end_to_end.labeling_jobs import LabelingJob
from labelhouse import pipeline
from labelhouse.errors import LakeError
from labelhouse.lake.catalog import Lake
from labelhouse.marts import serving
from labelhouse.marts.read import query, query_lake
from labelhouse.marts.releases import current_release
from labelhouse.settings import Settings, load_settings
from published_rows import rows_of_everything

BUCKET = "lake-of-tests"
JOB = LabelingJob("herons", datetime(2026, 3, 2, 8, 30, tzinfo=UTC), object_count=12)
KEY = "the key of the pseudonyms of the tests"


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The URI of a simulated bucket that AWS's own variables lead to."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_REGION", "eu-west-1")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        patch.setenv("AWS_ACCESS_KEY_ID", "tests")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield f"s3://{BUCKET}"
    server.stop()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("output")
    for key, body in JOB.objects().items():
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return folder


def published(settings: Settings, source: Path) -> Settings:
    """The settings of a lake that holds and has published the job."""
    assert pipeline.run(settings, {"labeling_output": str(source)}, clients={}.__getitem__).release_id
    return settings


@pytest.fixture(scope="module")
def on_s3(bucket: str, source: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("on_s3") / "lake"
    return published(load_settings({}, lake=folder, warehouse=f"{bucket}/warehouse/", pseudonym_key=KEY), source)


def test_it_holds_and_publishes_the_same(on_s3: Settings, source: Path, tmp_path: Path) -> None:
    local = published(load_settings({}, lake=tmp_path / "lake", pseudonym_key=KEY), source)
    assert rows_of_everything(on_s3) == rows_of_everything(local)


def test_every_file_of_a_table_is_in_the_bucket(on_s3: Settings, bucket: str) -> None:
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    keys = [each["Key"] for each in listed]
    assert {key.rpartition(".")[2] for key in keys} == {"parquet", "avro", "json"}
    assert all(key.startswith("warehouse/") for key in keys)
    assert not list(on_s3.lake.rglob("*.parquet"))
    assert not (on_s3.lake / "warehouse").exists()
    assert Lake(on_s3).raw("ingest_ledger").location().startswith(f"{bucket}/warehouse/raw")


def test_queries_reach_the_bucket_of_the_lake_and_no_other_file(on_s3: Settings, bucket: str, tmp_path: Path) -> None:
    assert query_lake(on_s3, "select count(*) as n from raw.worker_responses").to_pylist() == [{"n": JOB.answer_count}]
    boto3.client("s3").put_object(Bucket=BUCKET, Key="elsewhere/x.csv", Body=b"a\n1\n")
    with pytest.raises(LakeError, match="disabled by configuration"):
        query_lake(on_s3, f"select * from read_csv('{bucket}/elsewhere/x.csv')")


def test_large_marts_are_read_from_the_bucket(on_s3: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    release = current_release(on_s3.lake)
    assert release
    monkeypatch.setattr(serving, "LARGEST_TABLE_ROWS", 0)
    expected = query(release, "select * from fct_worker_response order by all").to_pylist()
    folder = on_s3.lake / "releases" / "999999"
    folder.mkdir()
    from dataclasses import replace

    copy = replace(release, folder=folder)
    serving.write_serving_file(Lake(on_s3), copy, {})
    assert query(copy, "select * from fct_worker_response order by all").to_pylist() == expected
    assert expected
