"""The compose file's services run the whole pipeline, whatever is killed or restarted meanwhile.

One deployment and one run for all tests of this file: two labelling jobs from S3, through two Celery workers, into a
lake on S3.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from deployment.deployed import BUCKET, BUILD, EXTRACT, PASSWORDS, REGION, SOURCES, WORKERS, Deployed, deployed
from deployment.native import IS_ROOT
from labelhouse import pipeline
from labelhouse.settings import load_settings
from published_rows import rows_of_everything

pytestmark = pytest.mark.timeout(1800)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """A deployment that has published, although a worker, Redis and PostgreSQL were taken away in the middle."""
    with deployed(tmp_path_factory.mktemp("deployed")) as deployment:
        for dag_id in (BUILD, EXTRACT):
            deployment.unpause(dag_id)
        began = time.monotonic()
        with deployment.pausing("after the first table") as paused:
            extraction = deployment.trigger(EXTRACT)
            victim = deployment.service_of(paused())
            deployment.kill(victim)
        assert victim in WORKERS
        deployment.stop("redis")
        deployment.start("redis")
        deployment.start(victim)
        with deployment.pausing("before the publication") as paused:
            paused()
            deployment.stop("postgres")
            deployment.start("postgres")
        deployment.wait_for(
            lambda: any(run["state"] == "success" for run in deployment.runs(BUILD)), "a build to succeed"
        )
        deployment.seconds["from trigger to published, kill and restarts included"] = time.monotonic() - began
        deployment.wait_for(
            lambda: not any(run["state"] in ("running", "queued") for run in deployment.runs(BUILD)), "builds to end"
        )
        states = {run["dag_run_id"]: run["state"] for run in deployment.runs(EXTRACT)}
        assert states[extraction] == "success", deployment.failures()
        yield deployment
        peaks = {name: f"{service.peak_bytes / 1e6:.0f} MB" for name, service in deployment.running.items()}
        restarts = {name: service.restart_count for name, service in deployment.running.items()}
        print(json.dumps({"seconds": deployment.seconds, "peak": peaks, "restarts": restarts}, indent=1))


@pytest.fixture(scope="module")
def rows(run: Deployed) -> dict[str, tuple[int, str]]:
    """What the deployment's lake holds and has published."""
    return rows_of_everything(run.settings)


def test_it_ends_with_the_rows_of_the_embedded_default(
    run: Deployed, rows: dict[str, tuple[int, str]], tmp_path: Path
) -> None:
    key = run.environ["LABELHOUSE_PSEUDONYM_KEY"]
    embedded = load_settings({}, lake=tmp_path / "lake", pseudonym_key=key)
    pipeline.run(embedded, SOURCES, clients=partial(boto3.client))
    expected = rows_of_everything(embedded)
    assert rows == expected
    assert expected["raw.worker_responses"][0] > 0
    assert expected["fct_worker_response"][0] > 0


def test_the_load_that_was_killed_was_tried_again_on_some_worker(run: Deployed) -> None:
    loads = [
        task
        for each in run.runs(EXTRACT)
        for task in run.tasks(EXTRACT, each["dag_run_id"])
        if task["task_id"] == "load" and task["try_number"] > 1
    ]
    assert loads
    assert {task["state"] for task in loads} == {"success"}


def test_both_workers_worked_and_left_their_folders_empty(run: Deployed) -> None:
    for name in WORKERS:
        assert list((run.folder / "working" / name).iterdir()) == []
        assert "execute_workload" in run.log(name).read_text()
        assert re.search(r"Task execute_workload\[\S+\] received", run.log(name).read_text()), name


def test_tasks_hand_on_no_path(run: Deployed) -> None:
    handed_on = query(run, "airflow", "select coalesce(string_agg(value::text, ' '), '') from xcom")
    assert "plan_id" in handed_on
    assert not re.search(r"/(var|tmp|opt|home|root)\b", handed_on)
    assert str(run.folder) not in handed_on


def test_no_secret_is_in_logs_xcom_or_rendered_templates(run: Deployed) -> None:
    """Although tasks were killed, lost their database and said so, with their stacks."""
    asked = "select coalesce(string_agg({}::text, ' '), '') from {}"
    kept = {
        "xcom": query(run, "airflow", asked.format("value", "xcom")),
        "rendered templates": query(run, "airflow", asked.format("rendered_fields", "rendered_task_instance_fields")),
    }
    assert "plan_id" in kept["rendered templates"]
    logs = [path for path in run.folder.rglob("*.log") if path.is_file()]
    assert any("error" in path.read_text(errors="replace").lower() for path in logs), "something was to be said"
    kept |= {str(path): path.read_text(errors="replace") for path in logs}
    secrets = [value for name, value in run.environ.items() if name.endswith(("_PASSWORD", "_KEY", "_SECRET"))]
    assert len(secrets) == len(PASSWORDS) + 5
    assert [place for place, text in kept.items() if any(secret in text for secret in secrets)] == []


def test_the_lake_is_in_the_bucket_and_nowhere_else(run: Deployed) -> None:
    names = {key.rpartition("/")[2] for key in objects("lake/")}
    assert {"current.json", "status.json", "serving.duckdb"} <= names
    assert {name.rpartition(".")[2] for name in names} >= {"parquet", "avro"}
    assert list((run.folder / "volumes" / "lake").iterdir()) == []


def test_the_ui_shows_the_logs_of_tasks_on_either_worker(run: Deployed) -> None:
    build = run.runs(BUILD)[0]["dag_run_id"]
    for task in run.tasks(BUILD, build):
        if task["state"] == "success":
            shown = run.log_of(BUILD, build, task["task_id"], task["map_index"], task["try_number"])
            assert "Could not" not in shown
            assert "INFO" in shown.upper(), task["task_id"]


def test_each_owner_sees_its_own_database_alone(run: Deployed) -> None:
    assert "iceberg_tables" in query(run, "lake", "select string_agg(relname, ' ') from pg_class")
    refused = psql(run, "airflow", "LAKE_DATABASE_PASSWORD", "select 1", user="lake")
    assert refused.returncode
    assert 'permission denied for database "airflow"' in refused.stderr


@pytest.mark.parametrize("name", ["api-server", "worker-1", "redis"])
def test_nothing_but_its_own_folders_can_be_written(run: Deployed, name: str) -> None:
    if not IS_ROOT:
        assert run.services[name]["read_only"]  # a namespace of mounts needs root
        return
    for place in ("/etc", "/opt/labelhouse"):
        done = run.run(name, ["sh", "-c", f"echo x > '{place}/written by {name}'"])
        assert "Read-only file system" in done.stderr
    assert run.run(name, ["sh", "-c", "grep CapBnd /proc/self/status"]).stdout.split() == ["CapBnd:", "0" * 16]


def test_the_simulated_account_starts_too(run: Deployed) -> None:
    run.start("aws")
    run.wait_until_healthy("aws")
    run.wait_for(lambda: "LABELHOUSE_SOURCES={" in run.log("aws").read_text(), "the account to say what it has")
    run.stop("aws")


def test_what_is_backed_up_is_there_again_after_everything_was_lost(
    run: Deployed, rows: dict[str, tuple[int, str]]
) -> None:
    """What the guide says; the last test, because nothing runs after it but PostgreSQL."""
    for name in run.running:
        if name not in ("postgres", "redis"):
            run.stop(name, grace_seconds=5)
    runs = query(run, "airflow", "select string_agg(run_id, ' ' order by run_id) from dag_run")
    local = "/tmp"  # as the container has it: the server's socket, too
    databases = ("airflow", "lake", "people")
    for name in databases:
        dump = f"pg_dump --host={local} --username=postgres --format=custom {name} > {local}/{name}.dump"
        assert run.run("postgres", ["sh", "-euc", dump]).returncode == 0
    saved = objects("lake/")
    run.stop("postgres")
    shutil.rmtree(run.folders("postgres")["/var/lib/postgresql/data"])
    s3 = boto3.client("s3", region_name=REGION)
    for key in saved:
        s3.delete_object(Bucket=BUCKET, Key=key)
    run.start("postgres")
    run.wait_until_healthy("postgres")
    with pytest.raises(AssertionError, match="nothing is published"):
        rows_of_everything(run.settings)
    for name in databases:
        restore = f"pg_restore --host={local} --username=postgres --no-owner --role={name} --dbname={name}"
        done = run.run("postgres", ["sh", "-euc", f"{restore} < {local}/{name}.dump"])
        assert done.returncode == 0, done.stderr
    for key, body in saved.items():
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    assert rows_of_everything(run.settings) == rows
    assert query(run, "airflow", "select string_agg(run_id, ' ' order by run_id) from dag_run") == runs


def objects(prefix: str) -> dict[str, bytes]:
    """Key → content of everything in the bucket below a prefix."""
    s3 = boto3.client("s3", region_name=REGION)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    keys = [each["Key"] for page in pages for each in page.get("Contents", ())]
    return {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys}


def psql(run: Deployed, database: str, password: str, sql: str, user: str) -> subprocess.CompletedProcess[str]:
    where = ["--host=127.0.0.1", f"--username={user}", f"--dbname={database}"]
    return run.run("postgres", ["psql", *where, "-tAc", sql], PGPASSWORD=run.environ[password])


def query(run: Deployed, database: str, sql: str) -> Any:
    """The one value that the owner of a database reads in it."""
    done = psql(run, database, f"{database.upper()}_DATABASE_PASSWORD", sql, user=database)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
